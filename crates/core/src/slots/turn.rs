use std::sync::PoisonError;

use super::{
    Order, Reason, Refusal, Slots,
    cell::is_too_large,
    config::clamped,
    queue::{QueueEnd, SlotQueue, SlotVerdict},
    word::{CLOSED, QUEUED, SlotWord, slots},
};
use crate::{
    caller::Caller,
    observe::contain,
    sync::{MutexGuard, Ordering},
    time::Instant,
    waiters::{Place, WaitState, WaitingCall, Woken},
};

/// A call that was let in, or that may wait.
#[derive(Debug, PartialEq, Eq)]
pub enum SlotEntry {
    /// The slots are its own.
    Entered,
    /// It waits. The place is to be handed to [`Slots::turn`] until the wait is over, or to [`Slots::leave`].
    Waiting(Place),
}

/// How a wait stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotTurn {
    /// It goes on.
    Waiting,
    /// It is over, and the slots are its own.
    Entered,
    /// It is over, and nothing came of it: [`Reason::Shed`], [`Reason::TooLarge`] or [`Reason::Closed`].
    Refused(Refusal),
}

/// What is left of a wait that was given up.
#[derive(Debug)]
#[must_use = "who waits for its turn sleeps on until it is woken"]
pub struct Left<W> {
    /// Whose turn has come by it.
    pub woken: Woken<W>,
    /// What would have been woken; to be dropped, after the others are woken.
    pub waker: Option<W>,
}

/// Waiting.
impl<W> Slots<W> {
    /// Takes `cost` slots, or a place in the queue if they are not to be had at once. `waker` is asked for what to wake
    /// only if it may have to wait, and outside of the lock.
    ///
    /// A `bounded` one is refused where as many wait as may; who is not bounded waits in any case, and takes no place from
    /// those who are. Where the newest has the next turn it is a newcomer's, which then gets in at once if there is room
    /// for it, though others wait for more.
    ///
    /// # Errors
    ///
    /// [`Reason::Full`] where nobody may wait, or [`Reason::QueueFull`]; [`Reason::TooLarge`], [`Reason::Closed`].
    pub fn enter(
        &self,
        cost: u32,
        bounded: bool,
        now: Instant,
        waker: impl FnOnce() -> W,
    ) -> Result<SlotEntry, Refusal> {
        let Err(refusal) = self.try_enter(cost) else { return Ok(SlotEntry::Entered) };
        // Looked at before the lock is taken: a full queue means overload, when the lock has better things to do.
        if refusal.reason() != Reason::Full || bounded && self.is_queue_full(self.bounded_queued()) {
            return Err(self.full(refusal));
        }
        let waiter = WaitingCall { cost, since: now, latest: Instant::MAX, bounded };
        let mut waker = Some(waker());
        let entry = self.with_queue(|queue| self.join(queue, waiter, &mut waker));
        // It is someone's code, and the slots that were taken must not be lost with its panic.
        contain(|| drop(waker));
        entry
    }

    /// Asks how the wait in `place` stands. The place is taken when it is over; while it goes on, what `waker` gives is
    /// woken at its end in place of the former one. `waker` is run outside of the lock.
    ///
    /// # Panics
    ///
    /// If there is no place.
    pub fn turn(&self, place: &mut Option<Place>, waker: impl FnOnce() -> W) -> SlotTurn {
        if let Some(turn) = self.collect(place) {
            return turn;
        }
        let waker = waker();
        let replaced = self.lock().waiters.set_waker(place.as_ref().expect(NO_PLACE), waker);
        match replaced {
            Ok(_former) => SlotTurn::Waiting,
            // The turn came meanwhile. What is not needed is dropped first: it is someone's code, and may panic.
            Err(unused) => {
                drop(unused);
                self.collect(place).expect("a wait that is over stays so")
            }
        }
    }

    /// Gives a wait up. What it had been handed goes on to the next, and if those behind had to wait for it alone, their
    /// turn has come.
    pub fn leave(&self, place: Place, caller: &impl Caller) -> Left<W> {
        let now = self.time(caller);
        self.with_queue(|queue| {
            let (waiter, wait) = queue.waiters.leave(place);
            let waker = match wait {
                WaitState::Undecided(waker) => Some(waker),
                WaitState::Settled(SlotVerdict::Entered) => {
                    self.give_back(waiter.cost);
                    None
                }
                WaitState::Settled(SlotVerdict::Refused(_)) => None,
            };
            Left { woken: self.hand_over(queue, now, Woken::none()), waker }
        })
    }

    /// Changes the limit, up to [`MAX_LIMIT`](super::MAX_LIMIT), as which more is taken; the former one.
    ///
    /// From its return on nothing is let in above a lower limit, and calls in flight go on. A higher one lets in who
    /// waits. Who waits for more slots than there are now is refused as too large, unless there are none.
    pub fn resize(&self, limit: usize, caller: &impl Caller) -> (usize, Woken<W>) {
        let (limit, now) = (clamped(limit), self.time(caller));
        self.with_queue(|queue| {
            let former = self.hot.limit.swap(limit as u64, Ordering::AcqRel) as usize;
            let more = slots(limit as u64).wrapping_sub(slots(former as u64));
            self.hot.word.fetch_add(more, Ordering::AcqRel);
            let mut woken = Woken::none();
            let too_large = SlotVerdict::Refused(Reason::TooLarge);
            queue.waiters.settle_each(|waiter| is_too_large(waiter.cost, limit), too_large, &mut woken);
            (former, self.hand_over(queue, now, woken))
        })
    }

    /// Refuses all from now on, and all who wait. Calls in flight go on and are handed back, and so is what was handed to
    /// someone who has not asked yet. It stays so.
    pub fn close(&self) -> Woken<W> {
        self.with_queue(|queue| {
            self.hot.word.fetch_or(CLOSED, Ordering::AcqRel);
            let mut woken = Woken::none();
            queue.waiters.settle_each(|_| true, SlotVerdict::Refused(Reason::Closed), &mut woken);
            woken
        })
    }

    // ----- helpers -----

    /// Hands on what has come free.
    #[cold]
    pub(super) fn look(&self, caller: &impl Caller) -> Woken<W> {
        let now = self.time(caller);
        self.with_queue(|queue| self.hand_over(queue, now, Woken::none()))
    }

    /// Takes the slots, or a place: what is decided before the lock is taken may be otherwise by now.
    fn join(&self, queue: &mut SlotQueue<W>, waiter: WaitingCall, waker: &mut Option<W>) -> Result<SlotEntry, Refusal> {
        let is_next = queue.is_empty() || queue.turn(self.order, waiter.since) == QueueEnd::Newest;
        loop {
            let word = self.load();
            let refusal = self.refusal(word, waiter.cost);
            if refusal.reason() != Reason::Full {
                return Err(refusal);
            }
            if waiter.bounded && self.is_queue_full(queue.waiters.bounded_len()) {
                return Err(self.full(refusal));
            }
            if let Some(next) = word.given(waiter.cost).filter(|_| is_next) {
                if self.swap(word, next) {
                    return Ok(SlotEntry::Entered);
                }
                continue;
            }
            // One step says that it does not fit and that somebody waits: whoever gives slots back from here on sees it.
            if word.is_queued() || self.swap(word, word.queued()) {
                let waker = waker.take().expect("it is joined once");
                return Ok(SlotEntry::Waiting(queue.join(waiter, waker)));
            }
        }
    }

    /// Gives what is free to those whose turn it is, who are to be woken too then.
    fn hand_over(&self, queue: &mut SlotQueue<W>, now: Instant, mut woken: Woken<W>) -> Woken<W> {
        queue.shed(self.order, now, &mut woken);
        loop {
            let end = queue.turn(self.order, now);
            let Some(next) = queue.at(end) else { break };
            if !self.give(next.cost) {
                break;
            }
            woken.extend(queue.settle(end, SlotVerdict::Entered));
        }
        woken
    }

    /// Takes slots for whose turn it is, if they are free.
    fn give(&self, cost: u32) -> bool {
        loop {
            let word = self.load();
            let Some(next) = word.given(cost) else { return false };
            if self.swap(word, next) {
                return true;
            }
        }
    }

    /// Ends a wait that is over.
    fn collect(&self, place: &mut Option<Place>) -> Option<SlotTurn> {
        let mut queue = self.lock();
        let verdict = queue.waiters.verdict(place.as_ref().expect(NO_PLACE))?;
        let (waiter, _) = queue.waiters.leave(place.take()?);
        Some(match verdict {
            SlotVerdict::Entered => SlotTurn::Entered,
            SlotVerdict::Refused(reason) => SlotTurn::Refused(self.refusal(self.load(), waiter.cost).because(reason)),
        })
    }

    /// Changes the queue, and then says to those outside of the lock how it stands.
    fn with_queue<T>(&self, change: impl FnOnce(&mut SlotQueue<W>) -> T) -> T {
        let mut queue = self.lock();
        let output = change(&mut queue);
        let queued = u64::from(queue.waiters.len()) << 32 | u64::from(queue.waiters.bounded_len());
        self.hot.queued.store(queued, Ordering::Release);
        // Under the lock: nobody can have joined since.
        if queue.is_empty() && self.load().is_queued() {
            self.hot.word.fetch_and(!QUEUED, Ordering::AcqRel);
        }
        output
    }

    fn lock(&self) -> MutexGuard<'_, SlotQueue<W>> {
        // No code that can panic half-way runs under this lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn swap(&self, from: SlotWord, to: SlotWord) -> bool {
        self.hot.word.compare_exchange(from.pack(), to.pack(), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The time, if it matters.
    fn time(&self, caller: &impl Caller) -> Instant {
        if matches!(self.order, Order::CoDel { .. }) { caller.now() } else { Instant::ORIGIN }
    }

    fn bounded_queued(&self) -> u32 {
        self.hot.queued.load(Ordering::Acquire) as u32
    }

    fn is_queue_full(&self, bounded_len: u32) -> bool {
        bounded_len as usize >= self.max_queued
    }

    /// A refusal for want of room, as it is where calls may wait.
    fn full(&self, refusal: Refusal) -> Refusal {
        match refusal.reason() {
            Reason::Full if self.max_queued > 0 => refusal.because(Reason::QueueFull),
            _ => refusal,
        }
    }
}

const NO_PLACE: &str = "whoever asks for its turn has a place";
