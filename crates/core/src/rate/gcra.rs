use std::{fmt, sync::PoisonError};

use super::{Denied, Quota, bucket::Bucket, scale::Scale};
use crate::{
    line::Line,
    sync::{AtomicU64, Mutex, Ordering, fence},
    time::Instant,
};

/// A quota's bucket that many may draw from at once, in one word.
pub(super) struct Gcra {
    word: Line<AtomicU64>,
    /// What the word goes by; which of them, it says itself. One is written before the word that names it is swapped in,
    /// and again only seven changes later.
    terms: Line<[Terms; TERMS]>,
    /// Held by whoever writes the terms.
    writing: Mutex<()>,
}

/// 3 bits that name the terms, 60 bits of drawn units, and a bit that says that somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word(u64);

/// A quota, and the instant at which its bucket's time began.
#[derive(Default)]
struct Terms {
    base: AtomicU64,
    mul: AtomicU64,
    /// The burst, and in the upper half the two numbers of bits.
    shape: AtomicU64,
    inv: AtomicU64,
    count: AtomicU64,
    period: AtomicU64,
}

/// The terms as a check needs them.
#[derive(Clone, Copy)]
struct Hot {
    base: u64,
    scale: Scale,
    burst: u32,
}

impl Gcra {
    pub(super) fn new(quota: &Quota, now: Instant) -> Self {
        let gcra = Self {
            word: Line(AtomicU64::new(Word::new(0, quota.scale().produced(START), false).0)),
            terms: Line(Default::default()),
            writing: Mutex::new(()),
        };
        gcra.terms[0].write(quota, base_at(now));
        gcra
    }

    /// Draws `cost` permits, if they are there and nobody waits for them.
    #[inline]
    pub(super) fn try_take(&self, cost: u32, now: Instant) -> Result<(), Denied> {
        let word = self.load();
        if word.is_queued() {
            return Err(Denied::Queued);
        }
        self.take_from(word, cost, now, false)
    }

    /// Draws `cost` permits for whose turn it is; or says, in one step with finding too few, that somebody waits.
    pub(super) fn take_or_queue(&self, cost: u32, now: Instant) -> Result<(), Denied> {
        self.take_from(self.load(), cost, now, true)
    }

    #[inline]
    fn take_from(&self, mut word: Word, cost: u32, now: Instant, as_next: bool) -> Result<(), Denied> {
        loop {
            let terms = self.terms(word);
            let hot = terms.hot();
            let nanos = now.as_nanos().wrapping_sub(hot.base);
            if nanos >= Scale::RANGE || cost > hot.burst {
                return self.deny_oddly(word, cost, now, as_next);
            }
            let bucket = Bucket::with_scale(hot.scale, hot.burst, word.drawn());
            let swapped = match bucket.draw(cost, nanos) {
                Ok(drawn) => match self.swap(word, word.with(drawn)) {
                    Ok(()) => return Ok(()),
                    swapped => swapped,
                },
                Err(missing) => {
                    if bucket.ahead(nanos) > SKEW {
                        return self.deny_oddly(word, cost, now, as_next);
                    }
                    let wait = wait_until(terms.whole().scale.reached(missing), nanos);
                    let said =
                        if as_next && !word.is_queued() { self.swap(word, word.queued()) } else { self.is_still(word) };
                    match said {
                        Ok(()) => return Err(Denied::Exhausted { wait }),
                        swapped => swapped,
                    }
                }
            };
            // Somebody else was here.
            match swapped {
                Err(found) if found.is_queued() && !as_next => return Err(Denied::Queued),
                Err(found) => word = found,
                Ok(()) => {}
            }
        }
    }

    /// What is not the way of a call: a cost that is too large, a clock that has stepped back, and the end of time.
    #[cold]
    fn deny_oddly(&self, word: Word, cost: u32, now: Instant, as_next: bool) -> Result<(), Denied> {
        let terms = self.terms(word).hot();
        let nanos = now.as_nanos().wrapping_sub(terms.base);
        if nanos >= Scale::RANGE {
            self.begin_anew(now);
        } else if cost > terms.burst {
            if self.is_still(word).is_ok() {
                return Err(Denied::TooLarge);
            }
        } else {
            // The clock has stepped back. To keep to what was drawn would be to wait until it has made that up.
            let emptied = Bucket::with_scale(terms.scale, terms.burst, word.drawn()).emptied(nanos);
            let _ = self.swap(word, word.with(emptied));
        }
        if as_next { self.take_or_queue(cost, now) } else { self.try_take(cost, now) }
    }

    /// How long it is until `cost` permits, of any number, can have passed.
    pub(super) fn wait_for(&self, cost: u64, now: Instant) -> u64 {
        self.read(now, |bucket, scale, nanos| {
            let due = bucket.due(cost, nanos);
            if due <= scale.produced(nanos) { 0 } else { wait_until(scale.reached(due), nanos) }
        })
    }

    /// Whole permits that are there.
    pub(super) fn available(&self, now: Instant) -> u32 {
        self.read(now, |bucket, _, nanos| bucket.available(nanos))
    }

    /// Puts permits back that were drawn and not used.
    pub(super) fn refund(&self, cost: u32) {
        let mut word = self.load();
        loop {
            let units = self.terms(word).hot().scale.units(cost);
            match self.swap(word, word.with(word.drawn().saturating_sub(units))) {
                Ok(()) => return,
                Err(found) => word = found,
            }
        }
    }

    /// What a refusal says of the quota: its count, its period in nanoseconds, and its burst.
    // Not looked at twice: it is for people.
    #[inline]
    pub(super) fn numbers(&self) -> (u32, u64, u32) {
        let terms = self.terms(self.load());
        let (count, period) = (terms.count.load(Ordering::Relaxed), terms.period.load(Ordering::Relaxed));
        (count as u32, period, terms.hot().burst)
    }

    pub(super) fn quota(&self) -> Quota {
        loop {
            let word = self.load();
            let quota = self.terms(word).quota();
            if self.is_still(word).is_ok() {
                return quota;
            }
        }
    }

    pub(super) fn is_queued(&self) -> bool {
        self.load().is_queued()
    }

    /// Nobody waits any more. To be called under the lock of the queue.
    pub(super) fn unqueue(&self) {
        self.word.fetch_and(!QUEUED, Ordering::AcqRel);
    }

    /// Goes by another quota from now on; the former one. What was drawn stays drawn.
    pub(super) fn set_quota(&self, quota: &Quota, now: Instant) -> Quota {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let former = self.quota();
        self.write(quota, now);
        former
    }

    /// Lets the bucket's time begin anew, as it has run out.
    #[cold]
    fn begin_anew(&self, now: Instant) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let quota = self.quota();
        let base = self.terms(self.load()).hot().base;
        // Another one may have done it meanwhile.
        if now.as_nanos().wrapping_sub(base) >= Scale::RANGE {
            self.write(&quota, now);
        }
    }

    fn write(&self, quota: &Quota, now: Instant) {
        let mut word = self.load();
        let former = self.terms(word).whole();
        let next = (word.terms() + 1) % TERMS;
        // Whoever still reads these terms has seen a word that names them, and finds another one when it looks again.
        fence(Ordering::Release);
        self.terms[next].write(quota, base_at(now));
        loop {
            let drawn = carry(former, word.drawn(), quota, now);
            match self.swap(word, Word::new(next, drawn, word.is_queued())) {
                Ok(()) => return,
                Err(found) => word = found,
            }
        }
    }

    // ----- helpers -----

    /// What a reading says whose terms nobody has changed meanwhile.
    fn read<T>(&self, now: Instant, read: impl Fn(Bucket, Scale, u64) -> T) -> T {
        loop {
            let word = self.load();
            let Hot { base, scale, burst } = self.terms(word).whole();
            let nanos = now.as_nanos().wrapping_sub(base);
            if nanos >= Scale::RANGE {
                self.begin_anew(now);
                continue;
            }
            let value = read(Bucket::with_scale(scale, burst, word.drawn()), scale, nanos);
            if self.is_still(word).is_ok() {
                return value;
            }
        }
    }

    #[inline]
    fn load(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    #[inline]
    fn swap(&self, from: Word, to: Word) -> Result<(), Word> {
        self.word.compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Acquire).map(drop).map_err(Word)
    }

    /// Whether the terms that `word` names are the ones that were read; if not, what it is now.
    #[inline]
    fn is_still(&self, word: Word) -> Result<(), Word> {
        fence(Ordering::Acquire);
        let found = self.load();
        if found.terms() == word.terms() { Ok(()) } else { Err(found) }
    }

    #[inline]
    fn terms(&self, word: Word) -> &Terms {
        &self.terms[word.terms()]
    }
}

impl fmt::Debug for Gcra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gcra").field("quota", &self.quota()).finish_non_exhaustive()
    }
}

// ===== impl Word, Terms =====

impl Word {
    #[inline]
    const fn new(terms: usize, drawn: u64, queued: bool) -> Self {
        Self((terms as u64) << 61 | drawn << 1 | queued as u64)
    }

    #[inline]
    const fn terms(self) -> usize {
        (self.0 >> 61) as usize
    }

    #[inline]
    const fn drawn(self) -> u64 {
        self.0 << 3 >> 4
    }

    #[inline]
    const fn is_queued(self) -> bool {
        self.0 & QUEUED != 0
    }

    #[inline]
    const fn with(self, drawn: u64) -> Self {
        Self::new(self.terms(), drawn, self.is_queued())
    }

    const fn queued(self) -> Self {
        Self(self.0 | QUEUED)
    }
}

impl Terms {
    #[inline]
    fn hot(&self) -> Hot {
        let shape = self.shape.load(Ordering::Relaxed);
        let scale =
            Scale { mul: self.mul.load(Ordering::Relaxed), inv: 0, inv_bits: 0, unit_bits: (shape >> 32) as u8 };
        Hot { base: self.base.load(Ordering::Relaxed), scale, burst: shape as u32 }
    }

    #[inline]
    fn whole(&self) -> Hot {
        let mut hot = self.hot();
        hot.scale.inv = self.inv.load(Ordering::Relaxed);
        hot.scale.inv_bits = (self.shape.load(Ordering::Relaxed) >> 40) as u8;
        hot
    }

    fn quota(&self) -> Quota {
        let Hot { scale, burst, .. } = self.whole();
        let (count, period) = (self.count.load(Ordering::Relaxed), self.period.load(Ordering::Relaxed));
        Quota::from_parts(count as u32, period, burst, scale)
    }

    fn write(&self, quota: &Quota, base: u64) {
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

/// From `nanos` until then; `u64::MAX` for never.
#[inline]
fn wait_until(reached: u64, nanos: u64) -> u64 {
    if reached == u64::MAX { u64::MAX } else { reached.saturating_sub(nanos) }
}

/// What is drawn under another quota whose bucket begins now.
fn carry(former: Hot, mut drawn: u64, quota: &Quota, now: Instant) -> u64 {
    let mut nanos = now.as_nanos().wrapping_sub(former.base);
    if nanos > u64::MAX / 2 {
        // The clock has stepped back by more than there is room for: empty.
        nanos = 0;
        drawn = Bucket::with_scale(former.scale, former.burst, drawn).emptied(nanos);
    }
    while nanos >= Scale::RANGE {
        // Idle for years: moved towards now by some of them at a time.
        nanos -= Scale::RANGE / 2;
        drawn = drawn.saturating_sub(former.scale.produced(Scale::RANGE / 2));
    }
    Bucket::with_scale(former.scale, former.burst, drawn).poured_into(nanos, quota, START)
}

/// The bucket's time is `START` now, so that the clock may step back by a year.
fn base_at(now: Instant) -> u64 {
    now.as_nanos().wrapping_sub(START)
}

const START: u64 = Scale::RANGE / 4;
const QUEUED: u64 = 1;
const TERMS: usize = 8;

/// Two threads may read one clock in one order and come here in the other; what they may differ by is not taken for a
/// step back, as that would let in what was drawn in between. To wait it out takes no longer. In units, of which a
/// nanosecond makes at most two: so it is half a millisecond or more.
const SKEW: u64 = 1_000_000;
