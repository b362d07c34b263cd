use std::{mem, time::Duration};

use super::{
    Quota, Reason, Refusal,
    limiter::{Limiter, Rule},
    sliding_window::SlidingWindow,
};
use crate::{
    observe::contain,
    sync::Ordering,
    time::Instant,
    waiters::{Place, Wait, Waiter, Waiters, Woken},
};

/// A call that may pass, or that may wait.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry {
    /// It may pass now.
    Entered,
    /// It waits. The place is to be handed to [`Limiter::turn`] until the wait is over, or to [`Limiter::leave`].
    Waiting(Place),
}

/// How a wait stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It goes on. The first in the queue is to ask again at `until`; the others are woken, and their `until` is
    /// [`Instant::MAX`].
    Waiting {
        /// When its turn comes.
        until: Instant,
    },
    /// It is over: the call may pass, and did so at that time.
    Entered(Instant),
    /// It is over, and nothing came of it: the quota was changed, and its cost is above the burst.
    Refused(Refusal),
}

/// What lies under the lock.
pub(super) struct Queue<W> {
    // Without a waker is whoever has been woken and has not asked yet.
    pub(super) waiters: Waiters<Option<W>, Verdict>,
    pub(super) window: Option<(Quota, SlidingWindow)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Verdict {
    Entered(Instant),
    TooLarge,
}

/// Waiting.
impl<W> Limiter<W> {
    /// As [`try_enter`](Self::try_enter), where others may wait: those who may pass by now go first, and are to be woken.
    ///
    /// # Errors
    ///
    /// [`Reason::Exhausted`], [`Reason::TooLarge`].
    pub fn try_enter_behind(&self, cost: u32, now: Instant) -> (Result<(), Refusal>, Woken<W>) {
        self.with_queue(now, |limiter, queue, _| match queue.waiters.len() {
            0 => limiter.take(queue, cost, now),
            _ => Err(limiter.refusal_behind(queue, cost, now)),
        })
    }

    /// Lets `cost` calls pass, or gives a place in the queue where their turn comes by `latest`. `waker` is asked for what
    /// to wake outside of the lock.
    ///
    /// # Errors
    ///
    /// [`Reason::TooLong`], [`Reason::TooLarge`].
    pub fn enter(
        &self,
        cost: u32,
        now: Instant,
        latest: Instant,
        waker: impl FnOnce() -> W,
    ) -> (Result<Entry, Refusal>, Woken<W>) {
        let mut waker = Some(waker());
        let output = self.with_queue(now, |limiter, queue, _| {
            if queue.waiters.len() == 0 {
                match limiter.take_or_queue(queue, cost, now) {
                    Ok(()) => return Ok(Entry::Entered),
                    Err(refusal) if refusal.reason() != Reason::Exhausted => return Err(refusal),
                    Err(_) => {}
                }
            }
            let refusal = limiter.refusal_behind(queue, cost, now);
            let Some(wait) = refusal.retry_after() else { return Err(refusal) };
            if now + wait > latest {
                return Err(Refusal { reason: Reason::TooLong, ..refusal });
            }
            let waiter = Waiter { cost, since: now, bounded: false };
            Ok(Entry::Waiting(queue.waiters.join(waiter, waker.take())))
        });
        // It is someone's code, and what was taken must not be lost with its panic.
        contain(|| drop(waker));
        output
    }

    /// Asks how the wait in `place` stands. The place is taken when it is over; while it goes on, what `waker` gives is
    /// woken in place of the former one.
    ///
    /// # Panics
    ///
    /// If there is no place.
    pub fn turn(&self, place: &mut Option<Place>, now: Instant, waker: impl FnOnce() -> W) -> (Turn, Woken<W>) {
        let mut waker = Some(waker());
        let output = self.with_queue(now, |limiter, queue, woken| {
            let at = place.as_ref().expect("whoever asks for its turn has a place");
            let Some(verdict) = queue.waiters.verdict(at) else {
                let former = queue.waiters.set_waker(at, waker.take());
                waker = former.unwrap_or_default();
                let until = match queue.waiters.first() {
                    Some(first) if queue.waiters.is_first(at) => now + limiter.wait_for(queue, first.cost.into(), now),
                    _ => Instant::MAX,
                };
                return Turn::Waiting { until };
            };
            let left = place.take().map(|place| queue.waiters.leave(place));
            // It may have been the first, and whoever is first now keeps the timer.
            queue.wake_first(woken);
            match (verdict, left) {
                (Verdict::TooLarge, Some((waiter, _))) => {
                    Turn::Refused(limiter.refusal_behind(queue, waiter.cost, now))
                }
                (Verdict::Entered(at), _) => Turn::Entered(at),
                (Verdict::TooLarge, None) => unreachable!("the place was there"),
            }
        });
        contain(|| drop(waker));
        output
    }

    /// Gives a wait up. What it had been let through for is given back, and those behind it move up.
    pub fn leave(&self, place: Place, now: Instant) -> Woken<W> {
        let mut waker = None;
        let (_, woken) = self.with_queue(now, |limiter, queue, woken| {
            match queue.waiters.leave(place) {
                (_, Wait::Undecided(former)) => waker = former,
                (waiter, Wait::Settled(Verdict::Entered(at))) => limiter.give_back(queue, waiter.cost, at, now),
                (_, Wait::Settled(Verdict::TooLarge)) => {}
            }
            limiter.pass_due(queue, now, woken);
            queue.wake_first(woken);
        });
        contain(|| drop(waker));
        woken
    }

    /// Gives back what `cost` calls took that were let pass at `at` and are not made.
    pub fn refund(&self, cost: u32, at: Instant, now: Instant) -> Woken<W> {
        let refunded = |limiter: &Self, queue: &mut Queue<W>, woken: &mut Woken<W>| {
            limiter.give_back(queue, cost, at, now);
            limiter.pass_due(queue, now, woken);
            queue.wake_first(woken);
        };
        self.with_queue(now, refunded).1
    }

    /// Goes by another quota from now on; the former one. What was spent stays spent, up to the new burst. Who waits keeps
    /// its place, and is refused where its cost is above the new burst.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[track_caller]
    pub fn set_quota(&self, quota: Quota, now: Instant) -> (Quota, Woken<W>) {
        if let Rule::SlidingWindow = self.rule {
            // Before anyone is let through who would not be woken.
            SlidingWindow::check(&quota);
        }
        self.with_queue(now, |limiter, queue, woken| {
            let former = match (&limiter.rule, &mut queue.window) {
                (Rule::Gcra(gcra), _) => gcra.set_quota(&quota, now),
                (Rule::SlidingWindow, Some((former, window))) => {
                    window.set_quota(&quota);
                    mem::replace(former, quota)
                }
                (Rule::SlidingWindow, None) => unreachable!("{WINDOW}"),
            };
            let most = limiter.most(queue);
            let mut refused = Woken::none();
            queue.waiters.settle_each(|waiter| waiter.cost > most, Verdict::TooLarge, &mut refused);
            refused.into_iter().flatten().for_each(|waker| woken.push(waker));
            limiter.pass_due(queue, now, woken);
            queue.wake_first(woken);
            former
        })
    }

    // ----- under the lock -----

    /// Lets pass whose turn has come, looks, and then says to those outside how the queue stands.
    fn with_queue<T>(
        &self,
        now: Instant,
        look: impl FnOnce(&Self, &mut Queue<W>, &mut Woken<W>) -> T,
    ) -> (T, Woken<W>) {
        let mut queue = self.lock();
        let mut woken = Woken::none();
        if self.pass_due(&mut queue, now, &mut woken) {
            queue.wake_first(&mut woken);
        }
        let output = look(self, &mut queue, &mut woken);
        self.queued.store(queue.waiters.len().into(), Ordering::Release);
        if let Rule::Gcra(gcra) = &self.rule {
            // Under the lock: nobody can have joined since.
            if queue.waiters.len() == 0 && gcra.is_queued() {
                gcra.unqueue();
            }
        }
        drop(queue);
        (output, woken)
    }

    /// Lets pass the first ones, as far as their turn has come; whether there were any.
    fn pass_due(&self, queue: &mut Queue<W>, now: Instant, woken: &mut Woken<W>) -> bool {
        let mut any = false;
        while let Some(first) = queue.waiters.first() {
            if self.take_or_queue(queue, first.cost, now).is_err() {
                break;
            }
            any = true;
            queue.waiters.settle_first(Verdict::Entered(now)).flatten().into_iter().for_each(|waker| woken.push(waker));
        }
        any
    }

    /// For a newcomer, when nobody waits.
    fn take(&self, queue: &mut Queue<W>, cost: u32, now: Instant) -> Result<(), Refusal> {
        let Rule::Gcra(gcra) = &self.rule else { return self.take_or_queue(queue, cost, now) };
        // The bit may still be there from who waited last.
        gcra.unqueue();
        gcra.try_take(cost, now).map_err(|denied| Refusal::by(denied, gcra.numbers(), cost))
    }

    /// For whose turn it is; if it is too early, newcomers are sent to the lock from here on.
    fn take_or_queue(&self, queue: &mut Queue<W>, cost: u32, now: Instant) -> Result<(), Refusal> {
        match (&self.rule, &mut queue.window) {
            (Rule::Gcra(gcra), _) => {
                gcra.take_or_queue(cost, now).map_err(|denied| Refusal::by(denied, gcra.numbers(), cost))
            }
            (Rule::SlidingWindow, Some((quota, _))) if cost > quota.count() => {
                Err(Refusal::new(quota, cost, u64::MAX, Reason::TooLarge))
            }
            (Rule::SlidingWindow, Some((quota, window))) => {
                window.take(cost, now).map_err(|wait| Refusal::new(quota, cost, wait, Reason::Exhausted))
            }
            (Rule::SlidingWindow, None) => unreachable!("{WINDOW}"),
        }
    }

    /// The refusal of a newcomer, behind all who wait.
    pub(super) fn refusal_behind(&self, queue: &mut Queue<W>, cost: u32, now: Instant) -> Refusal {
        let quota = match &self.rule {
            Rule::Gcra(gcra) => gcra.quota(),
            Rule::SlidingWindow => queue.quota(),
        };
        if cost > self.most(queue) {
            return Refusal::new(&quota, cost, u64::MAX, Reason::TooLarge);
        }
        let total = queue.waiters.cost().saturating_add(cost.into());
        Refusal::new(&quota, cost, self.wait_for(queue, total, now).as_nanos() as u64, Reason::Exhausted)
    }

    fn wait_for(&self, queue: &mut Queue<W>, cost: u64, now: Instant) -> Duration {
        Duration::from_nanos(match (&self.rule, &mut queue.window) {
            (Rule::Gcra(gcra), _) => gcra.wait_for(cost, now),
            (Rule::SlidingWindow, Some((_, window))) => window.wait_for(cost, now),
            (Rule::SlidingWindow, None) => unreachable!("{WINDOW}"),
        })
    }

    fn give_back(&self, queue: &mut Queue<W>, cost: u32, at: Instant, now: Instant) {
        match (&self.rule, &mut queue.window) {
            (Rule::Gcra(gcra), _) => gcra.refund(cost, at, now),
            (Rule::SlidingWindow, Some((_, window))) => window.refund(cost, at),
            (Rule::SlidingWindow, None) => unreachable!("{WINDOW}"),
        }
    }

    /// The most that may pass at once.
    fn most(&self, queue: &Queue<W>) -> u32 {
        match &self.rule {
            Rule::Gcra(gcra) => gcra.quota().max_burst(),
            Rule::SlidingWindow => queue.quota().count(),
        }
    }
}

impl<W> Queue<W> {
    /// Has whoever is first look again: it keeps the timer, or its time may have got earlier.
    fn wake_first(&mut self, woken: &mut Woken<W>) {
        self.waiters.replace_first(None).flatten().into_iter().for_each(|waker| woken.push(waker));
    }

    pub(super) fn quota(&self) -> Quota {
        self.window.as_ref().expect(WINDOW).0
    }
}

const WINDOW: &str = "the rule says that there is a window";
