use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use crate::Window;

/// A rule that opens a circuit. A breaker takes several; any of them opens it.
#[derive(Debug, Clone)]
pub struct Trip(pub(crate) TripKind);

/// A [`Trip`] that looks at a window of calls.
///
/// It is judged on every call that is recorded, successes too, once its window holds `min_calls`.
#[derive(Debug, Clone)]
#[must_use = "a rule does nothing until a breaker is built with it"]
pub struct RateTrip {
    pub(crate) measure: Measure,
    pub(crate) window: Window,
    pub(crate) min_calls: u32,
    pub(crate) slower_than: Option<Duration>,
}

#[derive(Debug, Clone)]
pub(crate) enum TripKind {
    Consecutive(NonZeroU32),
    Windowed(RateTrip),
}

#[derive(Clone)]
pub(crate) enum Measure {
    FailureRate(f64),
    SlowRate(f64),
    Predicate(Arc<dyn Fn(&Counts) -> bool + Send + Sync>),
}

/// What a window holds, for a rule of the user's own.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// All calls in the window.
    pub calls: u64,
    /// Those that failed.
    pub failures: u64,
    /// Those that took longer than the rule's [`slower_than`](RateTrip::slower_than), failed or not.
    pub slow: u64,
}

impl Trip {
    /// Opens after `failures` in a row. It costs a closed circuit nothing: no write and no clock read on success.
    ///
    /// # Panics
    ///
    /// If `failures` is 0.
    #[track_caller]
    pub const fn consecutive(failures: u32) -> Self {
        match NonZeroU32::new(failures) {
            Some(failures) => Self(TripKind::Consecutive(failures)),
            None => panic!("`failures` of `Trip::consecutive` must be at least 1, got 0"),
        }
    }

    /// Opens when at least this share of the calls in the [`Window`] failed. Default: over 10 s, from 20 calls on.
    ///
    /// # Panics
    ///
    /// Unless `rate` is above 0 and at most 1.
    #[track_caller]
    pub fn failure_rate(rate: f64) -> RateTrip {
        RateTrip::new(Measure::FailureRate(checked_rate("Trip::failure_rate", rate)))
    }

    /// Opens when at least this share of the calls in the [`Window`] took longer than `slower_than`. Default: over
    /// 10 s, from 20 calls on. A probe that is slow by this rule counts as failed.
    ///
    /// # Panics
    ///
    /// Unless `rate` is above 0 and at most 1.
    #[track_caller]
    pub fn slow_rate(rate: f64, slower_than: Duration) -> RateTrip {
        RateTrip::new(Measure::SlowRate(checked_rate("Trip::slow_rate", rate))).slower_than(slower_than)
    }

    /// Opens when `predicate` says so of what the [`Window`] holds. Default: over 10 s, from 20 calls on.
    ///
    /// It runs after each recorded call, in the caller's task, and may run in several at once. If it panics, the panic
    /// goes on to the caller; the call has been recorded by then.
    pub fn when(predicate: impl Fn(&Counts) -> bool + Send + Sync + 'static) -> RateTrip {
        RateTrip::new(Measure::Predicate(Arc::new(predicate)))
    }
}

impl RateTrip {
    fn new(measure: Measure) -> Self {
        Self { measure, window: Window::default(), min_calls: MIN_CALLS, slower_than: None }
    }

    /// What is looked at. Default: the last 10 s.
    pub fn over(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// Below so many calls in the window nothing is judged. Default: 20. Where a window counts fewer calls than that,
    /// it is judged once it is full.
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

    /// Calls that take longer than this are slow. Default: none is, but for [`Trip::slow_rate`], which asks for it.
    pub const fn slower_than(mut self, duration: Duration) -> Self {
        self.slower_than = Some(duration);
        self
    }
}

impl From<RateTrip> for Trip {
    fn from(rule: RateTrip) -> Self {
        Self(TripKind::Windowed(rule))
    }
}

impl Counts {
    /// The share of calls that failed; `None` where there were none.
    pub fn failure_rate(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.failures as f64 / self.calls as f64)
    }

    /// The share of calls that were slow; `None` where there were none.
    pub fn slow_rate(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.slow as f64 / self.calls as f64)
    }
}

impl fmt::Debug for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailureRate(rate) => f.debug_tuple("FailureRate").field(rate).finish(),
            Self::SlowRate(rate) => f.debug_tuple("SlowRate").field(rate).finish(),
            Self::Predicate(_) => f.debug_tuple("Predicate").finish_non_exhaustive(),
        }
    }
}

#[track_caller]
pub(crate) fn checked_rate(field: &str, rate: f64) -> f64 {
    assert!(rate > 0.0 && rate <= 1.0, "`rate` of `{field}` must be above 0 and at most 1, got {rate}");
    rate
}

/// Hystrix's `requestVolumeThreshold`.
const MIN_CALLS: u32 = 20;
