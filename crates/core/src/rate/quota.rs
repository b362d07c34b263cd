use std::{fmt, time::Duration};

use super::{InvalidQuota, invalid_quota::Value, scale::Scale};
use crate::time::saturating_nanos;

/// How many calls may pass: a rate, and how many at once after a pause.
///
/// From one call in [`MAX_PERIOD`](Self::MAX_PERIOD) to 10^9 a second, each held to without rounding: over years, the
/// rate is off by less than 10^-9 of itself.
///
/// Each number has a meaning, so no constructor panics, also not in a closure that is asked on the path of a request. A
/// quota of 0 lets no call pass. A rate above 10^9 a second counts as that, and a period above the longest counts as the
/// longest. [`try_new`](Self::try_new) and [`try_burst`](Self::try_burst) refuse such numbers, for a configuration that may
/// be wrong.
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
///
/// let read_from_a_file = Quota::try_new(0, Duration::from_secs(1));
/// assert_eq!(read_from_a_file.unwrap_err().to_string(), "count of a quota is 0; it must be from 1 to 4294967295");
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

    /// `count` calls a second; as many at once. None pass if `count` is 0, and above 10^9 it is taken as 10^9 a second.
    pub const fn per_second(count: u32) -> Self {
        Self::new(count, Duration::from_secs(1))
    }

    /// `count` calls a minute; as many at once. None pass if `count` is 0.
    pub const fn per_minute(count: u32) -> Self {
        Self::new(count, Duration::from_secs(60))
    }

    /// `count` calls an hour; as many at once. None pass if `count` is 0.
    pub const fn per_hour(count: u32) -> Self {
        Self::new(count, Duration::from_secs(3_600))
    }

    /// One call every `period`; one at once. The period is from 1 ns to [`MAX_PERIOD`](Self::MAX_PERIOD), as which a shorter or
    /// a longer one is taken.
    pub const fn every(period: Duration) -> Self {
        Self::new(1, period)
    }

    /// `count` calls every `period`; as many at once.
    ///
    /// None pass if `count` is 0. A rate above 10^9 a second is taken as that, and a period above
    /// [`MAX_PERIOD`](Self::MAX_PERIOD) as that.
    pub const fn new(count: u32, period: Duration) -> Self {
        let (nanos, longest) = (saturating_nanos(period), saturating_nanos(Self::MAX_PERIOD));
        // A nanosecond for each call is the fastest rate; the burst stays as it was asked for.
        let least = if count == 0 { 1 } else { count as u64 };
        let period = if nanos < least { least } else { nanos };
        let period = if period > longest { longest } else { period };
        Self { count, burst: count, period, scale: Scale::new(count, period, count) }
    }

    /// As [`new`](Self::new), for numbers that may be wrong.
    ///
    /// # Errors
    ///
    /// [`InvalidQuota`], if `count` is 0, if `period` is not from 1 ns to [`MAX_PERIOD`](Self::MAX_PERIOD), or if both make more
    /// than 10^9 calls a second.
    pub const fn try_new(count: u32, period: Duration) -> Result<Self, InvalidQuota> {
        let nanos = saturating_nanos(period);
        let (field, value, range) = if count == 0 {
            ("count", Value::Number(count), "from 1 to 4294967295")
        } else if nanos == 0 || nanos > saturating_nanos(Self::MAX_PERIOD) {
            ("period", Value::Time(period), "from 1 ns to 366 days")
        } else if count as u64 > nanos {
            ("rate", Value::Rate(count, period), "at most 10^9 calls a second")
        } else {
            return Ok(Self::new(count, period));
        };
        Err(InvalidQuota { field, value, range })
    }

    /// How many calls may pass at once after a pause. Default: a period's worth. None pass if `burst` is 0, and a quota of 0
    /// stays so.
    #[must_use]
    pub const fn burst(self, burst: u32) -> Self {
        let burst = if self.count == 0 { 0 } else { burst };
        Self { burst, scale: Scale::new(self.count, self.period, burst), ..self }
    }

    /// As [`burst`](Self::burst), for a number that may be wrong.
    ///
    /// # Errors
    ///
    /// [`InvalidQuota`], if `burst` is 0.
    pub const fn try_burst(self, burst: u32) -> Result<Self, InvalidQuota> {
        match burst {
            0 => Err(InvalidQuota { field: "burst", value: Value::Number(0), range: "from 1 to 4294967295" }),
            _ => Ok(self.burst(burst)),
        }
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

    /// The time from one call to the next at an even pace, rounded down to a nanosecond; [`Duration::MAX`] if none pass.
    pub const fn interval(&self) -> Duration {
        match self.count {
            0 => Duration::MAX,
            count => Duration::from_nanos(self.period / count as u64),
        }
    }

    /// How long it takes at most until a full burst may pass, rounded up.
    pub const fn refill_time(&self) -> Duration {
        let count = if self.count == 0 { 1 } else { self.count };
        let nanos = (self.burst as u128 * self.period as u128).div_ceil(count as u128);
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
    fn a_quota_of_nothing_lets_nothing_pass() {
        for quota in [Quota::per_second(0), Quota::per_second(0).burst(5), Quota::per_second(5).burst(0)] {
            assert_eq!(quota.max_burst(), 0);
        }
        assert_eq!((Quota::per_hour(0).interval(), Quota::per_hour(0).refill_time()), (Duration::MAX, Duration::ZERO));
    }

    #[test]
    fn what_is_out_of_range_is_taken_as_the_nearest() {
        let fast = Quota::per_second(u32::MAX);
        assert_eq!((fast.interval(), fast.max_burst()), (Duration::from_nanos(1), u32::MAX));
        assert_eq!(Quota::every(Duration::ZERO), Quota::every(Duration::from_nanos(1)));
        assert_eq!(Quota::every(Duration::MAX), Quota::every(Quota::MAX_PERIOD));
    }

    #[test]
    fn what_is_out_of_range_can_be_refused_by_name() {
        let refused = |count, period| Quota::try_new(count, period).unwrap_err().to_string();
        let second = Duration::from_secs(1);
        assert_eq!(refused(0, second), "count of a quota is 0; it must be from 1 to 4294967295");
        assert_eq!(refused(1, Duration::ZERO), "period of a quota is 0ns; it must be from 1 ns to 366 days");
        assert_eq!(
            refused(1, 367 * 86_400 * second),
            "period of a quota is 31708800s; it must be from 1 ns to 366 days"
        );
        assert_eq!(
            refused(1_000_000_001, second),
            "rate of a quota is 1000000001 in 1s; it must be at most 10^9 calls a second"
        );
        let quota = Quota::try_new(7, second).unwrap();
        assert_eq!(quota, Quota::per_second(7));
        assert_eq!(quota.try_burst(3), Ok(quota.burst(3)));
        let invalid = quota.try_burst(0).unwrap_err();
        assert_eq!((invalid.field(), invalid.range()), ("burst", "from 1 to 4294967295"));
    }

    #[test]
    fn it_says_what_it_is() {
        assert_eq!(Quota::per_second(500).burst(50).to_string(), "500 in 1s, 50 at once");
        assert_eq!(Quota::per_hour(7).refill_time(), Duration::from_secs(3_600));
    }
}
