use std::time::Duration;

/// How a time limit follows from recent latencies: a quantile of them times a factor, between a floor and a ceiling.
///
/// Plain `Copy` data. The defaults are a start and no more: what the ceiling should be, only the caller knows.
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use = "a configuration does nothing until a limit is made with it"]
pub struct Adaptive {
    pub(super) quantile: f64,
    pub(super) factor: f64,
    pub(super) floor: Duration,
    pub(super) ceiling: Duration,
    pub(super) window: Duration,
    pub(super) min_calls: u32,
}

impl Adaptive {
    /// The limit follows the latency that a share `quantile` of the recent calls, from 0 to 1, did not reach, as 0.99.
    ///
    /// # Panics
    ///
    /// If `quantile` is outside of that range.
    #[track_caller]
    pub fn quantile(quantile: f64) -> Self {
        Self {
            quantile: checked_quantile(quantile),
            factor: 2.0,
            floor: DEFAULT_FLOOR,
            ceiling: DEFAULT_CEILING,
            window: DEFAULT_WINDOW,
            min_calls: DEFAULT_MIN_CALLS,
        }
    }

    /// By what the limit is longer than the quantile. Default: 2.
    ///
    /// It is also how fast the limit can follow a callee that has become slower: with 1, it grows by an eighth at a time.
    ///
    /// # Panics
    ///
    /// Unless `factor` is finite and at least 1.
    #[track_caller]
    pub fn factor(mut self, factor: f64) -> Self {
        assert!(factor.is_finite() && factor >= 1.0, "`factor` must be finite and at least 1, got {factor}");
        self.factor = factor;
        self
    }

    /// The shortest limit. Default: 1 ms, as finely as timers tell the time.
    pub const fn floor(mut self, floor: Duration) -> Self {
        self.floor = floor;
        self
    }

    /// The longest limit, and the limit where there are too few calls to tell. Default: 30 s.
    ///
    /// Where all calls hang, the limit grows up to here.
    pub const fn ceiling(mut self, ceiling: Duration) -> Self {
        self.ceiling = ceiling;
        self
    }

    /// What "recent" means: see [`Histogram`](super::Histogram#what-is-recent). Default: 10 s.
    ///
    /// # Panics
    ///
    /// If `window` is below 1 ms.
    #[track_caller]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = checked_window(window);
        self
    }

    /// Below so many recent calls the limit is the ceiling. Default: 100, as the 99th of fewer is but the longest.
    ///
    /// # Panics
    ///
    /// If `calls` is 0.
    #[track_caller]
    pub const fn min_calls(mut self, calls: u32) -> Self {
        assert!(calls > 0, "`min_calls` must be at least 1, got 0");
        self.min_calls = calls;
        self
    }
}

#[track_caller]
pub(super) fn checked_quantile(quantile: f64) -> f64 {
    assert!((0.0..=1.0).contains(&quantile), "`quantile` must be from 0 to 1, got {quantile}");
    quantile
}

#[track_caller]
pub(super) fn checked_window(window: Duration) -> Duration {
    assert!(window >= Duration::from_millis(1), "`window` must be at least 1 ms, got {window:?}");
    window
}

const DEFAULT_FLOOR: Duration = Duration::from_millis(1);
const DEFAULT_CEILING: Duration = Duration::from_secs(30);

/// The same as that of [`Window`](crate::Window).
const DEFAULT_WINDOW: Duration = Duration::from_secs(10);
const DEFAULT_MIN_CALLS: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "`quantile` must be from 0 to 1, got NaN")]
    fn a_quantile_that_is_not_a_number_is_refused() {
        let _ = Adaptive::quantile(f64::NAN);
    }

    #[test]
    #[should_panic(expected = "`quantile` must be from 0 to 1, got 99")]
    fn a_quantile_in_percent_is_refused() {
        let _ = Adaptive::quantile(99.0);
    }

    #[test]
    #[should_panic(expected = "`factor` must be finite and at least 1, got 0.5")]
    fn a_factor_that_shrinks_is_refused() {
        let _ = Adaptive::quantile(0.99).factor(0.5);
    }

    #[test]
    #[should_panic(expected = "`factor` must be finite and at least 1, got inf")]
    fn an_endless_factor_is_refused() {
        let _ = Adaptive::quantile(0.99).factor(f64::INFINITY);
    }

    #[test]
    #[should_panic(expected = "`window` must be at least 1 ms, got 0ns")]
    fn an_empty_window_is_refused() {
        let _ = Adaptive::quantile(0.99).window(Duration::ZERO);
    }

    #[test]
    #[should_panic(expected = "`min_calls` must be at least 1, got 0")]
    fn a_limit_from_no_calls_is_refused() {
        let _ = Adaptive::quantile(0.99).min_calls(0);
    }
}
