use std::{fmt, time::Duration};

use super::scale::Scale;
use crate::time::saturating_nanos;

/// How many calls may pass: a rate, and how many at once after a pause.
///
/// From one call in [`MAX_PERIOD`](Self::MAX_PERIOD) to 10^9 a second, each held to without rounding: over years, the
/// rate is off by less than 10^-9 of itself.
///
/// ```
/// use std::time::Duration;
/// use seawall_core::rate::Quota;
///
/// const BY_HAND: Quota = Quota::per_second(500).burst(50);
/// assert_eq!(BY_HAND.max_burst(), 50);
/// assert_eq!(Quota::per_minute(90).max_burst(), 90); // unless told otherwise, a period's worth
/// assert_eq!(Quota::every(Duration::from_secs(2)).max_burst(), 1);
/// assert_eq!(Quota::per_second(8).interval(), Duration::from_millis(125));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    count: u32,
    burst: u32,
    period: u64,
    scale: Scale,
}

impl Quota {
    /// The longest period: 366 days.
    pub const MAX_PERIOD: Duration = Duration::from_secs(366 * 86_400);

    /// `count` calls a second, from 1 to 10^9; as many at once.
    ///
    /// # Panics
    ///
    /// If `count` is outside of that range.
    #[track_caller]
    pub const fn per_second(count: u32) -> Self {
        Self::new(count, Duration::from_secs(1))
    }

    /// `count` calls a minute, from 1 on; as many at once.
    ///
    /// # Panics
    ///
    /// If `count` is 0.
    #[track_caller]
    pub const fn per_minute(count: u32) -> Self {
        Self::new(count, Duration::from_secs(60))
    }

    /// `count` calls an hour, from 1 on; as many at once.
    ///
    /// # Panics
    ///
    /// If `count` is 0.
    #[track_caller]
    pub const fn per_hour(count: u32) -> Self {
        Self::new(count, Duration::from_secs(3_600))
    }

    /// One call every `period`, from 1 ns to [`MAX_PERIOD`](Self::MAX_PERIOD); one at once.
    ///
    /// # Panics
    ///
    /// If `period` is outside of that range.
    #[track_caller]
    pub const fn every(period: Duration) -> Self {
        Self::new(1, period)
    }

    /// `count` calls every `period`; as many at once.
    ///
    /// # Panics
    ///
    /// If `count` is 0, if `period` is not from 1 ns to [`MAX_PERIOD`](Self::MAX_PERIOD), or if that is more than 10^9
    /// calls a second.
    #[track_caller]
    pub const fn new(count: u32, period: Duration) -> Self {
        let nanos = saturating_nanos(period);
        assert!(count > 0, "count of a quota is 0; it must be at least 1");
        assert!(nanos > 0, "period of a quota is 0; it must be from 1 ns to 366 days");
        assert!(nanos <= saturating_nanos(Self::MAX_PERIOD), "period of a quota is above its range, 1 ns to 366 days");
        assert!(count as u64 <= nanos, "rate of a quota is above its range, up to 10^9 calls a second");
        Self { count, burst: count, period: nanos, scale: Scale::new(count, nanos, count) }
    }

    /// How many calls may pass at once after a pause, from 1 on. Default: a period's worth.
    ///
    /// # Panics
    ///
    /// If `burst` is 0.
    #[must_use]
    #[track_caller]
    pub const fn burst(self, burst: u32) -> Self {
        assert!(burst > 0, "burst of a quota is 0; it must be at least 1");
        Self { burst, scale: Scale::new(self.count, self.period, burst), ..self }
    }

    /// How many calls may pass in each [`period`](Self::period), on and on.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// See [`count`](Self::count).
    pub const fn period(&self) -> Duration {
        Duration::from_nanos(self.period)
    }

    pub(super) const fn period_nanos(&self) -> u64 {
        self.period
    }

    /// From numbers that were checked before.
    pub(super) const fn from_parts(count: u32, period: u64, burst: u32, scale: Scale) -> Self {
        Self { count, burst, period, scale }
    }

    /// How many calls may pass at once after a pause.
    pub const fn max_burst(&self) -> u32 {
        self.burst
    }

    /// The time from one call to the next at an even pace, rounded down to a nanosecond.
    pub const fn interval(&self) -> Duration {
        Duration::from_nanos(self.period / self.count as u64)
    }

    /// How long it takes at most until a full burst may pass, rounded up.
    pub const fn refill_time(&self) -> Duration {
        let nanos = (self.burst as u128 * self.period as u128).div_ceil(self.count as u128);
        Duration::from_nanos(if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 })
    }

    pub(crate) const fn scale(&self) -> Scale {
        self.scale
    }
}

// By hand: the scale follows from the rest.
impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quota")
            .field("count", &self.count)
            .field("period", &self.period())
            .field("burst", &self.burst)
            .finish()
    }
}

impl fmt::Display for Quota {
    /// As in `500 in 1s, 50 at once`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:?}, {} at once", self.count, self.period(), self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "count of a quota is 0")]
    fn a_quota_of_nothing_cannot_be_made() {
        let _ = Quota::per_second(0);
    }

    #[test]
    #[should_panic(expected = "up to 10^9 calls a second")]
    fn a_quota_that_is_faster_than_the_clock_cannot_be_made() {
        let _ = Quota::per_second(1_000_000_001);
    }

    #[test]
    #[should_panic(expected = "1 ns to 366 days")]
    fn a_quota_of_a_zero_period_cannot_be_made() {
        let _ = Quota::every(Duration::ZERO);
    }

    #[test]
    #[should_panic(expected = "1 ns to 366 days")]
    fn a_quota_of_an_endless_period_cannot_be_made() {
        let _ = Quota::every(Duration::MAX);
    }

    #[test]
    #[should_panic(expected = "burst of a quota is 0")]
    fn a_burst_of_nothing_cannot_be_made() {
        let _ = Quota::per_second(1).burst(0);
    }

    #[test]
    fn it_says_what_it_is() {
        assert_eq!(Quota::per_second(500).burst(50).to_string(), "500 in 1s, 50 at once");
        assert_eq!(Quota::per_hour(7).refill_time(), Duration::from_secs(3_600));
    }
}
