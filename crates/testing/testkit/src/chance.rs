//! Numbers that look random, and are the same in each run.

/// The generator of Knuth's MMIX. Its upper bits are the good ones.
#[derive(Debug, Clone)]
pub struct Chance(pub u64);

impl Chance {
    /// Returns the next number of 31 bits.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// Returns a number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.number() as usize % bound
    }
}
