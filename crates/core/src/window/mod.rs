//! What a rule looks at: the last n calls, or the calls of the last while. Memory is fixed when a window is built, and
//! a call costs the same whatever the window's length.

mod count;
mod ring;
mod time;

use std::{num::NonZeroU32, time::Duration};

use crate::{caller::Caller, time::Instant};
pub(crate) use count::CountWindow;
pub(crate) use time::TimeWindow;

/// What a rule looks at: the last n calls, or the calls of the last while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window(pub(crate) WindowSpan);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowSpan {
    Calls(NonZeroU32),
    Time { length: Duration, buckets: u32 },
}

/// The calls that a window holds, and how many of them were bad (failed, or slow: what the rule counts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) bad: u64,
}

/// One result on its way into a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    /// The state's generation that the call was let in under.
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
    /// The last `calls` calls, from 1 to 1,000,000. It takes 2 bits a call.
    ///
    /// It slides: each call drives out the oldest one. Under one thread it is exact. Where several record at once, a
    /// result that is still being written can be missing, or one that was driven out still counted, so that the count
    /// of failures is off by at most the number of threads recording at that moment; at rest it is exact again.
    ///
    /// # Panics
    ///
    /// If `calls` is outside of that range.
    #[track_caller]
    pub fn calls(calls: u32) -> Self {
        match NonZeroU32::new(calls) {
            Some(calls) if calls.get() <= MAX_CALLS => Self(WindowSpan::Calls(calls)),
            _ => panic!("`calls` of a window must be from 1 to {MAX_CALLS}, got {calls}"),
        }
    }

    /// The calls of the last `length`, at least 1 ms, in 10 buckets that expire one at a time.
    ///
    /// # Panics
    ///
    /// If `length` is below 1 ms.
    #[track_caller]
    pub fn time(length: Duration) -> Self {
        Self::time_in_buckets(length, 10)
    }

    /// As [`time`](Self::time), in `buckets` buckets, from 1 to 64. A call is forgotten when its bucket is as old as
    /// the window, so the window spans between `length - length / buckets` and `length`.
    ///
    /// # Panics
    ///
    /// If `length` is below 1 ms, or `buckets` is outside of its range.
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

    /// Takes a good call in, if that is simple and leaves the window without a bad one; else does nothing.
    #[inline]
    pub(crate) fn take_good(&self, generation: u32, caller: &impl Caller, current: impl Fn() -> bool) -> bool {
        match self {
            Self::Calls(window) => window.take_good(generation, current),
            Self::Time(window) => window.take_good(generation, caller, current),
        }
    }

    /// Takes a result in, as long as `current` says that its generation still is; answers with what the window then
    /// holds. `None`: it holds nothing bad, or the result came too late to be taken in.
    pub(crate) fn record(&self, record: Record, caller: &impl Caller, current: impl Fn() -> bool) -> Option<Tally> {
        match self {
            Self::Calls(window) => window.record(record, current),
            Self::Time(window) => window.record(record, caller, current),
        }
    }

    /// Removes what an older generation left, before its number comes round again. To be called at least once in 2^15
    /// generations.
    pub(crate) fn forget(&self, generation: u32, current: impl Fn() -> bool) {
        match self {
            Self::Calls(window) => window.forget(generation, current),
            Self::Time(window) => window.forget(generation, current),
        }
    }

    /// What the window holds at `now`.
    pub(crate) fn tally(&self, generation: u32, now: Instant) -> Tally {
        match self {
            Self::Calls(window) => window.tally(generation),
            Self::Time(window) => window.tally(generation, now),
        }
    }
}

/// Positions and counts take 21 bits each beside the generation.
const MAX_CALLS: u32 = 1_000_000;
