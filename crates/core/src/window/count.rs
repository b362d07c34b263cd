use std::num::NonZeroU32;

use super::{Record, Tally, ring::Ring};
use crate::{
    line::CacheAligned,
    sync::{AtomicU64, Ordering},
};

/// The last n calls: a ring of bits, and a word with the position in the ring and the number of set bits.
///
/// A result takes its place in the ring with a compare-and-swap of the word, and writes its bit only if the bit changes. A thread
/// that sleeps between the two steps for a whole lap writes late. A thread that then finds another bit than it expected corrects
/// the count. So at rest the count is the number of set bits.
#[derive(Debug)]
pub(crate) struct CountWindow {
    // Boxed, because a rule holds a window of one kind or the other, and the other kind is small.
    head: Box<CacheAligned<AtomicU64>>,
    ring: Ring,
    size: u64,
    /// The last position before the position returns to `size`.
    last_position: u64,
}

/// The head, unpacked: the generation (22 bits), the position (21) and the count of bad calls (21).
#[derive(Debug, Clone, Copy)]
struct CountHead {
    generation: u64,
    /// Below `size` while the ring fills for the first time; from `size` to twice `size` when the ring is full.
    position: u64,
    /// Modulo 2^21, because late writers can take the count below zero for a moment.
    bad: u64,
}

impl CountWindow {
    pub(crate) fn new(calls: NonZeroU32) -> Self {
        let ring = Ring::new(calls.get() as usize);
        let size = u64::from(calls.get());
        Self { head: Box::new(CacheAligned(AtomicU64::new(0))), ring, size, last_position: 2 * size - 1 }
    }

    /// Records a good call, if no call in the window is bad. It then only moves the position. Otherwise does nothing and returns
    /// `false`.
    // Branches and no arithmetic: the processor predicts them, and need not wait for the head before it swaps the head.
    #[inline]
    pub(crate) fn take_good(&self, generation: u32, current: impl Fn() -> bool) -> bool {
        let word = self.head.load(Ordering::Acquire);
        // What is left without the generation is the position alone, if the generation is this one and no call is bad.
        let position = word ^ (u64::from(generation) & GENERATIONS) << 42;
        position & !(COUNTS << 21) == 0
            && position != self.last_position << 21
            && current()
            && self.head.compare_exchange(word, word + ONE_PLACE, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    pub(crate) fn record(&self, record: Record, current: impl Fn() -> bool) -> Option<Tally> {
        let Record { generation, bad } = record;
        loop {
            let word = self.head.load(Ordering::Acquire);
            let head = CountHead::unpack(word, generation);
            let slot = if head.position < self.size { head.position } else { head.position - self.size } as usize;
            let old = head.position >= self.size && self.ring.get(generation, slot);
            // After the loads: a head that a later generation wrote is never taken for an older one's.
            if !current() {
                return None;
            }
            let next = head.turned(self.size, i64::from(bad) - i64::from(old));
            if self.head.compare_exchange(word, next.pack(), Ordering::AcqRel, Ordering::Acquire).is_err() {
                continue;
            }
            if bad != old {
                self.write(generation, slot, bad, old, current);
            }
            let tally = next.tally(self.size);
            return (tally.bad > 0).then_some(tally);
        }
    }

    /// Removes the counts of an older generation, before its number repeats.
    pub(crate) fn forget(&self, generation: u32, current: impl Fn() -> bool) {
        let word = self.head.load(Ordering::Acquire);
        if word >> 42 != u64::from(generation) & GENERATIONS && current() {
            let far = u64::from(generation.wrapping_add(FAR)) & GENERATIONS;
            // If this fails, the window is in use, by this generation or a later one.
            let _ = self.head.compare_exchange(word, far << 42, Ordering::AcqRel, Ordering::Acquire);
        }
    }

    pub(crate) fn tally(&self, generation: u32) -> Tally {
        CountHead::unpack(self.head.load(Ordering::Acquire), generation).tally(self.size)
    }

    fn write(&self, generation: u32, slot: usize, bad: bool, reckoned: bool, current: impl Fn() -> bool) {
        let Some(found) = self.ring.set(generation, slot, bad, &current) else { return };
        if found == reckoned {
            return;
        }
        loop {
            let word = self.head.load(Ordering::Acquire);
            if !current() {
                return;
            }
            let head = CountHead::unpack(word, generation).with_more(i64::from(reckoned) - i64::from(found));
            if self.head.compare_exchange(word, head.pack(), Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return;
            }
        }
    }
}

// ===== impl Head =====

impl CountHead {
    /// Returns the head in `word`, or a new head if `word` is of another generation.
    fn unpack(word: u64, generation: u32) -> Self {
        let generation = u64::from(generation) & GENERATIONS;
        if word >> 42 == generation {
            Self { generation, position: word >> 21 & COUNTS, bad: word & COUNTS }
        } else {
            Self { generation, position: 0, bad: 0 }
        }
    }

    fn pack(self) -> u64 {
        self.generation << 42 | self.position << 21 | self.bad
    }

    /// Returns the head at the next position, with `more` bad calls.
    fn turned(self, size: u64, more: i64) -> Self {
        let position = if self.position == 2 * size - 1 { size } else { self.position + 1 };
        Self { position, ..self }.with_more(more)
    }

    fn with_more(self, more: i64) -> Self {
        Self { bad: self.bad.wrapping_add_signed(more) & COUNTS, ..self }
    }

    fn tally(self, size: u64) -> Tally {
        let calls = self.position.min(size);
        // A number above the size means a count below zero.
        let bad = if self.bad > size { 0 } else { self.bad.min(calls) };
        Tally { calls, bad }
    }
}

const GENERATIONS: u64 = (1 << 22) - 1;
/// Half of the generations that a head tells apart.
const FAR: u32 = 1 << 21;
const COUNTS: u64 = (1 << 21) - 1;
const ONE_PLACE: u64 = 1 << 21;
