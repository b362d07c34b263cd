//! What responses and errors say of the callee's health, and whether to ask it again.

mod codes;
mod statuses;

pub use codes::GrpcCodes;
use seawall_core::{Meaning, Outcome, Rejection};
pub use statuses::Statuses;

/// What a classifier is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// Whether the callee is well.
    Health,
    /// Whether the same call may go well in a moment.
    Transient,
}

impl Question {
    /// The answer where the error is a rejection, by a policy of ours between the one that asks and the callee.
    pub(crate) fn rejected(self, rejection: &Rejection) -> Outcome {
        match (self, rejection) {
            // A call that there was no time for did not touch the callee.
            (Self::Health, Rejection::TimedOut(timed_out)) if !timed_out.limit().is_zero() => Outcome::Failure,
            (Self::Health, _) => Outcome::Ignored,
            // A retry sees for itself what refused the call, and when it is let in.
            (Self::Transient, _) => Outcome::Failure,
        }
    }

    /// Returns the verdict on an error that means a rejection, if that is known, and on any other result by `classify`.
    pub(crate) fn verdict(self, meaning: Option<Meaning>, classify: impl FnOnce() -> Outcome) -> Option<Outcome> {
        match (self, meaning) {
            (Self::Health, Some(meaning)) => meaning.outcome(),
            _ => Some(classify()),
        }
    }
}
