/// How much of a delay is left to chance, so that many callers do not come back at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// The delay as it is.
    None,
    /// Nine tenths of the delay, and up to a tenth more.
    Tenth,
    /// Half of the delay, and up to as much again.
    Equal,
    /// Anything from nothing to the delay.
    Full,
}

impl Jitter {
    /// `nanos` with chance applied; `random` is uniform over all of `u64`.
    pub(crate) fn apply(self, nanos: u64, random: u64) -> u64 {
        let (low, high) = self.range(nanos);
        draw(low, high, random)
    }

    /// The shortest and the longest of what can become of `nanos`.
    pub(super) fn range(self, nanos: u64) -> (u64, u64) {
        match self {
            Self::None => (nanos, nanos),
            Self::Tenth => (nanos - nanos / 10, nanos),
            Self::Equal => (nanos - nanos / 2, nanos),
            Self::Full => (0, nanos),
        }
    }
}

/// A number from `low` to `high`, both included, of a `random` one that is uniform over all of `u64`.
pub(super) fn draw(low: u64, high: u64, random: u64) -> u64 {
    // The top half of a 128-bit product: uniform, and it cannot overflow.
    low + (((u128::from(high - low) + 1) * u128::from(random)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_keeps_its_bounds_at_the_extremes() {
        for nanos in [0, 1, 2, 3, 1_000_000_007, u64::MAX] {
            for random in [0, 1, u64::MAX / 2, u64::MAX] {
                assert_eq!(Jitter::None.apply(nanos, random), nanos);
                assert!(Jitter::Full.apply(nanos, random) <= nanos);
                let equal = Jitter::Equal.apply(nanos, random);
                assert!(equal <= nanos && equal >= nanos - nanos / 2, "{nanos} {random}: {equal}");
                let tenth = Jitter::Tenth.apply(nanos, random);
                assert!(tenth <= nanos && tenth >= nanos - nanos / 10, "{nanos} {random}: {tenth}");
            }
        }
        assert_eq!(Jitter::Full.apply(1_000, u64::MAX), 1_000);
    }
}
