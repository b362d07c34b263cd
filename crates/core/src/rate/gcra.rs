use std::{fmt, sync::PoisonError};

use super::{
    Denied, Quota,
    bucket::{Bucket, SKEW, START, base_at, wait_until},
    scale::Scale,
    terms::{CheckTerms, QuotaTerms, RateWord, TERMS},
};
use crate::{
    line::CacheAligned,
    sync::{AtomicU64, Mutex, Ordering, fence},
    time::Instant,
};

/// A quota's bucket that many may draw from at once, in one word.
pub(super) struct Gcra {
    word: CacheAligned<AtomicU64>,
    /// What the word goes by; which of them, it says itself. One is written before the word that names it is swapped in,
    /// and again only seven changes later.
    terms: CacheAligned<[QuotaTerms; TERMS]>,
    /// Which of them the word names, most likely: so that they are read, and what they have produced is reckoned, while the
    /// word is still on its way.
    likely: AtomicU64,
    /// Held by whoever writes the terms.
    writing: Mutex<()>,
}

impl Gcra {
    pub(super) fn new(quota: &Quota, now: Instant) -> Self {
        let gcra = Self {
            word: CacheAligned(AtomicU64::new(RateWord::new(0, quota.scale().produced(START), false).0)),
            terms: CacheAligned(Default::default()),
            likely: AtomicU64::new(0),
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
        self.take_from(word, cost, now)
    }

    /// Draws `cost` permits for a caller that waited, or that comes when no other waits: as of when its turn came, at most
    /// `lag` nanoseconds ago. As of when. With too few it says, in one step, that a caller waits.
    pub(super) fn take_late(&self, cost: u32, now: Instant, lag: u64) -> Result<Instant, Denied> {
        loop {
            let word = self.load();
            let CheckTerms { base, scale, burst } = self.terms(word).whole();
            let nanos = now.as_nanos().wrapping_sub(base);
            if nanos >= Scale::RANGE {
                self.begin_anew(now);
                continue;
            }
            let bucket = Bucket::with_scale(scale, burst, word.drawn());
            if cost > burst {
                if self.is_still(word).is_ok() {
                    return Err(Denied::TooLarge);
                }
            } else if bucket.ahead(nanos) > SKEW {
                let _ = self.swap(word, word.with(bucket.emptied(nanos)));
            } else {
                match bucket.draw_late(cost, nanos, lag) {
                    Ok((drawn, at)) if self.swap(word, word.with(drawn)).is_ok() => {
                        return Ok(Instant::from_nanos(base.wrapping_add(at)));
                    }
                    Err(missing) if self.swap(word, word.queued()).is_ok() => {
                        return Err(Denied::Exhausted { wait: wait_until(scale.reached(missing), nanos) });
                    }
                    _ => {}
                }
            }
        }
    }

    /// When the turn of a caller that waits for `cost` permits came, or will come.
    pub(super) fn turn(&self, cost: u32, now: Instant) -> Instant {
        let (base, turn) = self.read(now, |bucket, base, _, _| (base, bucket.turn(cost)));
        if turn == u64::MAX { Instant::MAX } else { Instant::from_nanos(base.wrapping_add(turn)) }
    }

    /// Whether the bucket was full at `at`, as nothing was drawn from it since.
    pub(super) fn was_full(&self, at: Instant) -> bool {
        self.read(at, |bucket, _, _, nanos| bucket.is_full(nanos))
    }

    #[inline]
    fn take_from(&self, mut word: RateWord, cost: u32, now: Instant) -> Result<(), Denied> {
        loop {
            let likely = self.likely.load(Ordering::Relaxed) as usize % TERMS;
            let terms = &self.terms[likely];
            let hot = terms.hot();
            let nanos = now.as_nanos().wrapping_sub(hot.base);
            if likely != word.terms() {
                word = self.look_again();
                if word.is_queued() {
                    return Err(Denied::Queued);
                }
                continue;
            }
            if nanos >= Scale::RANGE || cost > hot.burst {
                return self.deny_after_clock_step(word, cost, now);
            }
            let bucket = Bucket::with_scale(hot.scale, hot.burst, word.drawn());
            let swapped = match bucket.draw(cost, nanos) {
                Ok(drawn) => match self.swap(word, word.with(drawn)) {
                    Ok(()) => return Ok(()),
                    swapped => swapped,
                },
                Err(missing) => {
                    if bucket.ahead(nanos) > SKEW {
                        return self.deny_after_clock_step(word, cost, now);
                    }
                    let wait = wait_until(terms.whole().scale.reached(missing), nanos);
                    match self.is_still(word) {
                        Ok(()) => return Err(Denied::Exhausted { wait }),
                        swapped => swapped,
                    }
                }
            };
            // Somebody else was here.
            match swapped {
                Err(found) if found.is_queued() => return Err(Denied::Queued),
                Err(found) => word = found,
                Ok(()) => {}
            }
        }
    }

    /// What the word is after a change of the terms.
    #[cold]
    fn look_again(&self) -> RateWord {
        let word = self.load();
        self.likely.store(word.terms() as u64, Ordering::Relaxed);
        word
    }

    /// What is not the way of a call: a cost that is too large, a clock that has stepped back, and the end of time.
    #[cold]
    fn deny_after_clock_step(&self, word: RateWord, cost: u32, now: Instant) -> Result<(), Denied> {
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
        self.try_take(cost, now)
    }

    /// How long it is until `cost` permits, of any number, can have passed.
    pub(super) fn wait_for(&self, cost: u64, now: Instant) -> u64 {
        self.read(now, |bucket, _, scale, nanos| {
            let due = bucket.due(cost, nanos);
            if due <= scale.produced(nanos) { 0 } else { wait_until(scale.reached(due), nanos) }
        })
    }

    /// Whole permits that are there.
    pub(super) fn available(&self, now: Instant) -> u32 {
        self.read(now, |bucket, _, _, nanos| bucket.available(nanos))
    }

    /// Puts permits back that were drawn at `at` and not used, but for what has been produced since: if the bucket was full
    /// meanwhile, that made up for them, and they must not be there twice.
    pub(super) fn refund(&self, cost: u32, at: Instant, now: Instant) {
        let mut word = self.load();
        loop {
            let CheckTerms { base, scale, .. } = self.terms(word).hot();
            let nanos = |time: Instant| time.as_nanos().wrapping_sub(base);
            let since = match nanos(now) < Scale::RANGE && nanos(at) < Scale::RANGE {
                true => scale.produced(nanos(now)).saturating_sub(scale.produced(nanos(at))),
                false => u64::MAX,
            };
            let units = scale.units(cost).saturating_sub(since);
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
        self.word.fetch_and(!RateWord::QUEUED, Ordering::AcqRel);
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
            let bucket = Bucket::with_scale(former.scale, former.burst, word.drawn());
            let drawn = bucket.carried_over(now.as_nanos().wrapping_sub(former.base), quota);
            match self.swap(word, RateWord::new(next, drawn, word.is_queued())) {
                Ok(()) => return,
                Err(found) => word = found,
            }
        }
    }

    // ----- helpers -----

    /// What a reading says whose terms nobody has changed meanwhile.
    fn read<T>(&self, now: Instant, read: impl Fn(Bucket, u64, Scale, u64) -> T) -> T {
        loop {
            let word = self.load();
            let CheckTerms { base, scale, burst } = self.terms(word).whole();
            let nanos = now.as_nanos().wrapping_sub(base);
            if nanos >= Scale::RANGE {
                self.begin_anew(now);
                continue;
            }
            let bucket = Bucket::with_scale(scale, burst, word.drawn());
            if bucket.ahead(nanos) > SKEW {
                // As in a refusal: whoever only asks must not be told for ever to come when the clock has made that up.
                let _ = self.swap(word, word.with(bucket.emptied(nanos)));
                continue;
            }
            let value = read(bucket, base, scale, nanos);
            if self.is_still(word).is_ok() {
                return value;
            }
        }
    }

    #[inline]
    fn load(&self) -> RateWord {
        RateWord(self.word.load(Ordering::Acquire))
    }

    #[inline]
    fn swap(&self, from: RateWord, to: RateWord) -> Result<(), RateWord> {
        self.word.compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Acquire).map(drop).map_err(RateWord)
    }

    /// Whether the terms that `word` names are the ones that were read; if not, what it is now.
    #[inline]
    fn is_still(&self, word: RateWord) -> Result<(), RateWord> {
        fence(Ordering::Acquire);
        let found = self.load();
        if found.terms() == word.terms() { Ok(()) } else { Err(found) }
    }

    #[inline]
    fn terms(&self, word: RateWord) -> &QuotaTerms {
        &self.terms[word.terms()]
    }
}

impl fmt::Debug for Gcra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gcra").field("quota", &self.quota()).finish_non_exhaustive()
    }
}
