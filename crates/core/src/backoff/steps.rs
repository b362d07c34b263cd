use std::time::Duration;

use super::{Backoff, jitter::draw};
use crate::time::saturating_nanos;

/// How far a caller has come with its delays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    /// How many delays there were.
    taken: u32,
    /// The last one, in nanoseconds.
    last: u64,
}

impl Steps {
    /// At the beginning.
    pub(crate) const NONE: Self = Self { taken: 0, last: 0 };

    /// The next delay.
    pub(crate) fn next(&mut self, backoff: &Backoff, random: u64) -> Duration {
        self.next_after(backoff, Duration::ZERO, random)
    }

    /// The larger of the next delay and `least`. The jitter of the delay is added to `least`, so that callers with the same
    /// `least` do not come back at the same instant.
    pub(crate) fn next_after(&mut self, backoff: &Backoff, least: Duration, random: u64) -> Duration {
        let (low, high) = backoff.range(self.taken, self.last);
        // Without `least`: a callee's wish must not stretch the delays that follow.
        self.taken = self.taken.saturating_add(1);
        self.last = draw(low, high, random);
        Duration::from_nanos(self.last.max(saturating_nanos(least).saturating_add(self.last - low)))
    }
}
