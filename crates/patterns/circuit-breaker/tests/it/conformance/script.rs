use std::time::Duration;

use seawall_circuit_breaker::{Builder, CircuitBreaker};
use seawall_core::{
    Outcome,
    breaker::{State, Trigger, Why},
    time::ManualClock,
};
use tower::BoxError;

use crate::conformance::verdict::Verdict;

pub(crate) type Classifier = fn(&Result<(), BoxError>) -> Outcome;
pub(crate) type Breaker = CircuitBreaker<Classifier, ManualClock>;
pub(crate) type Setup = Builder<Classifier, ManualClock>;

/// A row: what a reference asserts, as scripts.
pub(crate) struct Case {
    pub(crate) id: &'static str,
    /// What differs from the reference; empty where nothing does.
    pub(crate) note: &'static str,
    pub(crate) play: Play,
}

pub(crate) enum Play {
    Scripts(Vec<Script>),
    /// What takes more than one breaker.
    Own(fn()),
}

/// A breaker, and what happens to it.
pub(crate) struct Script {
    pub(crate) setup: fn(Setup) -> Setup,
    pub(crate) steps: Vec<Step>,
}

/// Something that happens, or that must be so.
///
/// Calls are letters: S succeeds, F fails, X is ignored, P panics. Calls that are held have a letter as their name.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// So long after the beginning.
    At(Duration),
    Wait(Duration),
    /// One after the other, each let in.
    Calls(String, Duration),
    /// The same by each of so many threads at once.
    Threads(usize, String),
    Begin(&'static str),
    End(char, Verdict),
    Abandon(char),
    Refused {
        met: State,
        retry_after: Option<Duration>,
    },
    ByHand(fn(&Breaker)),
    State(State),
    Sees {
        rule: usize,
        calls: u64,
        failures: u64,
        slow: u64,
    },
    Rate(usize, Option<f64>),
    /// Failures in a row.
    Row(u32),
    Undecided(u32),
    RetryAfter(Option<Duration>),
    Generation(u32),
    /// All events since the last such step.
    Told(Vec<&'static str>),
    /// Why the last change happened.
    Why(Why),
    /// What the last event would have opened the circuit for.
    WouldOpen(Trigger),
    All(Vec<Step>),
}

impl Case {
    pub(crate) fn new(id: &'static str, note: &'static str, setup: fn(Setup) -> Setup, steps: Vec<Step>) -> Self {
        Self { id, note, play: Play::Scripts(vec![Script { setup, steps }]) }
    }

    pub(crate) fn own(id: &'static str, note: &'static str, test: fn()) -> Self {
        Self { id, note, play: Play::Own(test) }
    }

    /// One script more.
    pub(crate) fn and(mut self, setup: fn(Setup) -> Setup, steps: Vec<Step>) -> Self {
        if let Play::Scripts(scripts) = &mut self.play {
            scripts.push(Script { setup, steps });
        }
        self
    }
}

// ===== steps =====

pub(crate) fn calls(verdicts: impl Into<String>) -> Step {
    taking(Duration::ZERO, verdicts)
}

pub(crate) fn taking(duration: Duration, verdicts: impl Into<String>) -> Step {
    Step::Calls(verdicts.into(), duration)
}

pub(crate) fn end(name: char, verdict: char) -> Step {
    Step::End(name, Verdict::new(verdict))
}

/// A call is refused by an open circuit, for so long.
pub(crate) fn refused(retry_after: Duration) -> Step {
    Step::Refused { met: State::Open, retry_after: Some(retry_after) }
}

/// A call is refused by a half-open circuit without a place for it.
pub(crate) fn crowded() -> Step {
    Step::Refused { met: State::HalfOpen, retry_after: None }
}

/// A call is refused by a circuit that was forced open.
pub(crate) fn shut() -> Step {
    Step::Refused { met: State::ForcedOpen, retry_after: None }
}

/// What the first rule sees.
pub(crate) fn sees(calls: u64, failures: u64) -> Step {
    Step::Sees { rule: 0, calls, failures, slow: 0 }
}

/// What the first rule says.
pub(crate) fn rate(rate: impl Into<Option<f64>>) -> Step {
    Step::Rate(0, rate.into())
}

pub(crate) fn told<const N: usize>(events: [&'static str; N]) -> Step {
    Step::Told(events.into())
}

pub(crate) fn tripped(trigger: Trigger) -> Step {
    Step::Why(Why::Tripped(trigger))
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
