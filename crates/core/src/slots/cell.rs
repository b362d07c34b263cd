use std::fmt;

use super::{
    Order, Reason, Refusal, SlotsConfig,
    queue::SlotQueue,
    word::{SlotWord, slots},
};
use crate::{
    caller::Caller,
    counter::Counter,
    line::CacheAligned,
    sync::{AtomicU64, Mutex, Ordering},
    waiters::Woken,
};

/// Slots for calls that run at the same time, and a queue of waiting calls.
///
/// [`try_enter`](Self::try_enter) admits or rejects a call, and [`enter`](Self::enter) lets it wait. Return the cost with
/// [`exit`](Self::exit). `W` is a waker, for the end of a wait. The caller must wake the wakers in [`Woken`].
pub struct Slots<W> {
    pub(super) hot: CacheAligned<SlotWords>,
    pub(super) queue: CacheAligned<Mutex<SlotQueue<W>>>,
    pub(super) max_queued: usize,
    pub(super) order: Order,
    refused: Counter,
}

/// The words that each call reads. Except for the free slots in `word`, they are written only under the lock.
pub(super) struct SlotWords {
    pub(super) word: AtomicU64,
    pub(super) limit: AtomicU64,
    /// In the upper half the number of waiting calls, and in the lower half how many of them count against the queue's limit.
    pub(super) queued: AtomicU64,
}

impl<W> Slots<W> {
    /// Creates slots that are all free.
    pub fn new(config: SlotsConfig) -> Self {
        let hot = SlotWords {
            word: AtomicU64::new(SlotWord::new(config.limit).pack()),
            limit: AtomicU64::new(config.limit as u64),
            queued: AtomicU64::new(0),
        };
        Self {
            hot: CacheAligned(hot),
            queue: CacheAligned(Mutex::new(SlotQueue::new())),
            max_queued: config.max_queued,
            order: config.order,
            refused: Counter::new(config.lanes),
        }
    }

    /// Takes `cost` slots, if they are free and no call waits. A `cost` of 0 needs no slot, but `Slots` must not be closed.
    ///
    /// # Errors
    ///
    /// [`Reason::Full`], [`Reason::TooLarge`], [`Reason::Closed`]. An error changes nothing.
    #[inline]
    pub fn try_enter(&self, cost: u32) -> Result<(), Refusal> {
        let mut word = self.load();
        loop {
            let Some(next) = word.entered(cost) else { return Err(self.refusal(word, cost)) };
            // Acquire: all that happened before the exit that freed the slot is visible.
            match self.hot.word.compare_exchange_weak(word.pack(), next.pack(), Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Ok(()),
                Err(found) => word = SlotWord::unpack(found),
            }
        }
    }

    /// Returns the refusal that [`try_enter`](Self::try_enter) would get now, if any. It changes nothing.
    #[inline]
    pub fn would_reject(&self, cost: u32) -> Option<Refusal> {
        let word = self.load();
        if word.entered(cost).is_some() { None } else { Some(self.refusal(word, cost)) }
    }

    /// Returns `cost` slots, which the caller must have taken. If calls wait, the slots are handed to them. `caller` is asked for
    /// the time only then, and only with [`Order::CoDel`].
    #[inline]
    pub fn exit(&self, cost: u32, caller: &impl Caller) -> Woken<W> {
        if self.give_back(cost).is_queued() { self.look(caller) } else { Woken::none() }
    }

    /// Returns the refusal of a call whose longest wait is over.
    pub fn too_long(&self, cost: u32) -> Refusal {
        self.refusal(self.load(), cost).because(Reason::TooLong)
    }

    /// Counts a rejected call. No other method counts, because only the caller knows whether it asks again.
    #[inline]
    pub fn count_refused(&self, caller: &impl Caller) {
        self.refused.add_one(caller.lane());
    }

    // ----- questions -----

    /// Returns the limit.
    pub fn limit(&self) -> usize {
        self.hot.limit.load(Ordering::Acquire) as usize
    }

    /// Returns how many slots are taken, by calls in flight and by calls that were handed slots and have not asked yet. It exceeds
    /// the limit if the limit was lowered since. During a change of the limit it can be wrong by the size of the change.
    pub fn in_flight(&self) -> usize {
        self.in_flight_by(self.load(), self.limit())
    }

    /// Returns how many slots are free; 0 if more slots are taken than the limit. If a call waits for more slots, a newcomer cannot
    /// take these.
    pub fn available(&self) -> usize {
        self.load().free().max(0) as usize
    }

    /// Returns how many calls wait.
    pub fn queued(&self) -> usize {
        (self.hot.queued.load(Ordering::Acquire) >> 32) as usize
    }

    /// Returns how many calls may wait.
    pub fn max_queued(&self) -> usize {
        self.max_queued
    }

    /// Returns the order of turns.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Returns whether all calls are rejected from now on.
    pub fn is_closed(&self) -> bool {
        self.load().is_closed()
    }

    /// Returns how many calls were rejected, by [`count_refused`](Self::count_refused).
    pub fn refused(&self) -> u64 {
        self.refused.sum()
    }

    // ----- helpers -----

    #[inline]
    pub(super) fn load(&self) -> SlotWord {
        SlotWord::unpack(self.hot.word.load(Ordering::Acquire))
    }

    /// Returns slots to the word, and gives the former word.
    #[inline]
    pub(super) fn give_back(&self, cost: u32) -> SlotWord {
        // Release: the call that gets the slots sees all that happened before.
        SlotWord::unpack(self.hot.word.fetch_add(slots(u64::from(cost)), Ordering::Release))
    }

    /// Returns why a newcomer that finds `word` is not admitted.
    #[inline]
    pub(super) fn refusal(&self, word: SlotWord, cost: u32) -> Refusal {
        let limit = self.limit();
        let reason = if word.is_closed() {
            Reason::Closed
        } else if is_too_large(cost, limit) {
            Reason::TooLarge
        } else {
            Reason::Full
        };
        Refusal { limit, in_flight: self.in_flight_by(word, limit), cost, reason }
    }

    #[inline]
    fn in_flight_by(&self, word: SlotWord, limit: usize) -> usize {
        (limit as i64 - word.free()).max(0) as usize
    }
}

impl<W> fmt::Debug for Slots<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots")
            .field("limit", &self.limit())
            .field("in_flight", &self.in_flight())
            .field("queued", &self.queued())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

#[inline]
pub(super) fn is_too_large(cost: u32, limit: usize) -> bool {
    // With a limit of 0 a call waits for a higher limit, whatever its cost is.
    limit != 0 && cost as usize > limit
}
