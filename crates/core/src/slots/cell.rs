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

/// Slots for calls that run at once, and a queue of those who wait for one.
///
/// Ask with [`try_enter`](Self::try_enter), or with [`enter`](Self::enter) where the call may wait, and hand what it cost
/// back with [`exit`](Self::exit). `W` is what is woken when a wait is over: [`Woken`] is to be woken by the caller.
pub struct Slots<W> {
    pub(super) hot: CacheAligned<SlotWords>,
    pub(super) queue: CacheAligned<Mutex<SlotQueue<W>>>,
    pub(super) max_queued: usize,
    pub(super) order: Order,
    refused: Counter,
}

/// What all look at. But for the word's slots it is written under the lock alone.
pub(super) struct SlotWords {
    pub(super) word: AtomicU64,
    pub(super) limit: AtomicU64,
    /// How many wait, and below that, in the lower half, how many of them count against the queue's limit.
    pub(super) queued: AtomicU64,
}

impl<W> Slots<W> {
    /// All slots are free.
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

    /// Takes `cost` slots, if they are free and nobody waits. A `cost` of 0 needs no slot, only that it is not closed.
    ///
    /// # Errors
    ///
    /// [`Reason::Full`], [`Reason::TooLarge`], [`Reason::Closed`]; it has changed nothing.
    #[inline]
    pub fn try_enter(&self, cost: u32) -> Result<(), Refusal> {
        let mut word = self.load();
        loop {
            let Some(next) = word.entered(cost) else { return Err(self.refusal(word, cost)) };
            // Acquire: what happened before the exit that freed the slot has happened.
            match self.hot.word.compare_exchange_weak(word.pack(), next.pack(), Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Ok(()),
                Err(found) => word = SlotWord::unpack(found),
            }
        }
    }

    /// What [`try_enter`](Self::try_enter) would be told now, if it would be refused. Changes nothing.
    #[inline]
    pub fn would_reject(&self, cost: u32) -> Option<Refusal> {
        let word = self.load();
        if word.entered(cost).is_some() { None } else { Some(self.refusal(word, cost)) }
    }

    /// Gives `cost` slots back, which must have been taken. If somebody waits they are handed on; `caller` is asked for
    /// the time only then, and only under [`Order::CoDel`].
    #[inline]
    pub fn exit(&self, cost: u32, caller: &impl Caller) -> Woken<W> {
        if self.give_back(cost).is_queued() { self.look(caller) } else { Woken::none() }
    }

    /// The refusal of a call that gave up waiting, as it was to wait no longer.
    pub fn too_long(&self, cost: u32) -> Refusal {
        self.refusal(self.load(), cost).because(Reason::TooLong)
    }

    /// Counts a refused call. None is counted otherwise, as only whoever asked knows whether it asks again.
    #[inline]
    pub fn count_refused(&self, caller: &impl Caller) {
        self.refused.add_one(caller.lane());
    }

    // ----- questions -----

    /// How many slots there are.
    pub fn limit(&self) -> usize {
        self.hot.limit.load(Ordering::Acquire) as usize
    }

    /// How many slots are taken, by calls and by who was handed some and has not asked yet. More than the limit, if it
    /// was lowered since. While it is being changed, this may be off by as much as it changes.
    pub fn in_flight(&self) -> usize {
        self.in_flight_by(self.load(), self.limit())
    }

    /// How many slots are free; 0 if more are taken than there are. Where somebody waits for more, they are not to be
    /// had.
    pub fn available(&self) -> usize {
        self.load().free().max(0) as usize
    }

    /// How many wait.
    pub fn queued(&self) -> usize {
        (self.hot.queued.load(Ordering::Acquire) >> 32) as usize
    }

    /// How many may wait.
    pub fn max_queued(&self) -> usize {
        self.max_queued
    }

    /// Who has the next turn.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Whether all calls are refused from now on.
    pub fn is_closed(&self) -> bool {
        self.load().is_closed()
    }

    /// How many calls were refused, by [`count_refused`](Self::count_refused).
    pub fn refused(&self) -> u64 {
        self.refused.sum()
    }

    // ----- helpers -----

    #[inline]
    pub(super) fn load(&self) -> SlotWord {
        SlotWord::unpack(self.hot.word.load(Ordering::Acquire))
    }

    /// Gives slots back; the word from before.
    #[inline]
    pub(super) fn give_back(&self, cost: u32) -> SlotWord {
        // Release: what has happened is seen by whoever gets the slots.
        SlotWord::unpack(self.hot.word.fetch_add(slots(u64::from(cost)), Ordering::Release))
    }

    /// Why a newcomer that finds `word` does not get in.
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
    // With no slots at all they wait for better times, whatever they cost.
    limit != 0 && cost as usize > limit
}
