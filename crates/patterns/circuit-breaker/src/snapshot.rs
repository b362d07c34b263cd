use std::time::Duration;

use seawall_core::{
    breaker::{Breaker, Phase, Reading, State},
    time::Instant,
};

/// What a circuit breaker looked like at one moment.
///
/// Calls go on while it is taken, so its numbers need not be of one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    state: State,
    generation: u32,
    since: Instant,
    age: Duration,
    retry_after: Option<Duration>,
    consecutive_failures: u32,
    undecided_probes: u32,
    rules: Vec<Reading>,
    refused: u64,
    stale: u64,
    events_lost: u64,
}

impl Snapshot {
    pub(crate) fn take(breaker: &Breaker, events_lost: u64, now: Instant) -> Self {
        let (word, totals) = (breaker.word(), breaker.totals());
        Self {
            state: breaker.state(now),
            generation: word.generation(),
            since: breaker.since(),
            age: now.saturating_duration_since(breaker.since()),
            retry_after: breaker.refusal(now).and_then(|refusal| refusal.retry_after()),
            consecutive_failures: match word.phase() {
                Phase::Closed { run } | Phase::MetricsOnly { run, .. } => run,
                _ => 0,
            },
            undecided_probes: match word.phase() {
                Phase::HalfOpen { undecided, .. } => undecided.into(),
                _ => 0,
            },
            rules: breaker.readings(now).collect(),
            refused: totals.refused,
            stale: totals.stale,
            events_lost,
        }
    }

    /// What a call that arrived then would have met.
    pub fn state(&self) -> State {
        self.state
    }

    /// How often the state has changed, modulo 2^29.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// When the state changed last, by the breaker's clock; when the breaker was built, if it never did.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// How long ago the state changed last.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// How long an open circuit would go on refusing calls, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Failures since the last success in a closed circuit, if a rule counts them; else 0.
    pub fn consecutive_failures(&self) -> u32 {
        self.consecutive_failures
    }

    /// Probes of a half-open circuit that have not ended.
    pub fn undecided_probes(&self) -> u32 {
        self.undecided_probes
    }

    /// What each rule with a window sees, in the order in which they were given to the builder.
    pub fn rules(&self) -> &[Reading] {
        &self.rules
    }

    /// Calls refused since the breaker was built.
    pub fn rejected(&self) -> u64 {
        self.refused
    }

    /// Results that came after the state had changed, and so counted for nothing, since the breaker was built.
    pub fn stale(&self) -> u64 {
        self.stale
    }

    /// Events of single calls that were lost since the breaker was built, because more came than its observers could be told of.
    pub fn events_lost(&self) -> u64 {
        self.events_lost
    }
}
