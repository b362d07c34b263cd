use super::{Clock, Instant};

/// A monotonic clock that is read in a sixth of the time, and is coarser.
///
/// On Linux and Android it is the kernel's `CLOCK_MONOTONIC_COARSE`, which steps once per timer tick: every 4 ms where
/// the kernel ticks at 250 Hz, 1 to 10 ms elsewhere. So an open period can end up to a tick early, and a call's duration
/// is off by up to a tick either way: good for windows of a second and more, and for slow-call thresholds of 40 ms and
/// more. On other systems it is [`SystemClock`](super::SystemClock).
///
/// It does not obey tokio's paused time, and does not run under valgrind, which hides the kernel's clock page.
#[derive(Debug, Clone, Copy, Default)]
pub struct FastClock;

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Clock for FastClock {
    #[inline]
    fn now(&self) -> Instant {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
        // Never negative, as the clock counts from the start of the machine, and 584 years are enough.
        Instant::from_nanos((now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64))
    }

    fn timeline(&self) -> super::Timeline {
        super::Timeline::COARSE
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Clock for FastClock {
    #[inline]
    fn now(&self) -> Instant {
        super::SystemClock.now()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_keeps_up_with_the_system_to_a_tick() {
        // Both begin at the machine's start there, so their distance is how much the coarse one lags.
        let lag = |fine: rustix::time::Timespec| {
            let fine = fine.tv_sec as u64 * 1_000_000_000 + fine.tv_nsec as u64;
            Instant::from_nanos(fine).saturating_duration_since(FastClock.now())
        };
        let before = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        assert!(lag(before) <= Duration::from_millis(10), "{:?}", lag(before));
    }
}
