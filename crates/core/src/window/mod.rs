//! The window of a rule: the last n calls, or the calls of the last duration.
//!
//! The memory of a window is fixed when the window is built. A call costs the same for each length of the window.

mod count;
mod ring;
mod time;

use std::{num::NonZeroU32, time::Duration};

use crate::{caller::Caller, time::Instant};
pub(crate) use count::CountWindow;
pub(crate) use time::TimeWindow;

/// The window of a rule: the last n calls, or the calls of the last duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window(pub(crate) WindowSpan);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowSpan {
    Calls(NonZeroU32),
    Time { length: Duration, buckets: u32 },
}

/// The number of calls in a window, and the number of bad calls: failed or slow calls, as the rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) bad: u64,
}

/// A result that a window records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    /// The generation of the state that admitted the call.
    pub(crate) generation: u32,
    pub(crate) bad: bool,
}

#[derive(Debug)]
pub(crate) enum Cells {
    Calls(CountWindow),
    Time(TimeWindow),
}

// ===== impl Window =====

impl Window {
    /// Returns a window of the last `calls` calls, from 1 to 1,000,000. It needs 2 bits per call.
    ///
    /// The window slides: each call replaces the oldest call. With a single thread the count is exact. If several threads record at
    /// the same time, a result that is being written can be missing, and a result that was replaced can still count. The count of
    /// failures is then wrong by at most the number of these threads. At rest it is exact again.
    ///
    /// # Panics
    ///
    /// If `calls` is outside this range.
    #[track_caller]
    pub fn calls(calls: u32) -> Self {
        match NonZeroU32::new(calls) {
            Some(calls) if calls.get() <= MAX_CALLS => Self(WindowSpan::Calls(calls)),
            _ => panic!("`calls` of a window must be from 1 to {MAX_CALLS}, got {calls}"),
        }
    }

    /// Returns a window of the calls of the last `length`, at least 1 ms, in 10 buckets that expire separately.
    ///
    /// # Panics
    ///
    /// If `length` is below 1 ms.
    #[track_caller]
    pub fn time(length: Duration) -> Self {
        Self::time_in_buckets(length, 10)
    }

    /// Same as [`time`](Self::time), in `buckets` buckets, from 1 to 64. A call leaves the window when its bucket is as old as the
    /// window. So the window spans between `length - length / buckets` and `length`.
    ///
    /// # Panics
    ///
    /// If `length` is below 1 ms, or `buckets` is outside its range.
    #[track_caller]
    pub fn time_in_buckets(length: Duration, buckets: u32) -> Self {
        assert!(length >= Duration::from_millis(1), "`length` of a window must be at least 1 ms, got {length:?}");
        assert!((1..=64).contains(&buckets), "`buckets` of a window must be from 1 to 64, got {buckets}");
        Self(WindowSpan::Time { length, buckets })
    }
}

/// 10 s in 10 buckets: the rolling window of Hystrix.
impl Default for Window {
    fn default() -> Self {
        Self::time(Duration::from_secs(10))
    }
}

// ===== impl Cells =====

impl Cells {
    pub(crate) fn new(window: Window, lanes: usize) -> Self {
        match window.0 {
            WindowSpan::Calls(calls) => Self::Calls(CountWindow::new(calls)),
            WindowSpan::Time { length, buckets } => Self::Time(TimeWindow::new(length, buckets, lanes)),
        }
    }

    /// Records a good call, if the window holds no bad call and this is simple. Otherwise does nothing and returns `false`.
    #[inline]
    pub(crate) fn take_good(&self, generation: u32, caller: &impl Caller, current: impl Fn() -> bool) -> bool {
        match self {
            Self::Calls(window) => window.take_good(generation, current),
            Self::Time(window) => window.take_good(generation, caller, current),
        }
    }

    /// Records a result, if `current` says that its generation is still current. Returns the window's tally; `None` if the window
    /// holds no bad call, or if the result came too late.
    pub(crate) fn record(&self, record: Record, caller: &impl Caller, current: impl Fn() -> bool) -> Option<Tally> {
        match self {
            Self::Calls(window) => window.record(record, current),
            Self::Time(window) => window.record(record, caller, current),
        }
    }

    /// Removes the counts of an older generation, before its number repeats. The caller must call it at least once in 2^15
    /// generations.
    pub(crate) fn forget(&self, generation: u32, current: impl Fn() -> bool) {
        match self {
            Self::Calls(window) => window.forget(generation, current),
            Self::Time(window) => window.forget(generation, current),
        }
    }

    /// Returns the window's tally at `now`.
    pub(crate) fn tally(&self, generation: u32, now: Instant) -> Tally {
        match self {
            Self::Calls(window) => window.tally(generation),
            Self::Time(window) => window.tally(generation, now),
        }
    }
}

/// Positions and counts take 21 bits each beside the generation.
const MAX_CALLS: u32 = 1_000_000;
