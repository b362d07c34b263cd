use std::time::Duration;

use super::{
    cause::{OpenCause, PROBE_FAILED, PROBE_RATE, Rate, RuleFacts, RuleKind},
    change::Trigger,
    config::BreakerConfig,
    rule::CompiledTrip,
    trip::{Trip, TripKind},
    word::LEVELS,
};
use crate::{
    Jitter, Outcome, backoff,
    time::{Instant, saturating_nanos},
};

/// A [`BreakerConfig`], compiled: what a transition needs to know, and what costs a call may be spared.
#[derive(Debug)]
pub(crate) struct CompiledConfig {
    /// The number of consecutive failures that opens the circuit; 0 without such a rule.
    pub(crate) run_limit: u32,
    run_rule: u32,
    pub(crate) rules: Box<[CompiledTrip]>,
    /// At most one rule has a window, and it counts failures: a success is then a few instructions.
    pub(crate) is_simple: bool,
    /// A rule is the user's own.
    pub(crate) has_predicates: bool,
    /// A pass must say when its call began.
    pub(crate) needs_start: bool,
    pub(crate) probes: u8,
    pub(crate) reopen_at: Option<f64>,
    pub(crate) lease: Duration,
    abandoned: Outcome,
    abandoned_after: Option<Duration>,
    /// The open period in nanoseconds, by level. The last entry is for all higher levels.
    open_for: Box<[u64]>,
    jitter: Jitter,
    seed: u64,
}

impl CompiledConfig {
    pub(crate) fn new(mut config: BreakerConfig) -> Self {
        if config.trips.is_empty() {
            config.trips.push(Trip::failure_rate(0.5).into());
        }
        let (mut run_limit, mut run_rule, mut rules) = (0, 0, Vec::new());
        for (number, trip) in (0..).zip(config.trips) {
            match trip.0 {
                // Of several such rules the strictest decides.
                TripKind::Consecutive(limit) if run_limit == 0 || limit.get() < run_limit => {
                    (run_limit, run_rule) = (limit.get(), number);
                }
                TripKind::Consecutive(_) => {}
                TripKind::Windowed(rule) => rules.push(CompiledTrip::new(number, rule, config.lanes)),
            }
        }
        let open_for = config.open_for;
        let last = open_for.last_step(u32::from(LEVELS));
        let jitter = if last == 0 { Jitter::Tenth } else { Jitter::Equal };
        Self {
            run_limit,
            run_rule,
            needs_start: rules.iter().any(|rule| rule.slower_than.is_some()) || config.abandoned_after.is_some(),
            is_simple: rules.len() <= 1 && rules.iter().all(CompiledTrip::counts_failures),
            has_predicates: rules.iter().any(CompiledTrip::is_predicate),
            rules: rules.into(),
            probes: config.probes,
            reopen_at: config.reopen_at,
            lease: config.lease,
            abandoned: config.abandoned,
            abandoned_after: config.abandoned_after,
            open_for: (0..=last).map(|level| saturating_nanos(open_for.delay(level))).collect(),
            jitter: open_for.asked_jitter().unwrap_or(jitter),
            seed: config.seed,
        }
    }

    /// Returns the open period of the circuit that opened with `generation`.
    #[inline]
    pub(crate) fn open_period(&self, level: u8, generation: u32) -> Duration {
        let nanos = self.open_for[usize::from(level).min(self.open_for.len() - 1)];
        // An endless period stays endless.
        if self.jitter == Jitter::None || nanos == u64::MAX {
            return Duration::from_nanos(nanos);
        }
        Duration::from_nanos(self.jitter.apply(nanos, backoff::random(self.seed, u64::from(generation))))
    }

    /// Returns how long the circuit stays open the first time, without jitter.
    pub(crate) fn first_open_period(&self) -> Duration {
        Duration::from_nanos(self.open_for[0])
    }

    /// Returns whether a call that took `elapsed` is slow by any slow-rate rule.
    pub(crate) fn is_slow_probe(&self, elapsed: Duration) -> bool {
        self.rules.iter().any(|rule| rule.judges_slowness() && rule.is_slow(elapsed))
    }

    /// Returns whether a dropped call may count as a failure.
    pub(crate) fn counts_abandoned(&self) -> bool {
        self.abandoned == Outcome::Failure || self.abandoned_after.is_some()
    }

    /// Returns the outcome of a call that was dropped after `elapsed`.
    pub(crate) fn abandoned(&self, started: Instant, now: impl FnOnce() -> Instant) -> Outcome {
        match self.abandoned_after {
            Some(limit) if now().saturating_duration_since(started) >= limit => Outcome::Failure,
            _ => self.abandoned,
        }
    }

    pub(crate) fn run_cause(&self) -> OpenCause {
        OpenCause { rule: self.run_rule, rate: 0.0 }
    }

    /// What `cause` means.
    pub(crate) fn trigger(&self, cause: OpenCause) -> Trigger {
        self.facts(cause.rule).trigger(cause.rate).expect("a cause has the number of a rule")
    }

    /// The rule, and the rate it measured, of the cause that is packed in a word.
    pub(crate) fn cause(&self, bits: u32) -> (RuleFacts, Rate) {
        (self.facts(bits >> 21 & 31), Rate::unpack(bits))
    }

    /// What the cause with this number of a rule means.
    fn facts(&self, number: u32) -> RuleFacts {
        match number {
            PROBE_FAILED => RuleFacts::new(RuleKind::ProbeFailed, 0.0),
            PROBE_RATE => RuleFacts::new(RuleKind::ProbeFailureRate, self.reopen_at.unwrap_or(1.0)),
            _ => match self.rules.iter().find(|rule| rule.number == number) {
                Some(rule) => rule.facts(),
                None if number == self.run_rule => RuleFacts::new(RuleKind::Consecutive, f64::from(self.run_limit)),
                None => RuleFacts::NONE,
            },
        }
    }
}
