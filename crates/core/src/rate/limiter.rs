use std::{fmt, sync::PoisonError, time::Duration};

use super::{Denied, Quota, Refusal, gcra::Gcra, sliding_window::SlidingWindow, waiting::RateQueue};
use crate::{
    caller::Caller,
    counter::Counter,
    line::CacheAligned,
    sync::{AtomicU64, Mutex, MutexGuard, Ordering},
    time::Instant,
    waiters::Waiters,
};

/// A rate limit that many may ask at once, and a queue of those who wait for their turn.
///
/// `W` is what is woken when a turn may have come: [`Woken`](crate::Woken) is to be woken by the caller.
pub struct Limiter<W> {
    pub(super) rule: LimitRule,
    queue: CacheAligned<Mutex<RateQueue<W>>>,
    /// How many wait; written under the lock.
    pub(super) queued: AtomicU64,
    pub(super) max_queued: usize,
    refused: Counter,
}

/// How a quota is kept to.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Algorithm {
    /// The generic cell rate algorithm, a token bucket that is filled evenly: in any time T at most `burst + rate * T`.
    /// One word of memory, no lock.
    #[default]
    Gcra,
    /// At most [`count`](Quota::count) in any [`period`](Quota::period), exactly; the burst is not used. It remembers each
    /// call of a period: 8 bytes each, at most 2^24 of them, under a short lock. Behind waiting calls that cost more than
    /// one, a refusal says the earliest time at which the call can pass, and it may take longer.
    SlidingWindow,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "the smaller one is the rarer")]
pub(super) enum LimitRule {
    Gcra(Gcra),
    SlidingWindow,
}

impl<W> Limiter<W> {
    /// With a full bucket.
    ///
    /// # Panics
    ///
    /// If [`Algorithm::SlidingWindow`] is to remember more than 2^24 calls.
    #[track_caller]
    pub fn new(quota: Quota, algorithm: Algorithm, lanes: usize, now: Instant) -> Self {
        let (rule, window) = match algorithm {
            Algorithm::Gcra => (LimitRule::Gcra(Gcra::new(&quota, now)), None),
            Algorithm::SlidingWindow => (LimitRule::SlidingWindow, Some((quota, SlidingWindow::new(&quota)))),
        };
        Self {
            rule,
            queue: CacheAligned(Mutex::new(RateQueue { waiters: Waiters::new(), window, lag: 0 })),
            queued: AtomicU64::new(0),
            max_queued: usize::MAX,
            refused: Counter::new(lanes),
        }
    }

    /// As many callers may wait at once, of those that are bounded. Without it there is no bound.
    #[must_use]
    pub fn with_max_queued(self, max_queued: usize) -> Self {
        Self { max_queued, ..self }
    }

    /// Lets `cost` calls pass, all or none, if they may and nobody waits.
    ///
    /// # Errors
    ///
    /// It has changed nothing. [`Denied::Queued`]: ask [`try_enter_behind`](Self::try_enter_behind). Of the others
    /// [`refusal`](Self::refusal) makes a refusal.
    #[inline]
    pub fn try_enter(&self, cost: u32, now: Instant) -> Result<(), Denied> {
        match &self.rule {
            LimitRule::Gcra(gcra) => gcra.try_take(cost, now),
            LimitRule::SlidingWindow => Err(Denied::Queued),
        }
    }

    /// What [`try_enter`](Self::try_enter) has denied, with all that there is to say of it.
    #[inline]
    pub fn refusal(&self, denied: Denied, cost: u32) -> Refusal {
        let numbers = match &self.rule {
            LimitRule::Gcra(gcra) => gcra.numbers(),
            LimitRule::SlidingWindow => numbers(&self.quota()),
        };
        Refusal::by(denied, numbers, cost)
    }

    /// What [`try_enter`](Self::try_enter) would be told now, if it would be refused. Takes nothing.
    #[inline]
    pub fn would_reject(&self, cost: u32, now: Instant) -> Option<Refusal> {
        if let LimitRule::Gcra(gcra) = &self.rule {
            if !gcra.is_queued() && gcra.wait_for(cost.into(), now) == 0 && cost <= gcra.quota().max_burst() {
                return None;
            }
        }
        let mut queue = self.lock();
        let refusal = self.refusal_behind(&mut queue, cost, now);
        (refusal.retry_after() != Some(Duration::ZERO)).then_some(refusal)
    }

    /// Counts a refused call. None is counted otherwise, as only whoever asked knows whether it asks again.
    #[inline]
    pub fn count_refused(&self, caller: &impl Caller) {
        self.refused.add_one(caller.lane());
    }

    // ----- questions -----

    /// How many calls may pass now, at once; none while somebody waits.
    pub fn available(&self, now: Instant) -> u32 {
        match &self.rule {
            _ if self.queued() > 0 => 0,
            LimitRule::Gcra(gcra) => gcra.available(now),
            LimitRule::SlidingWindow => self.lock().window.as_mut().map_or(0, |(_, window)| window.available(now)),
        }
    }

    /// The quota as it is now.
    pub fn quota(&self) -> Quota {
        match &self.rule {
            LimitRule::Gcra(gcra) => gcra.quota(),
            LimitRule::SlidingWindow => self.lock().quota(),
        }
    }

    /// How many wait.
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Acquire) as usize
    }

    /// How many may wait.
    pub fn max_queued(&self) -> usize {
        self.max_queued
    }

    /// How many calls were refused, by [`count_refused`](Self::count_refused).
    pub fn refused(&self) -> u64 {
        self.refused.sum()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, RateQueue<W>> {
        // No code that can panic half-way runs under this lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> fmt::Debug for Limiter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("rule", &self.rule).field("queued", &self.queued()).finish_non_exhaustive()
    }
}

pub(super) fn numbers(quota: &Quota) -> (u32, u64, u32) {
    (quota.count(), quota.period_nanos(), quota.max_burst())
}
