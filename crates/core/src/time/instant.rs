use std::{ops::Add, time::Duration};

/// A point in time: nanoseconds since its clock's origin, in 64 bits (584 years).
///
/// Arithmetic saturates: nothing that is added to an instant can overflow, and an earlier one taken from a later one
/// is zero. [`MAX`](Self::MAX) means never. Instants of different kinds of clock do not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The clock's origin.
    pub const ORIGIN: Self = Self(0);
    /// Never.
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not.
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at [`Instant::MAX`].
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(saturating_nanos(duration)))
    }
}

/// `duration` in nanoseconds; 584 years and more are `u64::MAX`.
pub const fn saturating_nanos(duration: Duration) -> u64 {
    // Not `as_nanos`: its 128-bit product costs more than these two, and this stands on the path of a call.
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let start = Instant::from_nanos(5);
        assert_eq!(start + Duration::MAX, Instant::MAX);
        assert_eq!(Instant::MAX + Duration::from_nanos(1), Instant::MAX);
        assert_eq!(start.saturating_duration_since(Instant::MAX), Duration::ZERO);
        assert_eq!((start + Duration::from_nanos(7)).saturating_duration_since(start), Duration::from_nanos(7));
        assert_eq!(saturating_nanos(Duration::new(2, 3)), 2_000_000_003);
        assert_eq!(saturating_nanos(Duration::MAX), u64::MAX);
    }
}
