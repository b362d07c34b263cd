use std::time::Duration;

use super::{State, Trigger, plan::Rate};
use crate::time::Instant;

/// The answer to a call that may not pass: what it met, why that is so, and when to come again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refusal {
    pub(crate) state: State,
    /// What opened the circuit, with the rate apart: to work it out is left to who asks.
    pub(crate) cause: Option<(Trigger, Rate)>,
    pub(crate) now: Instant,
    pub(crate) until: Instant,
}

impl Refusal {
    /// [`State::Open`], [`State::HalfOpen`] with all places taken, or [`State::ForcedOpen`].
    pub fn state(&self) -> State {
        self.state
    }

    /// What opened the circuit; `None` where it is half-open or was forced.
    pub fn trigger(&self) -> Option<Trigger> {
        self.cause.map(|(trigger, rate)| trigger.with_rate(rate.value()))
    }

    /// How long an open circuit goes on refusing; `None` where no one can say.
    ///
    /// A half-open circuit does not know when its probes will end, so it gives no time, though
    /// [`until`](Self::until) is when their lease ends at the latest.
    pub fn retry_after(&self) -> Option<Duration> {
        (self.state == State::Open && self.until != Instant::MAX)
            .then(|| self.until.saturating_duration_since(self.now))
    }

    /// Until when calls are refused at the most, if nobody steps in.
    pub fn until(&self) -> Instant {
        self.until
    }
}
