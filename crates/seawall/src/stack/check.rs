use std::{fmt, time::Duration};

use super::summary::{Numbers, Summary};

/// A probable mistake in a stack's order or numbers, from [`Stack::check`](super::Stack::check).
///
/// `Display` says what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Concern {
    kind: ConcernKind,
    /// The two policies, as [`Stack::describe`](super::Stack::describe) draws them.
    outer: String,
    inner: String,
}

/// What is probably wrong in a stack.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConcernKind {
    /// Nothing bounds how long a call takes.
    NoTimeout,
    /// A retry has a timeout around it, and none inside: one hanging attempt uses up the time of all attempts.
    NoAttemptTimeout,
    /// A retry has a timeout inside, and none around it: a call takes as long as all attempts and the waits between them.
    NoTotalTimeout,
    /// The time of the whole call is shorter than the time of all its attempts.
    AttemptsDoNotFit,
    /// A timeout is at least as long as the timeout around it, which always comes first.
    TimeoutNeverReached,
    /// A timeout counts the time in a queue inside it as the callee's.
    QueueCountsAsCall,
    /// A circuit breaker around a retry sees one result of several attempts.
    BreakerAroundRetry,
    /// A circuit breaker has its only timeout around it: the breaker does not count a call that is cut off.
    HangsDoNotCount,
    /// A rate limit is inside a retry: each attempt spends a share, and the retry waits for a rejected attempt's share.
    LimiterInRetry,
    /// A bulkhead is around a retry: calls hold slots while nothing is in flight.
    BulkheadAroundRetry,
    /// A bulkhead is around a rate limit with a wait: calls that wait for their share hold slots.
    BulkheadAroundWait,
    /// A retry is inside another retry: their attempts multiply.
    RetryInRetry,
    /// A retry has no budget: an outage multiplies the load.
    NoBudget,
    /// A retry that heeds no rejections is around a gate: it repeats calls that the gate rejects again.
    RejectionsNotHeeded,
    /// A retry waits until the circuit inside it may close: in an outage each call waits as long as the circuit is open.
    WaitsForOpenCircuit,
    /// A timeout or a retry has another clock than the policy around it: its first call panics.
    ClocksDiffer,
    /// The same gate is in the stack twice: a call needs two of its permits, and can wait for itself.
    SameGateTwice,
}

impl Concern {
    /// Returns what is probably wrong.
    pub fn kind(&self) -> ConcernKind {
        self.kind
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, outer, inner } = self;
        match kind {
            ConcernKind::NoTimeout => f.write_str("nothing bounds how long a call takes: add a timeout"),
            ConcernKind::NoAttemptTimeout => write!(
                f,
                "{outer} has no timeout inside: one attempt that hangs uses up the time of all; add one innermost"
            ),
            ConcernKind::NoTotalTimeout => write!(
                f,
                "{outer} has no timeout around it: a call takes as long as all attempts and the waits between; add one outermost"
            ),
            ConcernKind::AttemptsDoNotFit => {
                write!(f, "{outer} is shorter than all attempts with their {inner}: the last attempts are cut short")
            }
            ConcernKind::TimeoutNeverReached => write!(f, "{inner} is never reached: {outer} around it comes first"),
            ConcernKind::QueueCountsAsCall => write!(
                f,
                "{outer} counts the time in the queue of {inner}: a callee that is well looks slow; move the timeout inside the queue, or keep it there on purpose"
            ),
            ConcernKind::BreakerAroundRetry => write!(
                f,
                "{outer} is around {inner}: it sees one result of several attempts and opens late; put it inside"
            ),
            ConcernKind::HangsDoNotCount => write!(
                f,
                "{inner} has its only timeout around it, {outer}: calls that are cut off there do not count as failures; add a timeout inside, or build the breaker with `abandoned_after`"
            ),
            ConcernKind::LimiterInRetry => write!(
                f,
                "{inner} is inside {outer}: each attempt spends a share, and the retry waits for a rejected attempt's share; put the limit outside, unless it is the callee's"
            ),
            ConcernKind::BulkheadAroundRetry => write!(
                f,
                "{outer} is around {inner}: a slot is held between attempts, when nothing is in flight; put it inside"
            ),
            ConcernKind::BulkheadAroundWait => write!(
                f,
                "{outer} is around {inner}, whose calls wait: a slot is held by calls that wait for their turn; put it inside"
            ),
            ConcernKind::RetryInRetry => {
                write!(
                    f,
                    "{inner} is inside {outer}: their attempts multiply; keep the retry that is close to the callee"
                )
            }
            ConcernKind::ClocksDiffer => write!(
                f,
                "{inner} goes by another clock than {outer} around it, so its first call panics; build both with the same `.clock(..)`"
            ),
            ConcernKind::SameGateTwice => write!(
                f,
                "{inner} is in the stack twice: a call needs two permits of it, and can wait for its own or be rejected by it; keep one"
            ),
            ConcernKind::RejectionsNotHeeded => write!(
                f,
                "{outer} heeds no rejections and is around {inner}: it repeats calls that are rejected again, and pays for them; build it without `heed_rejections(false)`"
            ),
            ConcernKind::WaitsForOpenCircuit => write!(
                f,
                "{outer} waits for {inner}: in an outage each call waits for as long as the circuit is open; choose a `max_rejection_wait` below its `open_for`"
            ),
            ConcernKind::NoBudget => {
                write!(f, "{outer}: an outage multiplies the load on the callee; give the retry a `Budget`")
            }
        }
    }
}

/// Returns the probable mistakes in a stack.
pub(super) fn check(policies: &[Summary]) -> Vec<Concern> {
    let mut concerns = Vec::new();
    if policies.is_empty() {
        return concerns;
    }
    if !policies.iter().any(is_timeout) {
        let nothing = String::new();
        concerns.push(Concern { kind: ConcernKind::NoTimeout, outer: nothing.clone(), inner: nothing });
    }
    for (place, policy) in policies.iter().enumerate() {
        alone(policy, &policies[..place], &policies[place + 1..], &mut concerns);
        for (further, inner) in policies[place + 1..].iter().enumerate() {
            pair(policy, &policies[place + 1..][..further], inner, &mut concerns);
        }
    }
    concerns
}

/// Adds the mistakes of one policy, by the policies around it and inside it.
fn alone(policy: &Summary, outside: &[Summary], inside: &[Summary], concerns: &mut Vec<Concern>) {
    let mut tell = |kind, outer: &Summary, inner: &Summary| concerns.push(Concern::new(kind, outer, inner));
    match policy.numbers {
        Numbers::Retry { max_attempts: 2.., has_budget, .. } => {
            match (outside.iter().any(is_timeout), inside.iter().any(is_timeout)) {
                (true, false) => tell(ConcernKind::NoAttemptTimeout, policy, policy),
                (false, true) => tell(ConcernKind::NoTotalTimeout, policy, policy),
                (true, true) | (false, false) => {}
            }
            if !has_budget {
                tell(ConcernKind::NoBudget, policy, policy);
            }
        }
        Numbers::CircuitBreaker { counts_abandoned: false, .. } if !inside.iter().any(is_timeout) => {
            if let Some(timeout) = outside.iter().rev().find(|outer| is_timeout(outer)) {
                tell(ConcernKind::HangsDoNotCount, timeout, policy);
            }
        }
        _ => {}
    }
}

/// Adds the mistakes of one policy inside another policy, with others between.
fn pair(outer: &Summary, between: &[Summary], inner: &Summary, concerns: &mut Vec<Concern>) {
    if outer.shares.is_some() && outer.shares == inner.shares {
        concerns.push(Concern::new(ConcernKind::SameGateTwice, outer, inner));
    }
    if let (Some(around), Some(within)) = (outer.timeline, inner.timeline) {
        if around != within {
            concerns.push(Concern::new(ConcernKind::ClocksDiffer, outer, inner));
        }
    }
    if let Some(kind) = rejected(outer.numbers, inner.numbers) {
        concerns.push(Concern::new(kind, outer, inner));
    }
    let retries = between.iter().find_map(|policy| attempts(policy.numbers));
    let kind = match (outer.numbers, inner.numbers) {
        (Numbers::Timeout { limit: Some(whole) }, Numbers::Timeout { limit: Some(part) }) => match retries {
            _ if part >= whole => ConcernKind::TimeoutNeverReached,
            Some(attempts) if all(attempts, part) > whole => ConcernKind::AttemptsDoNotFit,
            _ => return,
        },
        // The time of a whole call includes its waits on purpose.
        (Numbers::Timeout { .. }, waits) if waits.may_wait() && retries.is_none() && between.is_empty() => {
            ConcernKind::QueueCountsAsCall
        }
        (Numbers::CircuitBreaker { .. }, Numbers::Retry { max_attempts: 2.., .. }) => ConcernKind::BreakerAroundRetry,
        (Numbers::Retry { max_attempts: 2.., .. }, Numbers::RateLimit { .. }) => ConcernKind::LimiterInRetry,
        (Numbers::Bulkhead { .. }, Numbers::Retry { max_attempts: 2.., .. }) => ConcernKind::BulkheadAroundRetry,
        (Numbers::Bulkhead { .. }, Numbers::RateLimit { max_wait: Some(_), .. }) => ConcernKind::BulkheadAroundWait,
        (Numbers::Retry { max_attempts: 2.., .. }, Numbers::Retry { max_attempts: 2.., .. }) => {
            ConcernKind::RetryInRetry
        }
        _ => return,
    };
    concerns.push(Concern::new(kind, outer, inner));
}

/// Returns the mistake of a retry in its reaction to rejections by a gate inside it.
fn rejected(retry: Numbers, gate: Numbers) -> Option<ConcernKind> {
    let Numbers::Retry { max_attempts: 2.., heeds_rejections, max_rejection_wait, .. } = retry else { return None };
    match gate {
        Numbers::RateLimit { .. } | Numbers::CircuitBreaker { .. } | Numbers::Bulkhead { .. } if !heeds_rejections => {
            Some(ConcernKind::RejectionsNotHeeded)
        }
        Numbers::CircuitBreaker { open_for, .. } if max_rejection_wait.is_none_or(|most| most >= open_for) => {
            Some(ConcernKind::WaitsForOpenCircuit)
        }
        _ => None,
    }
}

impl Concern {
    fn new(kind: ConcernKind, outer: &Summary, inner: &Summary) -> Self {
        Self { kind, outer: outer.to_string(), inner: inner.to_string() }
    }
}

fn is_timeout(policy: &Summary) -> bool {
    matches!(policy.numbers, Numbers::Timeout { .. })
}

fn attempts(numbers: Numbers) -> Option<u32> {
    match numbers {
        Numbers::Retry { max_attempts, .. } => Some(max_attempts),
        _ => None,
    }
}

fn all(attempts: u32, each: Duration) -> Duration {
    each.saturating_mul(attempts)
}
