use std::future::Future;

use super::{Instant, Timeline, origin};

/// Tells the time.
///
/// It should not step back; where it does, the machines hold on to the latest time they have seen. Reads are on the
/// path of a call, so they should be cheap.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Instant;

    /// The timeline of its instants. Policies that nest must have one: a timeout or a retry that meets a deadline of another
    /// timeline panics.
    ///
    /// A clock with an origin of its own makes a [`Timeline::new`] when it is built, and keeps it. A clock that wraps another
    /// one gives that one's. Default: [`Timeline::PROCESS`], which is right for instants of
    /// [`SystemClock`] or tokio's clock.
    fn timeline(&self) -> Timeline {
        Timeline::PROCESS
    }
}

/// A clock that stands still.
impl Clock for Instant {
    #[inline]
    fn now(&self) -> Instant {
        *self
    }
}

/// A clock that can also be waited for.
pub trait Timer: Clock {
    /// Ends at the instant that was asked for.
    type Sleep: Future<Output = ()> + Send + Sync + 'static;

    /// A future that ends once the time is `deadline` or later.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;
}

/// The system's monotonic clock, [`std::time::Instant`].
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> Instant {
        Instant::from_nanos(origin::nanos_since(std::time::Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_goes_on_and_is_far_from_its_origin() {
        let first = SystemClock.now();
        let second = SystemClock.now();
        assert!(first <= second);
        assert!(first > Instant::ORIGIN);
    }
}
