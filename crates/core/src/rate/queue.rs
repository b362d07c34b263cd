use std::{mem, time::Duration};

use super::{
    Denied, Quota, Reason, Refusal,
    bucket::LATE,
    limiter::{LimitRule, Limiter},
    sliding_window::SlidingWindow,
    waiting::{RateEntry, RateQueue, RateTurn, RateVerdict, WINDOW},
};
use crate::{
    observe::contain,
    sync::Ordering,
    time::Instant,
    waiters::{Place, WaitState, WaitingCall, Woken},
};

/// Waiting.
impl<W> Limiter<W> {
    /// As [`try_enter`](Self::try_enter), where others may wait: those who may pass by now go first, and are to be woken.
    /// It passes as of the time returned.
    ///
    /// # Errors
    ///
    /// [`Reason::Exhausted`], [`Reason::TooLarge`].
    pub fn try_enter_behind(&self, cost: u32, now: Instant) -> (Result<Instant, Refusal>, Woken<W>) {
        self.with_queue(now, |limiter, queue, _| match queue.waiters.len() {
            0 => limiter.take_first(queue, cost, now),
            _ => Err(limiter.refusal_behind(queue, cost, now)),
        })
    }

    /// Lets `cost` calls pass, or gives a place in the queue where their turn comes by `latest`. `waker` is asked for what
    /// to wake outside of the lock.
    ///
    /// A `bounded` one is refused if as many wait as may. One that is not bounded waits in any case, and takes no place from
    /// the others.
    ///
    /// # Errors
    ///
    /// [`Reason::TooLong`], [`Reason::TooLarge`]; [`Reason::QueueFull`], or [`Reason::Exhausted`] if no caller may wait.
    pub fn enter(
        &self,
        cost: u32,
        bounded: bool,
        now: Instant,
        latest: Instant,
        waker: impl FnOnce() -> W,
    ) -> (Result<RateEntry, Refusal>, Woken<W>) {
        let mut waker = Some(waker());
        let output = self.with_queue(now, |limiter, queue, _| {
            if queue.waiters.len() == 0 {
                match limiter.take_first(queue, cost, now) {
                    Ok(at) => return Ok(RateEntry::Entered(at)),
                    Err(refusal) if refusal.reason() != Reason::Exhausted => return Err(refusal),
                    Err(_) => {}
                }
            }
            let refusal = limiter.refusal_behind(queue, cost, now);
            let Some(wait) = refusal.retry_after() else { return Err(refusal) };
            if bounded && queue.waiters.bounded_len() as usize >= limiter.max_queued {
                let reason = if limiter.max_queued == 0 { Reason::Exhausted } else { Reason::QueueFull };
                return Err(Refusal { reason, ..refusal });
            }
            if now + wait > latest {
                return Err(Refusal { reason: Reason::TooLong, ..refusal });
            }
            let waiter = WaitingCall { cost, since: now, latest, bounded };
            Ok(RateEntry::Waiting(queue.waiters.join(waiter, waker.take())))
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
    pub fn turn(&self, place: &mut Option<Place>, now: Instant, waker: impl FnOnce() -> W) -> (RateTurn, Woken<W>) {
        let (mut waker, mut spare) = (Some(waker()), None);
        let output = self.with_queue(now, |limiter, queue, woken| {
            let at = place.as_ref().expect("whoever asks for its turn has a place");
            let verdict = match (queue.waiters.verdict(at), queue.waiters.waiting(at)) {
                (None, Some(waiter)) if now < waiter.latest => {
                    let former = queue.waiters.set_waker(at, waker.take());
                    waker = former.unwrap_or_default();
                    let through = queue.waiters.cost_through(at);
                    let due = limiter.asks_at(&mut queue.window, through, waiter.cost, now);
                    return RateTurn::Waiting { until: due.min(waiter.latest) };
                }
                (verdict, _) => verdict.unwrap_or(RateVerdict::TooLong),
            };
            let (waiter, wait) = queue.waiters.leave(place.take().expect("it was there"));
            if let WaitState::Undecided(former) = wait {
                // One waker is dropped outside of the lock, with this one.
                spare = former;
            }
            // It may have been the first, and whoever is first now keeps the timer.
            queue.wake_first(woken);
            let reason = match verdict {
                RateVerdict::Entered(at) => return RateTurn::Entered(at),
                RateVerdict::TooLarge => Reason::TooLarge,
                RateVerdict::TooLong => Reason::TooLong,
            };
            let refusal = limiter.refusal_behind(queue, waiter.cost, now);
            // The quota may have been changed again.
            RateTurn::Refused(if refusal.reason() == Reason::TooLarge {
                refusal
            } else {
                Refusal { reason, ..refusal }
            })
        });
        contain(|| drop(spare));
        contain(|| drop(waker));
        output
    }

    /// Gives a wait up. What it had been let through for is given back, and those behind it move up.
    pub fn leave(&self, place: Place, now: Instant) -> Woken<W> {
        let mut waker = None;
        let (_, woken) = self.with_queue(now, |limiter, queue, woken| {
            match queue.waiters.leave(place) {
                (_, WaitState::Undecided(former)) => waker = former,
                (waiter, WaitState::Settled(RateVerdict::Entered(at))) => {
                    limiter.give_back(queue, waiter.cost, at, now)
                }
                (_, WaitState::Settled(RateVerdict::TooLarge | RateVerdict::TooLong)) => {}
            }
            limiter.pass_due(queue, now, woken);
            queue.wake_first(woken);
        });
        contain(|| drop(waker));
        woken
    }

    /// Gives back what `cost` calls took that were let pass at `at` and are not made.
    pub fn refund(&self, cost: u32, at: Instant, now: Instant) -> Woken<W> {
        let refunded = |limiter: &Self, queue: &mut RateQueue<W>, woken: &mut Woken<W>| {
            limiter.give_back(queue, cost, at, now);
            limiter.pass_due(queue, now, woken);
            queue.wake_first(woken);
        };
        self.with_queue(now, refunded).1
    }

    /// Goes by another quota from now on; the former one. What was spent stays spent, up to the new burst. Who waits keeps
    /// its place, and is refused if its cost is above the new burst, or its turn cannot come in time any more. The others
    /// are woken, because their turns come at other times.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[track_caller]
    pub fn set_quota(&self, quota: Quota, now: Instant) -> (Quota, Woken<W>) {
        if let LimitRule::SlidingWindow = self.rule {
            // Before anyone is let through who would not be woken.
            SlidingWindow::check(&quota);
        }
        self.with_queue(now, |limiter, queue, woken| {
            let former = match (&limiter.rule, &mut queue.window) {
                (LimitRule::Gcra(gcra), _) => gcra.set_quota(&quota, now),
                (LimitRule::SlidingWindow, Some((former, window))) => {
                    window.set_quota(&quota);
                    mem::replace(former, quota)
                }
                (LimitRule::SlidingWindow, None) => unreachable!("{WINDOW}"),
            };
            // Nothing that was produced by the former one is left beyond its burst.
            queue.lag = 0;
            let most = limiter.most(queue);
            let mut refused = Woken::none();
            queue.waiters.settle_each(|waiter| waiter.cost > most, RateVerdict::TooLarge, &mut refused);
            let RateQueue { waiters, window, .. } = &mut *queue;
            let mut ahead = 0;
            let is_late = |waiter: &WaitingCall| {
                let through = ahead + u64::from(waiter.cost);
                let is_late =
                    waiter.latest != Instant::MAX && now + limiter.wait_for(window, through, now) > waiter.latest;
                if !is_late {
                    ahead = through;
                }
                is_late
            };
            waiters.settle_each(is_late, RateVerdict::TooLong, &mut refused);
            refused.into_iter().flatten().for_each(|waker| woken.push(waker));
            limiter.pass_due(queue, now, woken);
            queue.waiters.replace_each(|| None, |waker| waker.into_iter().for_each(|waker| woken.push(waker)));
            former
        })
    }

    // ----- under the lock -----

    /// Lets pass whose turn has come, looks, and then says to those outside how the queue stands.
    fn with_queue<T>(
        &self,
        now: Instant,
        look: impl FnOnce(&Self, &mut RateQueue<W>, &mut Woken<W>) -> T,
    ) -> (T, Woken<W>) {
        let mut queue = self.lock();
        let mut woken = Woken::none();
        if self.pass_due(&mut queue, now, &mut woken) {
            queue.wake_first(&mut woken);
        }
        let output = look(self, &mut queue, &mut woken);
        self.queued.store(queue.waiters.len().into(), Ordering::Release);
        if let LimitRule::Gcra(gcra) = &self.rule {
            // Under the lock: nobody can have joined since.
            if queue.waiters.len() == 0 && queue.lag == 0 && gcra.is_queued() {
                gcra.unqueue();
            }
        }
        drop(queue);
        (output, woken)
    }

    /// Lets pass the first ones, as far as their turn has come; whether the queue has got another first one.
    fn pass_due(&self, queue: &mut RateQueue<W>, now: Instant, woken: &mut Woken<W>) -> bool {
        let mut any = false;
        while let Some(verdict) = queue.waiters.first().and_then(|first| self.verdict(queue, &first, now)) {
            any = true;
            queue.waiters.settle_first(verdict).flatten().into_iter().for_each(|waker| woken.push(waker));
        }
        any
    }

    /// How the wait of the first one has ended by now, if it has.
    fn verdict(&self, queue: &mut RateQueue<W>, first: &WaitingCall, now: Instant) -> Option<RateVerdict> {
        // A turn that came in time stays, however late it is looked for.
        if now >= first.latest && self.turn_of(queue, first.cost, now) > first.latest {
            return Some(RateVerdict::TooLong);
        }
        self.take_late(queue, first.cost, now, LATE).ok().map(RateVerdict::Entered)
    }

    /// When the turn of the first one came, or will come.
    fn turn_of(&self, queue: &RateQueue<W>, cost: u32, now: Instant) -> Instant {
        match (&self.rule, &queue.window) {
            (LimitRule::Gcra(gcra), _) => gcra.turn(cost, now),
            (LimitRule::SlidingWindow, Some((_, window))) => window.turn(cost),
            (LimitRule::SlidingWindow, None) => unreachable!("{WINDOW}"),
        }
    }

    /// For a newcomer, when nobody waits; if it is too early, newcomers are sent to the lock from here on.
    fn take_first(&self, queue: &mut RateQueue<W>, cost: u32, now: Instant) -> Result<Instant, Refusal> {
        if let (LimitRule::Gcra(gcra), 1..) = (&self.rule, queue.lag) {
            // A bucket that was idle for so long is owed nothing.
            if gcra.was_full(Instant::from_nanos(now.as_nanos().saturating_sub(queue.lag))) {
                queue.lag = 0;
            }
        }
        self.take_late(queue, cost, now, queue.lag)
    }

    /// Takes a turn as of when it came, at most `lag` nanoseconds ago.
    fn take_late(&self, queue: &mut RateQueue<W>, cost: u32, now: Instant, lag: u64) -> Result<Instant, Refusal> {
        match (&self.rule, &mut queue.window) {
            (LimitRule::Gcra(gcra), _) => {
                let taken = gcra.take_late(cost, now, lag);
                queue.lag = match taken {
                    Ok(at) => now.as_nanos().saturating_sub(at.as_nanos()),
                    Err(Denied::TooLarge) => queue.lag,
                    // The bucket is not full, so no time is left to be made up for.
                    Err(_) => 0,
                };
                taken.map_err(|denied| Refusal::by(denied, gcra.numbers(), cost))
            }
            (LimitRule::SlidingWindow, Some((quota, _))) if cost > quota.count() => {
                Err(Refusal::new(quota, cost, u64::MAX, Reason::TooLarge))
            }
            // By the time of the call itself: in no period more than the count.
            (LimitRule::SlidingWindow, Some((quota, window))) => match window.take(cost, now) {
                Ok(()) => Ok(now),
                Err(wait) => Err(Refusal::new(quota, cost, wait, Reason::Exhausted)),
            },
            (LimitRule::SlidingWindow, None) => unreachable!("{WINDOW}"),
        }
    }

    /// The refusal of a newcomer, behind all who wait.
    pub(super) fn refusal_behind(&self, queue: &mut RateQueue<W>, cost: u32, now: Instant) -> Refusal {
        let quota = match &self.rule {
            LimitRule::Gcra(gcra) => gcra.quota(),
            LimitRule::SlidingWindow => queue.quota(),
        };
        if cost > self.most(queue) {
            return Refusal::new(&quota, cost, u64::MAX, Reason::TooLarge);
        }
        let total = queue.waiters.cost().saturating_add(cost.into());
        let wait = self.wait_for(&mut queue.window, total, now).as_nanos() as u64;
        Refusal::new(&quota, cost, wait, Reason::Exhausted)
    }

    fn wait_for(&self, window: &mut Option<(Quota, SlidingWindow)>, cost: u64, now: Instant) -> Duration {
        Duration::from_nanos(match (&self.rule, window) {
            (LimitRule::Gcra(gcra), _) => gcra.wait_for(cost, now),
            (LimitRule::SlidingWindow, Some((_, window))) => window.wait_for(cost, now),
            (LimitRule::SlidingWindow, None) => unreachable!("{WINDOW}"),
        })
    }

    /// When a caller is to ask again that waits for the last `cost` calls of `through`.
    ///
    /// The caller before it may be kept and not polled. So it does not rely on that one, and looks after its turn too: early
    /// enough for that turn to count as of when it came.
    fn asks_at(&self, window: &mut Option<(Quota, SlidingWindow)>, through: u64, cost: u32, now: Instant) -> Instant {
        let due = now + self.wait_for(window, through, now);
        match through - u64::from(cost) {
            0 => due,
            before => due.min(now + self.wait_for(window, before, now) + Duration::from_nanos(LATE / 2)),
        }
    }

    fn give_back(&self, queue: &mut RateQueue<W>, cost: u32, at: Instant, now: Instant) {
        match (&self.rule, &mut queue.window) {
            (LimitRule::Gcra(gcra), _) => gcra.refund(cost, at, now),
            (LimitRule::SlidingWindow, Some((_, window))) => window.refund(cost, at),
            (LimitRule::SlidingWindow, None) => unreachable!("{WINDOW}"),
        }
    }

    /// The most that may pass at once.
    fn most(&self, queue: &RateQueue<W>) -> u32 {
        match &self.rule {
            LimitRule::Gcra(gcra) => gcra.quota().max_burst(),
            LimitRule::SlidingWindow => queue.quota().count(),
        }
    }
}
