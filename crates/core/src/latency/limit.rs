use std::time::Duration;

use super::{
    adaptive::Adaptive,
    buckets::{BUCKETS, upper_edge},
    histogram::Histogram,
};
use crate::{
    line::CacheAligned,
    sync::{AtomicU64, Ordering},
    time::{Instant, saturating_nanos},
};

/// A time limit that follows how long calls took of late, shared by reference.
///
/// It is reckoned anew once in a sixteenth of the window, by the first who asks in it; for the others, to ask is one load.
///
/// # What to record
///
/// Every call; one that was cut off with the time that it ran. Where more are cut off than the quantile allows for, the
/// limit is then itself the quantile, and grows by the factor: it follows a callee that became slower for good, and where
/// all calls hang it grows to the ceiling. Nor is it ground down, as what is cut off counts as no less than the limit was.
/// If those calls were left out, only fast ones would be seen, and each that is cut off would bring the limit further down.
///
/// A step up takes as many calls as the quantile leaves above it, of those of one or two windows. By the 99th percentile
/// and a factor of 2, a callee that takes 3 times as long is followed in 3 sixteenths of a window or less, and one that
/// takes 30 times as long within a window; by the median and a factor of 1.5, 3 times as long takes up to three windows.
///
/// ```
/// use std::time::Duration;
/// use seawall_core::{latency::{Adaptive, LatencyLimit}, time::{Clock, ManualClock}};
///
/// let clock = ManualClock::new();
/// let limit = LatencyLimit::new(Adaptive::quantile(0.99).factor(2.0).ceiling(Duration::from_secs(5)));
/// assert_eq!(limit.limit(clock.now()), Duration::from_secs(5));
///
/// for _ in 0..100 {
///     limit.record(Duration::from_millis(100), clock.now());
/// }
/// clock.advance(Duration::from_secs(1));
/// let now = limit.limit(clock.now());
/// assert!(now >= Duration::from_millis(200) && now <= Duration::from_millis(225));
/// ```
#[derive(Debug)]
pub struct LatencyLimit {
    config: Adaptive,
    histogram: Histogram,
    tick_nanos: u64,
    /// What was reckoned last, and when.
    cached: CacheAligned<AtomicU64>,
}

/// The cached word, unpacked: in which tick it was reckoned, and the quantile's bucket; [`NONE`] if there were too few
/// calls.
#[derive(Debug, Clone, Copy)]
struct Cached {
    tick: u64,
    bucket: usize,
}

// ===== impl AdaptiveLimit =====

impl LatencyLimit {
    /// A limit that is the ceiling, as there were no calls yet.
    ///
    /// # Panics
    ///
    /// If the floor is above the ceiling.
    #[track_caller]
    pub fn new(config: Adaptive) -> Self {
        let (floor, ceiling) = (config.floor, config.ceiling);
        assert!(floor <= ceiling, "`floor` must be at most the ceiling, {ceiling:?}, got {floor:?}");
        Self {
            config,
            histogram: Histogram::new(config.window),
            tick_nanos: saturating_nanos(config.window) / TICKS_A_WINDOW,
            cached: CacheAligned(AtomicU64::new(Cached { tick: 0, bucket: NONE }.pack())),
        }
    }

    /// For how long a call may run that begins now.
    #[inline]
    pub fn limit(&self, now: Instant) -> Duration {
        let word = self.cached.load(Ordering::Acquire);
        let cached = Cached::unpack(word);
        let bucket = if self.is_fresh(cached, now) { cached.bucket } else { self.reckon(word, now) };
        self.limit_above(bucket)
    }

    /// Takes a call in that ran for `latency` and ended, or was cut off, at `now`.
    #[inline]
    pub fn record(&self, latency: Duration, now: Instant) {
        self.histogram.record(latency, now);
    }

    /// What was recorded.
    pub fn histogram(&self) -> &Histogram {
        &self.histogram
    }

    /// What it was made with.
    pub fn config(&self) -> Adaptive {
        self.config
    }

    /// Whether that is still good. A reading of the clock that is late by less than a window changes nothing; what seems
    /// to come from further in the future was reckoned before the clock stepped back.
    #[inline]
    fn is_fresh(&self, cached: Cached, now: Instant) -> bool {
        let (begin, now) = (cached.tick * self.tick_nanos, now.as_nanos());
        if now >= begin { now - begin < self.tick_nanos } else { begin - now < saturating_nanos(self.config.window) }
    }

    /// The bucket of the quantile, reckoned anew if nobody else is about to do so; else what they go by too.
    #[cold]
    fn reckon(&self, seen: u64, now: Instant) -> usize {
        let old = Cached::unpack(seen);
        let claimed = Cached { tick: now.as_nanos() / self.tick_nanos, ..old };
        if let Err(found) = self.swap(seen, claimed.pack()) {
            return Cached::unpack(found).bucket;
        }
        let (q, min_calls) = (self.config.quantile, u64::from(self.config.min_calls));
        let bucket = self.histogram.bucket_at(q, min_calls, now).unwrap_or(NONE);
        // Whoever finds another word there has slept for so long that it has been reckoned once more.
        self.swap(claimed.pack(), Cached { bucket, ..claimed }.pack()).ok();
        bucket
    }

    fn swap(&self, from: u64, to: u64) -> Result<u64, u64> {
        self.cached.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
    }

    #[inline]
    fn limit_above(&self, bucket: usize) -> Duration {
        if bucket == NONE {
            return self.config.ceiling;
        }
        // At least the bucket's upper edge, so what is cut off there counts in a later bucket. A float that is too large
        // becomes `u64::MAX`: 584 years.
        let nanos = saturating_nanos(upper_edge(bucket)) as f64 * self.config.factor;
        Duration::from_nanos(nanos as u64).clamp(self.config.floor, self.config.ceiling)
    }
}

// ===== impl Cached =====

impl Cached {
    #[inline]
    const fn unpack(word: u64) -> Self {
        Self { tick: word >> BUCKET_BITS, bucket: (word & ((1 << BUCKET_BITS) - 1)) as usize }
    }

    #[inline]
    const fn pack(self) -> u64 {
        self.tick << BUCKET_BITS | self.bucket as u64
    }
}

/// The limit is late by a 16th of what it looks at, and what it costs to look at all buckets is a 16th of once a window.
const TICKS_A_WINDOW: u64 = 16;

/// No bucket has this number.
const NONE: usize = BUCKETS;

/// Ticks are from 62.5 us on, so that those up to [`Instant::MAX`] take 49 bits at most.
const BUCKET_BITS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "`floor` must be at most the ceiling, 30s, got 31s")]
    fn a_floor_above_the_ceiling_is_refused() {
        let _ = LatencyLimit::new(Adaptive::quantile(0.99).floor(Duration::from_secs(31)));
    }
}
