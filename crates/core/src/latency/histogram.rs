use std::{fmt, time::Duration};

use super::{
    adaptive::{checked_quantile, checked_window},
    buckets::{BUCKETS, bucket_of, upper_edge},
};
use crate::{
    line::CacheAligned,
    sync::{AtomicU64, Ordering},
    time::{Instant, saturating_nanos},
};

/// The latencies of the last while, shared by reference: counts in buckets that grow with the latency.
///
/// From 1 us to 73 minutes a bucket is at most an eighth (12.5 %) wider than the latencies in it are long. What is
/// shorter shares one bucket, and what is longer another. It takes 4 KiB, and counts up to one call in two nanoseconds.
///
/// # What is recent
///
/// Time is cut into epochs as long as the window, from the clock's origin on, and the calls of this epoch and of the one
/// before it count: those of the last window, and of up to another one before it.
///
/// Time does not go back here: a call whose time is before the last epoch in which one was recorded counts in that, and
/// questions are answered as of that.
///
/// ```
/// use std::time::Duration;
/// use seawall_core::{latency::Histogram, time::{Clock, ManualClock}};
///
/// let (clock, window) = (ManualClock::new(), Duration::from_secs(10));
/// let latencies = Histogram::new(window);
/// for ms in 1..=100 {
///     latencies.record(Duration::from_millis(ms), clock.now());
/// }
/// let p99 = latencies.quantile(0.99, clock.now()).expect("there are calls");
/// assert!(p99 > Duration::from_millis(99) && p99 <= Duration::from_millis(99) * 9 / 8);
///
/// clock.advance(2 * window);
/// assert_eq!(latencies.quantile(0.99, clock.now()), None);
/// ```
pub struct Histogram {
    window_nanos: u64,
    /// The low bits of a cell are its count; there are as many as the number of the last epoch leaves.
    count_bits: u32,
    /// The last epoch in which a call was recorded.
    newest: CacheAligned<AtomicU64>,
    /// For each bucket two cells, used by turns. A cell carries the number of its epoch, so that nobody ever has to empty
    /// one: what is left from an old epoch counts for nothing, and the first call of a new one replaces it. Numbers do
    /// not come round again, as all epochs up to [`Instant::MAX`] have their own.
    cells: Box<[[AtomicU64; 2]]>,
}

impl Histogram {
    /// An empty one, for the last `window`, at least 1 ms.
    ///
    /// # Panics
    ///
    /// If `window` is below 1 ms.
    #[track_caller]
    pub fn new(window: Duration) -> Self {
        let window_nanos = saturating_nanos(checked_window(window));
        Self {
            window_nanos,
            // At least one bit is the epoch's, and at least 19 are the count's.
            count_bits: (u64::MAX / window_nanos).leading_zeros(),
            newest: CacheAligned(AtomicU64::new(0)),
            cells: (0..BUCKETS).map(|_| [AtomicU64::new(0), AtomicU64::new(0)]).collect(),
        }
    }

    /// Counts a call that took `latency` and ended at `now`.
    #[inline]
    pub fn record(&self, latency: Duration, now: Instant) {
        let newest = self.newest.load(Ordering::Acquire);
        let epoch = self.epoch_of(now, newest).max(newest);
        if epoch > newest {
            self.newest.fetch_max(epoch, Ordering::AcqRel);
        }
        let cell = &self.cells[bucket_of(latency)][(epoch & 1) as usize];
        let mut word = cell.load(Ordering::Acquire);
        while let Err(found) =
            cell.compare_exchange_weak(word, self.plus_one(word, epoch), Ordering::AcqRel, Ordering::Acquire)
        {
            word = found;
        }
    }

    /// The latency that a share `q` of the recent calls, from 0 to 1, did not reach: the upper edge of the bucket that
    /// holds the call at that rank (nearest rank). `None` if there are no calls. [`Duration::MAX`] if that call took
    /// longer than 73 minutes.
    ///
    /// It looks at each bucket, which takes about a microsecond. What others record meanwhile may be missing.
    ///
    /// # Panics
    ///
    /// If `q` is outside of that range.
    #[track_caller]
    pub fn quantile(&self, q: f64, now: Instant) -> Option<Duration> {
        self.bucket_at(checked_quantile(q), 1, now).map(upper_edge)
    }

    /// How many calls are recent.
    pub fn count(&self, now: Instant) -> u64 {
        total(&self.counts(now))
    }

    /// The bucket that holds the quantile; `None` if there are fewer calls than `min_calls`, which is not 0.
    pub(super) fn bucket_at(&self, q: f64, min_calls: u64, now: Instant) -> Option<usize> {
        let counts = self.counts(now);
        let total = total(&counts);
        if total < min_calls {
            return None;
        }
        // A product that rounding has lifted above a whole number must not become the next one.
        let rank = (q * total as f64 * (1.0 - f64::EPSILON)).ceil() as u64;
        let mut below = 0_u64;
        counts.iter().position(|&count| {
            below = below.saturating_add(count);
            below >= rank.clamp(1, total)
        })
    }

    /// The recent calls, by bucket.
    fn counts(&self, now: Instant) -> [u64; BUCKETS] {
        let newest = self.newest.load(Ordering::Acquire);
        let mut newest = self.epoch_of(now, newest).max(newest);
        let (mut counts, mut bucket) = ([0; BUCKETS], 0);
        while bucket < BUCKETS {
            match self.count_in(bucket, newest) {
                Ok(count) => {
                    counts[bucket] = count;
                    bucket += 1;
                }
                // An epoch has begun, and some buckets may have lost an old one that others still have: all over again.
                Err(later) => (newest, bucket) = (later, 0),
            }
        }
        counts
    }

    /// How many of a bucket's calls are recent, if `newest` is the last epoch; else a later one.
    #[inline]
    fn count_in(&self, bucket: usize, newest: u64) -> Result<u64, u64> {
        let mut sum = 0_u64;
        for cell in &self.cells[bucket] {
            let (epoch, count) = self.unpack(cell.load(Ordering::Acquire));
            if epoch > newest {
                return Err(epoch);
            }
            if newest - epoch <= 1 {
                sum = sum.saturating_add(count);
            }
        }
        Ok(sum)
    }

    /// A cell with one call more, of `epoch`.
    #[inline]
    fn plus_one(&self, word: u64, epoch: u64) -> u64 {
        let (kept, count) = self.unpack(word);
        if kept < epoch {
            return epoch << self.count_bits | 1;
        }
        // Of a later epoch it is if this thread has slept meanwhile: then the call counts in that. A full cell stays as
        // it is.
        word + u64::from(count < self.most())
    }

    /// A cell's epoch and its count.
    #[inline]
    fn unpack(&self, word: u64) -> (u64, u64) {
        (word >> self.count_bits, word & self.most())
    }

    #[inline]
    fn most(&self) -> u64 {
        (1 << self.count_bits) - 1
    }

    /// The number of `now`'s epoch; `guess` saves a division where it is right.
    #[inline]
    fn epoch_of(&self, now: Instant, guess: u64) -> u64 {
        let nanos = now.as_nanos();
        let is_in = nanos.wrapping_sub(guess.wrapping_mul(self.window_nanos)) < self.window_nanos;
        if is_in { guess } else { nanos / self.window_nanos }
    }
}

// By hand: nobody reads 500 cells.
impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram").field("window", &Duration::from_nanos(self.window_nanos)).finish_non_exhaustive()
    }
}

fn total(counts: &[u64; BUCKETS]) -> u64 {
    counts.iter().fold(0, |sum, &count| sum.saturating_add(count))
}
