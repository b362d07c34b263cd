use std::{any::Any, fmt, time::Duration};

use seawall_bulkhead::Bulkhead;
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::time::{Clock, Timeline, Timer};
use seawall_rate_limit::RateLimiter;
use seawall_retry::Retry;
use seawall_timeout::Timeout;

/// A summary of one policy of a stack.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// The policy's name.
    pub name: String,
    /// The policy's kind, and its numbers.
    pub numbers: Numbers,
    /// The timeline of the policy's clock, if the policy heeds deadlines.
    pub(super) timeline: Option<Timeline>,
    /// The id of the policy's shared state, if any.
    pub(super) shares: Option<usize>,
}

/// A policy's kind, with its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Numbers {
    /// A rate limit.
    RateLimit {
        /// How many calls in [`period`](Self::RateLimit::period).
        count: u32,
        /// The period of the quota.
        period: Duration,
        /// How many calls pass at once.
        burst: u32,
        /// How long a call may wait for its turn; `None` if calls do not wait.
        max_wait: Option<Duration>,
    },
    /// A timeout, without a number if the limit depends on the request or follows recent calls.
    Timeout {
        /// How long a call may take.
        limit: Option<Duration>,
    },
    /// A retry.
    Retry {
        /// How many attempts there are at most.
        max_attempts: u32,
        /// Whether a budget pays for further attempts.
        has_budget: bool,
        /// Whether the retry heeds the rejections of policies inside it.
        heeds_rejections: bool,
        /// The longest rejection for which the retry waits, if there is a bound.
        max_rejection_wait: Option<Duration>,
    },
    /// A circuit breaker.
    CircuitBreaker {
        /// Whether a dropped call may count as a failure.
        counts_abandoned: bool,
        /// How long the circuit stays open the first time.
        open_for: Duration,
    },
    /// A bulkhead.
    Bulkhead {
        /// How many calls may be in flight.
        max_concurrent: usize,
        /// How many calls may wait.
        max_queued: usize,
    },
}

/// Policies that can summarize themselves, outermost first.
pub trait Describe {
    /// Adds a summary of each policy.
    fn describe(&self, to: &mut Vec<Summary>);
}

impl Summary {
    /// Summarizes a policy whose clones share the state with the given id.
    fn shared(name: &str, numbers: Numbers, shares: usize) -> Self {
        Self { name: name.into(), numbers, timeline: None, shares: Some(shares) }
    }

    /// Summarizes a policy that heeds deadlines.
    fn timed(name: &str, numbers: Numbers, clock: &impl Clock) -> Self {
        Self { name: name.into(), numbers, timeline: Some(clock.timeline()), shares: None }
    }
}

impl Numbers {
    /// Returns whether the policy can make a call wait for its turn.
    pub(super) fn may_wait(self) -> bool {
        matches!(self, Self::RateLimit { max_wait: Some(_), .. } | Self::Bulkhead { max_queued: 1.., .. })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, numbers, .. } = self;
        match numbers {
            Numbers::RateLimit { count, period, burst, max_wait } => {
                write!(f, "rate limit `{name}`: {count} in {period:?}, {burst} at once")?;
                max_wait.map_or(Ok(()), |max_wait| write!(f, ", waits up to {max_wait:?}"))
            }
            Numbers::Timeout { limit: Some(limit) } => write!(f, "timeout `{name}`: {limit:?}"),
            Numbers::Timeout { limit: None } => write!(f, "timeout `{name}`: as the call goes"),
            Numbers::Retry { max_attempts: u32::MAX, .. } => write!(f, "retry `{name}`: any number of attempts"),
            Numbers::Retry { max_attempts: 1, .. } => write!(f, "retry `{name}`: 1 attempt"),
            Numbers::Retry { max_attempts, has_budget, .. } => {
                let budget = if *has_budget { "within a budget" } else { "without a budget" };
                write!(f, "retry `{name}`: {max_attempts} attempts, {budget}")
            }
            Numbers::CircuitBreaker { .. } => write!(f, "circuit breaker `{name}`"),
            Numbers::Bulkhead { max_concurrent, max_queued: 0 } => {
                write!(f, "bulkhead `{name}`: {max_concurrent} in flight")
            }
            Numbers::Bulkhead { max_concurrent, max_queued } => {
                write!(f, "bulkhead `{name}`: {max_concurrent} in flight, {max_queued} waiting")
            }
        }
    }
}

// ===== impl Describe =====

impl Describe for () {
    fn describe(&self, _: &mut Vec<Summary>) {}
}

impl<K: Clock, R: Describe> Describe for (RateLimiter<K>, R) {
    fn describe(&self, to: &mut Vec<Summary>) {
        let (limiter, rest) = self;
        let quota = limiter.quota();
        let (count, period, burst) = (quota.count(), quota.period(), quota.max_burst());
        let numbers = Numbers::RateLimit { count, period, burst, max_wait: limiter.max_wait() };
        to.push(Summary::shared(limiter.name(), numbers, limiter.id()));
        rest.describe(to);
    }
}

impl<L: 'static, K: Clock, R: Describe> Describe for (Timeout<L, K>, R) {
    fn describe(&self, to: &mut Vec<Summary>) {
        let (timeout, rest) = self;
        // A limit may be a function of any request's type, so no trait can return the number.
        let limit: &dyn Any = timeout.limit();
        let numbers = Numbers::Timeout { limit: limit.downcast_ref().copied() };
        to.push(Summary::timed(timeout.name(), numbers, timeout.clock()));
        rest.describe(to);
    }
}

impl<D, K: Clock, R: Describe> Describe for (Retry<D, K>, R) {
    fn describe(&self, to: &mut Vec<Summary>) {
        let (retry, rest) = self;
        let numbers = Numbers::Retry {
            max_attempts: retry.max_attempts(),
            has_budget: retry.budget().purse().is_some(),
            heeds_rejections: retry.heeds_rejections(),
            max_rejection_wait: retry.max_rejection_wait(),
        };
        to.push(Summary::timed(retry.name(), numbers, retry.clock()));
        rest.describe(to);
    }
}

impl<C, K: Clock, R: Describe> Describe for (CircuitBreaker<C, K>, R) {
    fn describe(&self, to: &mut Vec<Summary>) {
        let (breaker, rest) = self;
        let (counts_abandoned, open_for) = (breaker.counts_abandoned(), breaker.open_for());
        let numbers = Numbers::CircuitBreaker { counts_abandoned, open_for };
        to.push(Summary::shared(breaker.name(), numbers, breaker.id()));
        rest.describe(to);
    }
}

impl<K: Timer, R: Describe> Describe for (Bulkhead<K>, R) {
    fn describe(&self, to: &mut Vec<Summary>) {
        let (bulkhead, rest) = self;
        let numbers =
            Numbers::Bulkhead { max_concurrent: bulkhead.max_concurrent(), max_queued: bulkhead.max_queued() };
        to.push(Summary::shared(bulkhead.name(), numbers, bulkhead.id()));
        rest.describe(to);
    }
}
