mod bulkhead_full;
mod circuit_open;
mod earlier;
mod find;
mod meaning;
mod note;
mod rate_limited;
mod timed_out;

use std::{error, fmt, time::Duration};

pub use bulkhead_full::BulkheadFull;
pub use circuit_open::CircuitOpen;
pub use earlier::LaterAttempt;
pub(crate) use find::searches;
pub use meaning::Meaning;
pub use note::{Mark, note_rejection};
pub use rate_limited::RateLimited;
pub use timed_out::TimedOut;

/// Why a policy did not let a call run, or not to its end. Small, cheap to clone, the same for the whole family.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum Rejection {
    /// A circuit breaker refused the call.
    CircuitOpen(CircuitOpen),
    /// A rate limit refused the call.
    RateLimited(RateLimited),
    /// A bulkhead had no room for the call.
    BulkheadFull(BulkheadFull),
    /// A timeout dropped the call, or there was no time left for it to begin.
    TimedOut(TimedOut),
}

impl Rejection {
    /// The name of the policy that refused.
    pub fn policy(&self) -> &str {
        match self {
            Self::CircuitOpen(open) => &open.policy,
            Self::RateLimited(limited) => &limited.policy,
            Self::BulkheadFull(full) => &full.policy,
            Self::TimedOut(timed_out) => &timed_out.policy,
        }
    }

    /// After how long the same call would be let in, where that is known. Never a guess: when a bulkhead has a slot
    /// again nobody knows, nor whether a call that timed out would be faster.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::CircuitOpen(open) => open.retry_after(),
            Self::RateLimited(limited) => limited.retry_after(),
            Self::BulkheadFull(_) | Self::TimedOut(_) => None,
        }
    }

    /// Returns `false` only if no attempt of the call has reached the callee. Then it is safe to make the call again.
    ///
    /// - A timeout that ran returns `true`, because the callee may have done the work. So does a timeout around a call that
    ///   waited for a place in a queue: the timeout does not know how far the call was.
    /// - A gate returns `true` if it refused a later attempt of a retry and an earlier attempt reached the callee.
    pub fn reached_callee(&self) -> bool {
        match self {
            Self::CircuitOpen(open) => open.refusal.reached,
            Self::RateLimited(limited) => limited.refusal.reached,
            Self::BulkheadFull(full) => full.reached,
            Self::TimedOut(timed_out) => timed_out.reached,
        }
    }

    /// What kind of policy refused, in two words: a label for logs and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::CircuitOpen(_) => "circuit open",
            Self::RateLimited(_) => "rate limited",
            Self::BulkheadFull(_) => "bulkhead full",
            Self::TimedOut(_) => "timed out",
        }
    }

    /// Writes why, without the policy's name, and without when it lets the call pass.
    pub(crate) fn why(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CircuitOpen(open) => open.why(f),
            Self::RateLimited(limited) => limited.why(f),
            Self::BulkheadFull(full) => full.why(f),
            Self::TimedOut(timed_out) => timed_out.why(f),
        }
    }
}

impl From<CircuitOpen> for Rejection {
    fn from(open: CircuitOpen) -> Self {
        Self::CircuitOpen(open)
    }
}

impl From<RateLimited> for Rejection {
    fn from(limited: RateLimited) -> Self {
        Self::RateLimited(limited)
    }
}

impl From<BulkheadFull> for Rejection {
    fn from(full: BulkheadFull) -> Self {
        Self::BulkheadFull(full)
    }
}

impl From<TimedOut> for Rejection {
    fn from(timed_out: TimedOut) -> Self {
        Self::TimedOut(timed_out)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CircuitOpen(open) => open.fmt(f),
            Self::RateLimited(limited) => limited.fmt(f),
            Self::BulkheadFull(full) => full.fmt(f),
            Self::TimedOut(timed_out) => timed_out.fmt(f),
        }
    }
}

impl error::Error for Rejection {}
