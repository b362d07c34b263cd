use std::time::Duration;

use super::{
    State, Trigger,
    cause::{Rate, RuleFacts},
};
use crate::time::Instant;

/// The answer to a call that may not pass: what it met, why that is so, and when to come again.
// Kept small and flat, as it is made and moved some times for each call that an open circuit refuses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refusal {
    pub(crate) now: Instant,
    pub(crate) until: Instant,
    pub(crate) rule: RuleFacts,
    pub(crate) rate: Rate,
    pub(crate) state: State,
    /// Whether an earlier attempt of the call has reached the callee. The machine does not know: a rejection sets it. It is
    /// here because there is room for it here, and a rejection would be larger by a word.
    pub(crate) reached: bool,
}

impl Refusal {
    /// [`State::Open`], [`State::HalfOpen`] with all places taken, or [`State::ForcedOpen`].
    pub fn state(&self) -> State {
        self.state
    }

    /// Returns what opened the circuit; `None` if it is half-open or was forced open.
    pub fn trigger(&self) -> Option<Trigger> {
        self.rule.trigger(self.rate.value())
    }

    /// Returns how long an open circuit continues to reject calls; `None` if the end is unknown.
    ///
    /// A half-open circuit does not know when its probes will end, so it gives no time, though
    /// [`until`](Self::until) is when their lease ends at the latest.
    pub fn retry_after(&self) -> Option<Duration> {
        (self.state == State::Open && self.until != Instant::MAX)
            .then(|| self.until.saturating_duration_since(self.now))
    }

    /// Returns the latest end of the rejections, unless the user changes the state.
    pub fn until(&self) -> Instant {
        self.until
    }
}
