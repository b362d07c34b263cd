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

    /// The next delay, where the callee asked for no less than `least`: chance comes on top of that, so that those who
    /// were told the same do not come back at one instant.
    pub(crate) fn next_after(&mut self, backoff: &Backoff, least: Duration, random: u64) -> Duration {
        let (low, high) = backoff.range(self.taken, self.last);
        let (low, spread) = (low.max(saturating_nanos(least)), high - low);
        self.taken = self.taken.saturating_add(1);
        self.last = draw(low, low.saturating_add(spread), random);
        Duration::from_nanos(self.last)
    }
}
