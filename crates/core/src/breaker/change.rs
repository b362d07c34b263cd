use std::fmt;

use super::State;
use crate::time::Instant;

/// A finished state change of a circuit: both states, the reason, and the end of the open period.
///
/// The changes of a breaker form a chain. The `from` of each change is the `to` of the previous change, and its
/// generation is higher by 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    pub(crate) generation: u32,
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) at: Instant,
    pub(crate) until: Option<Instant>,
    pub(crate) why: Why,
}

/// Why a circuit changed its state.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why {
    /// A rule or a failed probe opened the circuit.
    Tripped(Trigger),
    /// The open period is over, and a call arrived.
    OpenPeriodOver,
    /// The probes succeeded, so the callee has recovered.
    ProbesSucceeded,
    /// All places for probes were taken, and none of the probes ended within the lease: they lost their places.
    LeaseExpired,
    /// The user changed the state manually.
    Manual,
}

/// What opened a circuit: the rule, what it measured, and its threshold.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trigger {
    /// The number of consecutive failures reached the threshold.
    ConsecutiveFailures {
        /// The failures, and the threshold.
        failures: u32,
    },
    /// Too many calls failed.
    FailureRate {
        /// The share that failed.
        rate: f64,
        /// The share from which on the circuit opens.
        threshold: f64,
    },
    /// Too many calls were slow.
    SlowRate {
        /// The share that was slow.
        rate: f64,
        /// The share from which on the circuit opens.
        threshold: f64,
    },
    /// The user's predicate returned `true`.
    Predicate,
    /// A probe failed.
    ProbeFailed,
    /// Too many probes failed, and the probes are judged by rate.
    ProbeFailureRate {
        /// The share that failed.
        rate: f64,
        /// The share from which on the circuit re-opens.
        threshold: f64,
    },
}

/// What may tell of a change.
pub trait Changes {
    /// The change, if the circuit changed its state.
    fn change(&self) -> Option<&Change>;
}

impl Change {
    /// Stands for `older` too, the change directly before this one: begins at the state where that one began.
    pub fn absorb(&mut self, older: &Self) {
        self.from = older.from;
    }

    /// Returns the generation that began with this change.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Returns the state before the change.
    pub fn from(&self) -> State {
        self.from
    }

    /// Returns the state after the change.
    pub fn to(&self) -> State {
        self.to
    }

    /// Returns the time of the change.
    pub fn at(&self) -> Instant {
        self.at
    }

    /// Returns the end of the open period, if the circuit opened. [`Instant::MAX`] means no end.
    pub fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Returns the reason for the change.
    pub fn why(&self) -> Why {
        self.why
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}: {}", self.from, self.to, self.why)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tripped(trigger) => trigger.fmt(f),
            Self::OpenPeriodOver => f.pad("the open period is over"),
            Self::ProbesSucceeded => f.pad("the probes succeeded"),
            Self::LeaseExpired => f.pad("the probes did not end within their lease"),
            Self::Manual => f.pad("by hand"),
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut share = |what: &str, rate: f64, threshold: f64| {
            write!(f, "{:.1} % of {what} (threshold {:.1} %)", rate * 100.0, threshold * 100.0)
        };
        match *self {
            Self::FailureRate { rate, threshold } => share("calls failed", rate, threshold),
            Self::SlowRate { rate, threshold } => share("calls were slow", rate, threshold),
            Self::ProbeFailureRate { rate, threshold } => share("probes failed", rate, threshold),
            Self::ConsecutiveFailures { failures: 1 } => f.pad("a failure"),
            Self::ConsecutiveFailures { failures } => write!(f, "{failures} failures in a row"),
            Self::Predicate => f.pad("the rule given as a predicate"),
            Self::ProbeFailed => f.pad("a probe failed"),
        }
    }
}
