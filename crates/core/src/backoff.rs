use std::time::Duration;

use crate::time::saturating_nanos;

/// How long to wait, the first time and each time after: constant, or growing by a factor up to a cap.
///
/// Plain `Copy` data. Nothing overflows: at the cap it stays at the cap, for any step up to `u32::MAX`.
///
/// ```
/// use std::time::Duration;
/// use seawall_core::Backoff;
///
/// let backoff = Backoff::exponential(Duration::from_secs(5)).factor(1.5).max(Duration::from_secs(60));
/// assert_eq!(backoff.delay(0), Duration::from_secs(5));
/// assert_eq!(backoff.delay(1), Duration::from_millis(7_500));
/// assert_eq!(backoff.delay(u32::MAX), Duration::from_secs(60));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    base: Duration,
    factor: f64,
    max: Duration,
    jitter: Option<Jitter>,
}

/// How much of a delay is left to chance, so that many callers do not come back at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// The delay as it is.
    None,
    /// Half of the delay, and up to as much again.
    Equal,
    /// Anything from nothing to the delay.
    Full,
}

impl Backoff {
    /// The same delay each time.
    pub const fn constant(delay: Duration) -> Self {
        Self { base: delay, factor: 1.0, max: delay, jitter: None }
    }

    /// Begins at `base` and doubles (see [`factor`](Self::factor)) up to 300 s, or to `base` where that is longer.
    ///
    /// The cap is Envoy's for ejected hosts (`max_ejection_time`) and Finagle's for dead nodes.
    pub const fn exponential(base: Duration) -> Self {
        let max = if base.as_secs() >= DEFAULT_MAX.as_secs() { base } else { DEFAULT_MAX };
        Self { base, factor: 2.0, max, jitter: None }
    }

    /// By what each delay is longer than the one before. Default: 2.
    ///
    /// # Panics
    ///
    /// Unless `factor` is finite and at least 1.
    #[track_caller]
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        assert!(factor.is_finite() && factor >= 1.0, "`factor` must be finite and at least 1, got {factor}");
        self.factor = factor;
        self
    }

    /// The longest delay, jitter included.
    #[must_use]
    pub const fn max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// What is left to chance. Default: what the policy that waits finds right.
    #[must_use]
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// The delay after `step` earlier ones, before jitter.
    pub fn delay(&self, step: u32) -> Duration {
        if self.is_constant() {
            return self.base.min(self.max);
        }
        let grown = self.base.as_nanos() as f64 * self.factor.powf(f64::from(step));
        // A float that is too large, or infinite, becomes `u64::MAX` here: 584 years.
        Duration::from_nanos(grown as u64).min(self.max)
    }

    /// The jitter that was asked for.
    pub fn asked_jitter(&self) -> Option<Jitter> {
        self.jitter
    }

    /// From which step on the delay no longer grows, if that is at most `limit`; else `limit`.
    pub(crate) fn last_step(&self, limit: u32) -> u32 {
        if self.is_constant() {
            return 0;
        }
        // Not "as long as the one before": a delay of a few nanoseconds can round to that and grow all the same.
        (0..limit).find(|&step| saturating_nanos(self.delay(step)) == saturating_nanos(self.max)).unwrap_or(limit)
    }

    fn is_constant(&self) -> bool {
        self.factor == 1.0 || self.base.is_zero()
    }
}

impl From<Duration> for Backoff {
    fn from(delay: Duration) -> Self {
        Self::constant(delay)
    }
}

impl Jitter {
    /// `nanos` with chance applied; `random` is uniform over all of `u64`.
    pub(crate) fn apply(self, nanos: u64, random: u64) -> u64 {
        // The top half of a 128-bit product: uniform in `0..=whole`, and it cannot overflow.
        let share = |whole: u64| (((u128::from(whole) + 1) * u128::from(random)) >> 64) as u64;
        match self {
            Self::None => nanos,
            Self::Equal => nanos - nanos / 2 + share(nanos / 2),
            Self::Full => share(nanos),
        }
    }
}

/// A random number that follows from `seed` and `step` (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014; the mixer is Stafford's variant 13).
pub(crate) fn random(seed: u64, step: u64) -> u64 {
    let mut z = seed.wrapping_add(step.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const DEFAULT_MAX: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_never_pass_the_cap_nor_shrink() {
        for base in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(1), Duration::MAX] {
            for factor in [1.0, 1.000_001, 2.0, 1e308] {
                let backoff = Backoff::exponential(base).factor(factor).max(Duration::from_secs(60));
                let mut last = Duration::ZERO;
                for step in (0..100).chain([1_000, 1 << 20, u32::MAX - 1, u32::MAX]) {
                    let delay = backoff.delay(step);
                    assert!(delay >= last && delay <= Duration::from_secs(60), "{backoff:?} {step}: {delay:?}");
                    last = delay;
                }
            }
        }
    }

    #[test]
    fn a_delay_that_cannot_grow_has_one_step() {
        let day = Duration::from_secs(86_400);
        for backoff in [Backoff::constant(day), Backoff::exponential(Duration::MAX), Backoff::exponential(day).max(day)]
        {
            assert_eq!(backoff.last_step(63), 0, "{backoff:?}");
        }
        assert_eq!(Backoff::exponential(Duration::from_secs(1)).max(Duration::from_secs(60)).last_step(63), 6);
    }

    #[test]
    fn jitter_keeps_its_bounds_at_the_extremes() {
        for nanos in [0, 1, 2, 3, 1_000_000_007, u64::MAX] {
            for random in [0, 1, u64::MAX / 2, u64::MAX] {
                assert_eq!(Jitter::None.apply(nanos, random), nanos);
                assert!(Jitter::Full.apply(nanos, random) <= nanos);
                let equal = Jitter::Equal.apply(nanos, random);
                assert!(equal <= nanos && equal >= nanos - nanos / 2, "{nanos} {random}: {equal}");
            }
        }
        assert_eq!(Jitter::Full.apply(1_000, u64::MAX), 1_000);
    }

    #[test]
    fn random_numbers_spread() {
        let (mut low, mut seen) = (0, std::collections::HashSet::new());
        for step in 0..10_000 {
            let value = random(7, step);
            low += usize::from(value < u64::MAX / 2);
            seen.insert(value);
        }
        assert_eq!(seen.len(), 10_000);
        assert!((4_700..5_300).contains(&low), "{low}");
        assert_ne!(random(7, 1), random(8, 1));
    }

    #[test]
    #[should_panic(expected = "`factor` must be finite and at least 1, got NaN")]
    fn a_factor_that_is_not_a_number_is_refused() {
        let _ = Backoff::exponential(Duration::from_secs(1)).factor(f64::NAN);
    }

    #[test]
    #[should_panic(expected = "`factor` must be finite and at least 1, got 0.5")]
    fn a_factor_that_shrinks_is_refused() {
        let _ = Backoff::exponential(Duration::from_secs(1)).factor(0.5);
    }
}
