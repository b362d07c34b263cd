//! Clocks that a test sets, reads and breaks. For a clock that only advances, see [`ManualClock`].
//!
//! [`ManualClock`]: seawall_core::time::ManualClock

mod leaping;
mod probe;

pub use leaping::LeapingClock;
pub use probe::{ProbeClock, ProbeSleep};

use std::future::Ready;

use seawall_core::time::{Clock, Instant, Timer};

/// A clock that panics when it is read, and when a timer is made: for calls that must not need the time.
#[derive(Debug, Clone, Copy, Default)]
pub struct PanickingClock;

impl Clock for PanickingClock {
    fn now(&self) -> Instant {
        panic!("the clock was read")
    }
}

impl Timer for PanickingClock {
    type Sleep = Ready<()>;

    fn sleep_until(&self, _: Instant) -> Ready<()> {
        panic!("a timer was made")
    }
}
