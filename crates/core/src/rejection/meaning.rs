use std::time::Duration;

use super::Rejection;
use crate::Outcome;

/// What a rejection means to the policies around the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A gate refused the call. The callee was not touched.
    Refused {
        /// After which time the gate admits the same call, if that is known.
        retry_after: Option<Duration>,
    },
    /// The call had no time to begin. The callee was not touched.
    NoTime,
    /// The call ran longer than the timeout's own limit. The callee was too slow.
    TimedOut,
    /// A deadline around the call cut it off. The caller gave the call up.
    CutOff,
}

impl Meaning {
    /// Returns what the call says about the callee's health, or `None` if the caller abandoned it.
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Refused { .. } | Self::NoTime => Some(Outcome::Ignored),
            Self::TimedOut => Some(Outcome::Failure),
            Self::CutOff => None,
        }
    }
}

impl Rejection {
    /// Returns what the rejection means to the policies around the call.
    pub fn meaning(&self) -> Meaning {
        match self {
            Self::TimedOut(timed_out) if timed_out.limit().is_zero() => Meaning::NoTime,
            Self::TimedOut(timed_out) if timed_out.is_by_deadline() => Meaning::CutOff,
            Self::TimedOut(_) => Meaning::TimedOut,
            rejection => Meaning::Refused { retry_after: rejection.retry_after() },
        }
    }
}
