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

/// An admitted call, or a call that waits.
#[derive(Debug, PartialEq, Eq)]
pub enum SlotEntry {
    /// The call has its slots.
    Entered,
    /// The call waits. The caller passes the place to [`Slots::turn`] until the wait is over, or to [`Slots::leave`].
    Waiting(Place),
}

/// The state of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotTurn {
    /// The wait goes on.
    Waiting,
    /// The wait is over, and the call has its slots.
    Entered,
    /// The wait is over, and the call is rejected: [`Reason::Shed`], [`Reason::TooLarge`] or [`Reason::Closed`].
    Refused(Refusal),
}

/// The effect of a wait that was given up.
#[derive(Debug)]
#[must_use = "who waits for its turn sleeps on until it is woken"]
pub struct Left<W> {
    /// The calls whose turns have come by it.
    pub woken: Woken<W>,
    /// The waker of the caller that gave up. Drop it after the others are woken.
    pub waker: Option<W>,
}

/// Waiting.
impl<W> Slots<W> {
    /// Takes `cost` slots, or a place in the queue if the slots are not free now. `waker` runs only if the call may have to wait,
    /// and outside the lock.
    ///
    /// A `bounded` call is rejected if the queue is full. An unbounded call always waits, and uses no place of the bounded calls.
    /// With newest-first order a newcomer enters at once if its slots are free, even while other calls wait for more slots.
    ///
    /// # Errors
    ///
    /// [`Reason::Full`] if no call may wait, or [`Reason::QueueFull`]; [`Reason::TooLarge`], [`Reason::Closed`].
    pub fn enter(
        &self,
        cost: u32,
        bounded: bool,
        now: Instant,
        waker: impl FnOnce() -> W,
    ) -> Result<SlotEntry, Refusal> {
        let Err(refusal) = self.try_enter(cost) else { return Ok(SlotEntry::Entered) };
        // Checked before the lock is taken: a full queue means overload, and the lock is then busy.
        if refusal.reason() != Reason::Full || bounded && self.is_queue_full(self.bounded_queued()) {
            return Err(self.full(refusal));
        }
        let waiter = WaitingCall { cost, since: now, latest: Instant::MAX, bounded };
        let mut waker = Some(waker());
        let entry = self.with_queue(|queue| self.join(queue, waiter, &mut waker));
        // The waker is a user's code. If it panics, the slots that were taken must not be lost.
        contain(|| drop(waker));
        entry
    }

    /// Returns the state of the wait in `place`. While the wait goes on, the waker that `waker` returns replaces the former one.
    /// When the wait is over, the place is free. `waker` runs outside the lock.
    ///
    /// # Panics
    ///
    /// If `place` is empty.
    pub fn turn(&self, place: &mut Option<Place>, waker: impl FnOnce() -> W) -> SlotTurn {
        if let Some(turn) = self.collect(place) {
            return turn;
        }
        let waker = waker();
        let replaced = self.lock().waiters.set_waker(place.as_ref().expect(NO_PLACE), waker);
        match replaced {
            Ok(_former) => SlotTurn::Waiting,
            // The turn came meanwhile. The waker is dropped first, because its drop is a user's code and may panic.
            Err(unused) => {
                drop(unused);
                self.collect(place).expect("a wait that is over stays so")
            }
        }
    }

    /// Gives up a wait. Slots that were handed to it pass to the next call. If calls behind it waited only for it, their turn has
    /// come.
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

    /// Changes the limit, and returns the former limit. A limit above [`MAX_LIMIT`](super::MAX_LIMIT) counts as `MAX_LIMIT`.
    ///
    /// After its return no call is admitted above a lower limit, and calls in flight go on. A higher limit admits waiting calls. A
    /// call that waits for more slots than there are now is rejected as too large, unless the limit is 0.
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

    /// Rejects all new and all waiting calls from now on, for ever. Calls in flight go on and return their slots. So do calls that
    /// were handed slots and have not asked yet.
    pub fn close(&self) -> Woken<W> {
        self.with_queue(|queue| {
            self.hot.word.fetch_or(CLOSED, Ordering::AcqRel);
            let mut woken = Woken::none();
            queue.waiters.settle_each(|_| true, SlotVerdict::Refused(Reason::Closed), &mut woken);
            woken
        })
    }

    // ----- helpers -----

    /// Hands free slots to waiting calls.
    #[cold]
    pub(super) fn look(&self, caller: &impl Caller) -> Woken<W> {
        let now = self.time(caller);
        self.with_queue(|queue| self.hand_over(queue, now, Woken::none()))
    }

    /// Takes the slots or a place. It decides again under the lock, because the state may have changed.
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
            // A single step sees that the call does not fit and marks that a call waits. Each later exit sees the mark.
            if word.is_queued() || self.swap(word, word.queued()) {
                let waker = waker.take().expect("it is joined once");
                return Ok(SlotEntry::Waiting(queue.join(waiter, waker)));
            }
        }
    }

    /// Gives free slots to the calls whose turn it is. The caller must wake them.
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

    /// Takes slots for the call whose turn it is, if they are free.
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

    /// Changes the queue, and then publishes its lengths for callers outside the lock.
    fn with_queue<T>(&self, change: impl FnOnce(&mut SlotQueue<W>) -> T) -> T {
        let mut queue = self.lock();
        let output = change(&mut queue);
        let queued = u64::from(queue.waiters.len()) << 32 | u64::from(queue.waiters.bounded_len());
        self.hot.queued.store(queued, Ordering::Release);
        // Under the lock, so no call can have joined since.
        if queue.is_empty() && self.load().is_queued() {
            self.hot.word.fetch_and(!QUEUED, Ordering::AcqRel);
        }
        output
    }

    fn lock(&self) -> MutexGuard<'_, SlotQueue<W>> {
        // No code that can panic halfway runs under this lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn swap(&self, from: SlotWord, to: SlotWord) -> bool {
        self.hot.word.compare_exchange(from.pack(), to.pack(), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Returns the time, if the order needs it.
    fn time(&self, caller: &impl Caller) -> Instant {
        if matches!(self.order, Order::CoDel { .. }) { caller.now() } else { Instant::ORIGIN }
    }

    fn bounded_queued(&self) -> u32 {
        self.hot.queued.load(Ordering::Acquire) as u32
    }

    fn is_queue_full(&self, bounded_len: u32) -> bool {
        bounded_len as usize >= self.max_queued
    }

    /// Returns the refusal for lack of room, for slots with a queue.
    fn full(&self, refusal: Refusal) -> Refusal {
        match refusal.reason() {
            Reason::Full if self.max_queued > 0 => refusal.because(Reason::QueueFull),
            _ => refusal,
        }
    }
}

const NO_PLACE: &str = "whoever asks for its turn has a place";
