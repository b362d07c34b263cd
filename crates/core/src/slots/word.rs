/// The state of the slots, and its changes: pure functions over a `Copy` value that is its own packed form.
///
/// Bit 0 says that a call waits, bit 1 that the slots are closed. The other 62 bits are the number of free slots, as a signed
/// number. The number is below zero after the limit was lowered by more than the free slots, until enough calls have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlotWord(u64);

impl SlotWord {
    /// Returns the word of free slots without waiting calls.
    pub(super) const fn new(limit: usize) -> Self {
        Self(slots(limit as u64))
    }

    #[inline]
    pub(super) const fn unpack(word: u64) -> Self {
        Self(word)
    }

    #[inline]
    pub(super) const fn pack(self) -> u64 {
        self.0
    }

    #[inline]
    pub(super) const fn free(self) -> i64 {
        self.0 as i64 >> FLAG_BITS
    }

    #[inline]
    pub(super) const fn is_queued(self) -> bool {
        self.0 & QUEUED != 0
    }

    #[inline]
    pub(super) const fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    /// Returns the word after the admission of a newcomer, if there is room and no call waits. A cost of 0 needs no room.
    #[inline]
    pub(super) const fn entered(self, cost: u32) -> Option<Self> {
        if self.0 & (QUEUED | CLOSED) == 0 || cost == 0 && !self.is_closed() { self.given(cost) } else { None }
    }

    /// Returns the word after slots were given to the call at the turn, if they are free.
    #[inline]
    pub(super) const fn given(self, cost: u32) -> Option<Self> {
        if cost == 0 || self.free() >= cost as i64 { Some(Self(self.0.wrapping_sub(slots(cost as u64)))) } else { None }
    }

    /// A call waits.
    pub(super) const fn queued(self) -> Self {
        Self(self.0 | QUEUED)
    }
}

/// Returns a number of slots as an addend for a word.
#[inline]
pub(super) const fn slots(count: u64) -> u64 {
    count << FLAG_BITS
}

pub(super) const QUEUED: u64 = 1;
pub(super) const CLOSED: u64 = 2;
const FLAG_BITS: u32 = 2;
