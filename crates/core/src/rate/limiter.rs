use std::{fmt, sync::PoisonError};

use super::{Denied, Quota, Reason, Refusal, gcra::Gcra, sliding_window::SlidingWindow};
use crate::{
    caller::Caller,
    counter::Counter,
    line::Line,
    sync::{AtomicU64, Mutex, MutexGuard, Ordering},
    time::Instant,
    waiters::{Place, Wait, Waiter, Waiters, Woken},
};

/// A rate limit that many may ask at once, and a queue of those who wait for their turn.
///
/// `W` is what is woken when a turn may have come: [`Woken`] is to be woken by the caller.
pub struct Limiter<W> {
    rule: Rule,
    queue: Line<Mutex<Queue<W>>>,
    /// How many wait; written under the lock.
    queued: AtomicU64,
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
    /// call of a period: 8 bytes each, at most 2^24 of them, under a short lock.
    SlidingWindow,
}

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

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "the smaller one is the rarer")]
enum Rule {
    Gcra(Gcra),
    SlidingWindow,
}

/// What lies under the lock.
struct Queue<W> {
    // Without a waker is whoever has been woken and has not asked yet.
    waiters: Waiters<Option<W>, Verdict>,
    window: Option<(Quota, SlidingWindow)>,
}

#[derive(Debug, Clone, Copy)]
enum Verdict {
    Entered(Instant),
    TooLarge,
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
            Algorithm::Gcra => (Rule::Gcra(Gcra::new(&quota, now)), None),
            Algorithm::SlidingWindow => (Rule::SlidingWindow, Some((quota, SlidingWindow::new(&quota)))),
        };
        Self {
            rule,
            queue: Line(Mutex::new(Queue { waiters: Waiters::new(), window })),
            queued: AtomicU64::new(0),
            refused: Counter::new(lanes),
        }
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
            Rule::Gcra(gcra) => gcra.try_take(cost, now),
            Rule::SlidingWindow => Err(Denied::Queued),
        }
    }

    /// What [`try_enter`](Self::try_enter) has denied, with all that there is to say of it.
    #[inline]
    pub fn refusal(&self, denied: Denied, cost: u32) -> Refusal {
        let numbers = match &self.rule {
            Rule::Gcra(gcra) => gcra.numbers(),
            Rule::SlidingWindow => numbers(&self.quota()),
        };
        Refusal::by(denied, numbers, cost)
    }

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

    /// What [`try_enter`](Self::try_enter) would be told now, if it would be refused. Changes nothing.
    #[inline]
    pub fn would_refuse(&self, cost: u32, now: Instant) -> Option<Refusal> {
        if let Rule::Gcra(gcra) = &self.rule {
            if !gcra.is_queued() && gcra.wait_for(cost.into(), now) == 0 && cost <= gcra.quota().max_burst() {
                return None;
            }
        }
        let mut queue = self.lock();
        let refusal = self.refusal_behind(&mut queue, cost, now);
        (refusal.retry_after() != Some(std::time::Duration::ZERO)).then_some(refusal)
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
        crate::observe::contain(|| drop(waker));
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
        crate::observe::contain(|| drop(waker));
        output
    }

    /// Gives a wait up. What it had been let through for is given back, and those behind it move up.
    pub fn leave(&self, place: Place, now: Instant) -> Woken<W> {
        let mut waker = None;
        let (_, woken) = self.with_queue(now, |limiter, queue, woken| {
            match queue.waiters.leave(place) {
                (_, Wait::Undecided(former)) => waker = former,
                (waiter, Wait::Settled(Verdict::Entered(at))) => limiter.give_back(queue, waiter.cost, at),
                (_, Wait::Settled(Verdict::TooLarge)) => {}
            }
            limiter.pass_due(queue, now, woken);
            queue.wake_first(woken);
        });
        crate::observe::contain(|| drop(waker));
        woken
    }

    /// Gives back what `cost` calls took that were let pass at `at` and are not made.
    pub fn refund(&self, cost: u32, at: Instant, now: Instant) -> Woken<W> {
        let refunded = |limiter: &Self, queue: &mut Queue<W>, woken: &mut Woken<W>| {
            limiter.give_back(queue, cost, at);
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
        self.with_queue(now, |limiter, queue, woken| {
            let former = match (&limiter.rule, &mut queue.window) {
                (Rule::Gcra(gcra), _) => gcra.set_quota(&quota, now),
                (Rule::SlidingWindow, Some((former, window))) => {
                    window.set_quota(&quota);
                    std::mem::replace(former, quota)
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
            Rule::Gcra(gcra) => gcra.available(now),
            Rule::SlidingWindow => self.lock().window.as_mut().map_or(0, |(_, window)| window.available(now)),
        }
    }

    /// The quota as it is now.
    pub fn quota(&self) -> Quota {
        match &self.rule {
            Rule::Gcra(gcra) => gcra.quota(),
            Rule::SlidingWindow => self.lock().quota(),
        }
    }

    /// How many wait.
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Acquire) as usize
    }

    /// How many calls were refused, by [`count_refused`](Self::count_refused).
    pub fn refused(&self) -> u64 {
        self.refused.sum()
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
    fn refusal_behind(&self, queue: &mut Queue<W>, cost: u32, now: Instant) -> Refusal {
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

    fn wait_for(&self, queue: &mut Queue<W>, cost: u64, now: Instant) -> std::time::Duration {
        std::time::Duration::from_nanos(match (&self.rule, &mut queue.window) {
            (Rule::Gcra(gcra), _) => gcra.wait_for(cost, now),
            (Rule::SlidingWindow, Some((_, window))) => window.wait_for(cost, now),
            (Rule::SlidingWindow, None) => unreachable!("{WINDOW}"),
        })
    }

    fn give_back(&self, queue: &mut Queue<W>, cost: u32, at: Instant) {
        match (&self.rule, &mut queue.window) {
            (Rule::Gcra(gcra), _) => gcra.refund(cost),
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

    fn lock(&self) -> MutexGuard<'_, Queue<W>> {
        // No code that can panic half-way runs under this lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> Queue<W> {
    /// Has whoever is first look again: it keeps the timer, or its time may have got earlier.
    fn wake_first(&mut self, woken: &mut Woken<W>) {
        self.waiters.replace_first(None).flatten().into_iter().for_each(|waker| woken.push(waker));
    }

    fn quota(&self) -> Quota {
        self.window.as_ref().expect(WINDOW).0
    }
}

impl<W> fmt::Debug for Limiter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("rule", &self.rule).field("queued", &self.queued()).finish_non_exhaustive()
    }
}

fn numbers(quota: &Quota) -> (u32, u64, u32) {
    (quota.count(), quota.period_nanos(), quota.max_burst())
}

const WINDOW: &str = "the rule says that there is a window";
