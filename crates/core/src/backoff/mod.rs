mod chance;
mod delays;
mod jitter;
mod steps;

use std::time::Duration;

pub(crate) use chance::random;
pub(crate) use steps::Steps;

pub use chance::Chance;
pub use delays::Delays;
pub use jitter::Jitter;

use crate::time::saturating_nanos;

/// How long to wait, the first time and each time after: constant, or growing up to a cap.
///
/// Plain `Copy` data. Nothing overflows: at the cap it stays at the cap, for any step up to `u32::MAX`. Times are kept in
/// nanoseconds: 584 years and more are for ever.
///
/// ```
/// use std::time::Duration;
/// use seawall_core::Backoff;
///
/// let backoff = Backoff::exponential(Duration::from_secs(5)).factor(1.5).max(Duration::from_secs(60));
/// assert_eq!(backoff.delay(0), Duration::from_secs(5));
/// assert_eq!(backoff.delay(1), Duration::from_millis(7_500));
/// assert_eq!(backoff.delay(u32::MAX), Duration::from_secs(60));
///
/// // Alone, for a loop of one's own.
/// let waits: Vec<_> = Backoff::linear(Duration::from_secs(1)).delays().take(3).collect();
/// assert!(waits[2] <= Duration::from_secs(3));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    base: u64,
    growth: Growth,
    max: u64,
    jitter: Option<Jitter>,
}

/// How a delay follows from the ones before.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Growth {
    Linear,
    /// By a factor. A constant delay has the factor 1.
    Exponential(f64),
    /// Up to thrice the last one.
    Decorrelated,
}

impl Backoff {
    /// The same delay each time.
    pub const fn constant(delay: Duration) -> Self {
        let nanos = saturating_nanos(delay);
        Self { base: nanos, growth: Growth::Exponential(1.0), max: nanos, jitter: None }
    }

    /// `base`, twice `base`, three times `base`, up to 300 s, or to `base` where that is longer.
    pub const fn linear(base: Duration) -> Self {
        Self::growing(base, Growth::Linear)
    }

    /// Begins at `base` and doubles (see [`factor`](Self::factor)) up to 300 s, or to `base` where that is longer.
    ///
    /// The cap is Envoy's for ejected hosts (`max_ejection_time`) and Finagle's for dead nodes.
    pub const fn exponential(base: Duration) -> Self {
        Self::growing(base, Growth::Exponential(2.0))
    }

    /// Anything from `base` to thrice the delay before, at most 300 s, or `base` where that is longer; so it has its
    /// jitter in itself, and [`jitter`](Self::jitter) changes nothing. For a circuit breaker, which does not draw one delay
    /// from the other, it is an exponential one by 3. (Brooker: "Exponential backoff and jitter", AWS
    /// Architecture Blog, 2015. There all draws above the cap become the cap; here one draws up to the cap, so that no
    /// heap of callers comes back at one instant.)
    pub const fn decorrelated(base: Duration) -> Self {
        Self::growing(base, Growth::Decorrelated)
    }

    const fn growing(base: Duration, growth: Growth) -> Self {
        let base = saturating_nanos(base);
        Self { base, growth, max: if base >= DEFAULT_MAX { base } else { DEFAULT_MAX }, jitter: None }
    }

    /// By what each delay is longer than the one before. Default: 2.
    ///
    /// # Panics
    ///
    /// Unless `factor` is finite and at least 1, and the backoff exponential.
    #[track_caller]
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        assert!(factor.is_finite() && factor >= 1.0, "`factor` must be finite and at least 1, got {factor}");
        let Growth::Exponential(of_before) = &mut self.growth else {
            panic!("`factor` belongs to an exponential backoff, got {:?}", self.growth);
        };
        *of_before = factor;
        self
    }

    /// The longest delay, jitter included.
    #[must_use]
    pub const fn max(mut self, max: Duration) -> Self {
        self.max = saturating_nanos(max);
        self
    }

    /// What is left to chance. Default: what the policy that waits finds right; [`Jitter::Full`] for retries and for
    /// [`delays`](Self::delays).
    #[must_use]
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// The delay after `step` earlier ones, before jitter: of those that are drawn from a range, the longest.
    pub fn delay(&self, step: u32) -> Duration {
        Duration::from_nanos(self.nanos(step))
    }

    /// All delays in turn, with jitter, other ones each time.
    pub fn delays(&self) -> Delays {
        Delays::new(*self, Chance::new())
    }

    /// All delays in turn, with jitter that follows from `seed`.
    pub fn delays_from(&self, seed: u64) -> Delays {
        Delays::new(*self, Chance::seeded(seed))
    }

    /// The jitter that was asked for.
    pub fn asked_jitter(&self) -> Option<Jitter> {
        self.jitter
    }

    fn nanos(&self, step: u32) -> u64 {
        let grown = match self.growth {
            Growth::Linear => self.base.saturating_mul(u64::from(step) + 1),
            // Exact, which a float is not for delays of some months.
            Growth::Exponential(_) if step == 0 || self.is_constant() => self.base,
            // A float that is too large, or infinite, becomes `u64::MAX` here.
            Growth::Exponential(factor) => (self.base as f64 * factor.powf(f64::from(step))) as u64,
            Growth::Decorrelated => (self.base as f64 * DECORRELATED.powf(f64::from(step) + 1.0)) as u64,
        };
        grown.min(self.max)
    }

    /// The shortest and the longest that the delay can be after `step` earlier ones, of which `last` was the last.
    fn range(&self, step: u32, last: u64) -> (u64, u64) {
        match self.growth {
            Growth::Decorrelated => {
                let low = self.base.min(self.max);
                (low, last.max(low).saturating_mul(DECORRELATED as u64).clamp(low, self.max))
            }
            Growth::Linear | Growth::Exponential(_) => self.jitter.unwrap_or(Jitter::Full).range(self.nanos(step)),
        }
    }

    /// From which step on the delay no longer grows, if that is at most `limit`; else `limit`.
    pub(crate) fn last_step(&self, limit: u32) -> u32 {
        if self.is_constant() {
            return 0;
        }
        // Not "as long as the one before": a delay of a few nanoseconds can round to that and grow all the same.
        (0..limit).find(|&step| self.nanos(step) == self.max).unwrap_or(limit)
    }

    fn is_constant(&self) -> bool {
        self.growth == Growth::Exponential(1.0) || self.base == 0
    }
}

impl From<Duration> for Backoff {
    fn from(delay: Duration) -> Self {
        Self::constant(delay)
    }
}

const DEFAULT_MAX: u64 = 300_000_000_000;

/// How many times the last delay the next one may be, as AWS has it.
const DECORRELATED: f64 = 3.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_never_pass_the_cap_nor_shrink() {
        let cap = Duration::from_secs(60);
        let bases = [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(1), Duration::MAX];
        let exponential = |base| [1.0, 1.000_001, 2.0, 1e308].map(|factor| Backoff::exponential(base).factor(factor));
        for backoff in bases
            .into_iter()
            .flat_map(|base| exponential(base).into_iter().chain([Backoff::linear(base), Backoff::decorrelated(base)]))
        {
            for backoff in [backoff.max(cap), backoff.max(Duration::MAX), backoff.max(Duration::ZERO)] {
                let (mut last, cap) = (Duration::ZERO, Duration::from_nanos(backoff.max));
                for step in (0..100).chain([1_000, 1 << 20, u32::MAX - 1, u32::MAX]) {
                    let delay = backoff.delay(step);
                    assert!(delay >= last && delay <= cap, "{backoff:?} {step}: {delay:?}");
                    last = delay;
                }
                assert!(backoff.delays().take(300).all(|delay| delay <= cap), "{backoff:?}");
            }
        }
    }

    #[test]
    fn each_kind_grows_in_its_way() {
        let (second, secs) = (Duration::from_secs(1), |backoff: Backoff| {
            let delays: Vec<_> = backoff.jitter(Jitter::None).delays().take(5).map(|delay| delay.as_secs()).collect();
            delays
        });
        assert_eq!(secs(Backoff::constant(second)), [1; 5]);
        assert_eq!(secs(Backoff::linear(second)), [1, 2, 3, 4, 5]);
        assert_eq!(secs(Backoff::exponential(second).max(Duration::from_secs(5))), [1, 2, 4, 5, 5]);
        let mut last = second;
        for delay in Backoff::decorrelated(second).max(Duration::from_secs(60)).delays().take(1_000) {
            assert!(delay >= second && delay <= (3 * last).min(Duration::from_secs(60)), "{delay:?} after {last:?}");
            last = delay;
        }
    }

    #[test]
    fn at_the_cap_no_two_of_a_hundred_come_back_at_one_instant() {
        let cap = Duration::from_secs(1);
        for backoff in [Backoff::exponential(cap), Backoff::constant(cap), Backoff::decorrelated(cap / 100).max(cap)] {
            let mut delays: Vec<_> = (0..100).map(|_| backoff.delays().nth(20)).collect();
            delays.sort_unstable();
            delays.dedup();
            assert!(delays.len() >= 99, "{backoff:?}: {} of 100 differ", delays.len());
        }
    }

    #[test]
    #[should_panic(expected = "`factor` belongs to an exponential backoff, got Linear")]
    fn a_factor_of_a_linear_backoff_is_refused() {
        let _ = Backoff::linear(Duration::from_secs(1)).factor(2.0);
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
