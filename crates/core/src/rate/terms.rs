use super::{Quota, scale::Scale};
use crate::sync::{AtomicU64, Ordering};

/// 3 bits that name the terms, 60 bits of drawn units, and a bit that says that somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RateWord(pub(super) u64);

/// A quota, and the instant at which its bucket's time began.
#[derive(Default)]
pub(super) struct QuotaTerms {
    base: AtomicU64,
    mul: AtomicU64,
    /// The burst, and in the upper half the two numbers of bits.
    shape: AtomicU64,
    inv: AtomicU64,
    pub(super) count: AtomicU64,
    pub(super) period: AtomicU64,
}

/// The terms as a check needs them.
#[derive(Clone, Copy)]
pub(super) struct CheckTerms {
    pub(super) base: u64,
    pub(super) scale: Scale,
    pub(super) burst: u32,
}

// ===== impl Word, Terms =====

impl RateWord {
    pub(super) const QUEUED: u64 = 1;

    #[inline]
    pub(super) const fn new(terms: usize, drawn: u64, queued: bool) -> Self {
        Self((terms as u64) << 61 | drawn << 1 | queued as u64)
    }

    #[inline]
    pub(super) const fn terms(self) -> usize {
        (self.0 >> 61) as usize
    }

    #[inline]
    pub(super) const fn drawn(self) -> u64 {
        self.0 << 3 >> 4
    }

    #[inline]
    pub(super) const fn is_queued(self) -> bool {
        self.0 & Self::QUEUED != 0
    }

    #[inline]
    pub(super) const fn with(self, drawn: u64) -> Self {
        Self::new(self.terms(), drawn, self.is_queued())
    }

    pub(super) const fn queued(self) -> Self {
        Self(self.0 | Self::QUEUED)
    }
}

impl QuotaTerms {
    #[inline]
    pub(super) fn hot(&self) -> CheckTerms {
        let shape = self.shape.load(Ordering::Relaxed);
        let scale =
            Scale { mul: self.mul.load(Ordering::Relaxed), inv: 0, inv_bits: 0, unit_bits: (shape >> 32) as u8 };
        CheckTerms { base: self.base.load(Ordering::Relaxed), scale, burst: shape as u32 }
    }

    #[inline]
    pub(super) fn whole(&self) -> CheckTerms {
        let mut hot = self.hot();
        hot.scale.inv = self.inv.load(Ordering::Relaxed);
        hot.scale.inv_bits = (self.shape.load(Ordering::Relaxed) >> 40) as u8;
        hot
    }

    pub(super) fn quota(&self) -> Quota {
        let CheckTerms { scale, burst, .. } = self.whole();
        let (count, period) = (self.count.load(Ordering::Relaxed), self.period.load(Ordering::Relaxed));
        Quota::from_parts(count as u32, period, burst, scale)
    }

    pub(super) fn write(&self, quota: &Quota, base: u64) {
        let Scale { mul, inv, inv_bits, unit_bits } = quota.scale();
        let shape = u64::from(inv_bits) << 40 | u64::from(unit_bits) << 32 | u64::from(quota.max_burst());
        self.base.store(base, Ordering::Relaxed);
        self.mul.store(mul, Ordering::Relaxed);
        self.shape.store(shape, Ordering::Relaxed);
        self.inv.store(inv, Ordering::Relaxed);
        self.count.store(quota.count().into(), Ordering::Relaxed);
        self.period.store(quota.period_nanos(), Ordering::Relaxed);
    }
}

/// As many as 3 bits can name.
pub(super) const TERMS: usize = 8;
