use crate::sync::{AtomicU64, Ordering};

/// A ring of bits with a generation each. A bit of an older generation reads as unset.
#[derive(Debug)]
pub(super) struct Ring {
    /// The generation in the upper half, 32 bits in the lower.
    words: Box<[AtomicU64]>,
}

impl Ring {
    pub(super) fn new(bits: usize) -> Self {
        Self { words: (0..bits.div_ceil(32)).map(|_| AtomicU64::new(0)).collect() }
    }

    #[inline]
    pub(super) fn get(&self, generation: u32, bit: usize) -> bool {
        let word = self.words[bit / 32].load(Ordering::Acquire);
        word >> 32 == u64::from(generation) && word >> (bit % 32) & 1 == 1
    }

    /// Writes a bit and returns its former value; `None` if `current` says that the generation is over.
    pub(super) fn set(&self, generation: u32, bit: usize, value: bool, current: impl Fn() -> bool) -> Option<bool> {
        let cell = &self.words[bit / 32];
        let mask = 1 << (bit % 32);
        loop {
            let word = cell.load(Ordering::Acquire);
            // Checked after the load: if the word were of a later generation, this check would see this generation.
            if !current() {
                return None;
            }
            let bits = if word >> 32 == u64::from(generation) { word } else { u64::from(generation) << 32 };
            let next = if value { bits | mask } else { bits & !mask };
            if next == word || cell.compare_exchange(word, next, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return Some(bits & mask != 0);
            }
        }
    }
}
