/// The state of the slots, and what can become of it: pure functions over a `Copy` value that is its own packed form.
///
/// Bit 0 says that somebody waits, bit 1 that it is closed, and the other 62 are the free slots as a signed number:
/// below zero after the limit was lowered by more than were free, until as many calls have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlotWord(u64);

impl SlotWord {
    /// All slots are free, and nobody waits.
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

    /// A newcomer is let in: if there is room, and nobody waits. What costs nothing needs no room.
    #[inline]
    pub(super) const fn entered(self, cost: u32) -> Option<Self> {
        if self.0 & (QUEUED | CLOSED) == 0 || cost == 0 && !self.is_closed() { self.given(cost) } else { None }
    }

    /// Slots are given to whose turn it is, if so many are free.
    #[inline]
    pub(super) const fn given(self, cost: u32) -> Option<Self> {
        if cost == 0 || self.free() >= cost as i64 { Some(Self(self.0.wrapping_sub(slots(cost as u64)))) } else { None }
    }

    /// Somebody waits.
    pub(super) const fn queued(self) -> Self {
        Self(self.0 | QUEUED)
    }
}

/// So many slots, as what to add to a word.
#[inline]
pub(super) const fn slots(count: u64) -> u64 {
    count << FLAG_BITS
}

pub(super) const QUEUED: u64 = 1;
pub(super) const CLOSED: u64 = 2;
const FLAG_BITS: u32 = 2;
