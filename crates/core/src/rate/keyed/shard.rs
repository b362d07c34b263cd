use std::{collections::BTreeMap, mem, num::NonZeroU64};

use super::table::{KeyedWord, Table};
use crate::{
    rate::{
        Quota, Reason, Refusal,
        bucket::{Bucket, SKEW, START, base_at, wait_until},
        scale::Scale,
    },
    time::Instant,
};

/// A part of the keys, which lies under one lock.
///
/// A word is 60 bits of drawn units, and above them the number of the quota they are counted by, from 1 on. So a bucket
/// can be looked at without asking anybody for its key's quota, and poured over when that is another one.
#[derive(Debug)]
pub(super) struct Shard<K> {
    pub(super) table: Table<K>,
    /// The quotas that words name. Seldom more than a few are in use.
    quotas: Vec<Quota>,
    /// The quotas of the keys whose words name none, by the keys' hashes. Two keys of one hash share an entry, and the level of
    /// one of them may be rounded.
    others: BTreeMap<u64, Quota>,
    /// The instant at which the buckets' time begins.
    base: u64,
    /// Where the search for idle keys goes on.
    hand: usize,
    uses: u32,
    /// How often a quota had no number since one was last looked for.
    learning: u32,
}

/// Keys that were forgotten: to be dropped after the lock, as to do so is to run someone's code.
pub(super) type Gone<K> = [Option<K>; SWEEP + 1];

impl<K> Shard<K> {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            table: Table::new(),
            quotas: Vec::new(),
            others: BTreeMap::new(),
            base: base_at(now),
            hand: 0,
            uses: 0,
            learning: u32::MAX,
        }
    }

    /// The bucket's time, which begins anew when it has run out.
    pub(super) fn nanos_at(&mut self, now: Instant, hash_of: impl Fn(&K) -> u64) -> u64 {
        let nanos = now.as_nanos().wrapping_sub(self.base);
        if nanos < Scale::RANGE { nanos } else { self.begin_anew(nanos, now, hash_of) }
    }

    /// The number by which words name `quota`.
    #[inline]
    pub(super) fn number_of(&mut self, quota: &Quota) -> u64 {
        match self.quotas.iter().position(|known| known == quota) {
            Some(index) => index as u64 + 1,
            None => self.learn(*quota),
        }
    }

    #[cold]
    fn learn(&mut self, quota: Quota) -> u64 {
        if self.quotas.len() < MOST_QUOTAS {
            self.quotas.push(quota);
            return self.quotas.len() as u64;
        }
        match self.number_out_of_use() {
            Some(index) => {
                self.quotas[index] = quota;
                index as u64 + 1
            }
            // The last number is for all the others: their quotas are kept by key.
            None => OTHERS,
        }
    }

    /// A number that no word bears any more. Looked for seldom, as all words have to be looked at.
    fn number_out_of_use(&mut self) -> Option<usize> {
        if (self.learning as usize) < self.table.len() {
            self.learning = self.learning.saturating_add(1);
            return None;
        }
        self.learning = 0;
        let used = self.table.entries_mut().fold(0_u32, |used, entry| used | 1 << (entry.word.get() >> DRAWN_BITS));
        (0..MOST_QUOTAS).find(|index| used & (1 << (index + 1)) == 0)
    }

    /// Draws from the bucket of the key in that slot.
    #[inline]
    pub(super) fn draw(
        &mut self,
        index: usize,
        hash: u64,
        quota: &Quota,
        cost: u32,
        nanos: u64,
    ) -> Result<(), Refusal> {
        let number = self.number_of(quota);
        let word = self.table.at(index).map_or(0, |entry| entry.word.get());
        let mut drawn = word & DRAWN;
        // A key that is kept apart may have had another quota, though the number is the same.
        if word >> DRAWN_BITS != number || number == OTHERS {
            drawn = self.poured(word, hash, quota, nanos);
            self.keep_apart(word >> DRAWN_BITS, number, hash, quota);
        }
        let bucket = Bucket::new(quota, drawn);
        let (drawn, result) = match bucket.draw(cost, nanos) {
            Ok(drawn) => (drawn, Ok(())),
            Err(missing) if bucket.ahead(nanos) > SKEW => {
                // The clock has stepped back. To keep to what was drawn would be to wait until it has made that up.
                let _ = missing;
                let drawn = bucket.emptied(nanos);
                (drawn, Err(Bucket::new(quota, drawn).draw(cost, nanos).err().unwrap_or(drawn)))
            }
            Err(missing) => (drawn, Err(missing)),
        };
        if let Some(entry) = self.table.at_mut(index) {
            entry.word = word_of(number, drawn);
        }
        result.map_err(|missing| refusal(quota, cost, missing, nanos))
    }

    /// What is drawn by `quota` from a bucket that was counted by another one.
    pub(super) fn poured(&self, word: u64, hash: u64, quota: &Quota, nanos: u64) -> u64 {
        match self.quota_of(word, hash) {
            Some(former) if former != quota => Bucket::new(former, word & DRAWN).poured_into(nanos, quota, nanos),
            _ => word & DRAWN,
        }
    }

    /// By which quota the word of the key with that hash is counted.
    fn quota_of(&self, word: u64, hash: u64) -> Option<&Quota> {
        match word >> DRAWN_BITS {
            OTHERS => self.others.get(&hash),
            number => self.quotas.get(number as usize - 1),
        }
    }

    /// Keeps the quota of a key whose word names none, and forgets it when the word names one or the key goes.
    #[cold]
    fn keep_apart(&mut self, from: u64, to: u64, hash: u64, quota: &Quota) {
        if to == OTHERS {
            self.others.insert(hash, *quota);
        } else if from == OTHERS {
            self.others.remove(&hash);
        }
    }

    /// Takes a key out.
    pub(super) fn remove(&mut self, index: usize, hash_of: impl Fn(&K) -> u64) -> Option<K> {
        let hash = self.table.at(index).filter(|entry| entry.word.get() >> DRAWN_BITS == OTHERS);
        if let Some(hash) = hash.map(|entry| hash_of(&entry.key)) {
            self.others.remove(&hash);
        }
        self.table.remove(index, hash_of).map(|entry| entry.key)
    }

    /// A new key's bucket, from which `cost` has been drawn.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        key: K,
        quota: &Quota,
        cost: u32,
        nanos: u64,
        hash_of: impl Fn(&K) -> u64,
    ) {
        let number = self.number_of(quota);
        self.keep_apart(0, number, hash, quota);
        let drawn = Bucket::new(quota, 0).draw(cost, nanos).unwrap_or_default();
        let slots = self.table.slots();
        self.table.insert(hash, KeyedWord { key, word: word_of(number, drawn) }, hash_of);
        self.move_hand(slots);
    }

    /// Forgets a few idle keys, if it is time to look for some.
    #[inline]
    pub(super) fn sweep_if_due(&mut self, gone: &mut Gone<K>, nanos: u64, hash_of: impl Fn(&K) -> u64) {
        self.uses = self.uses.wrapping_add(1);
        if self.uses % USES_PER_SWEEP == 0 {
            self.sweep(gone, nanos, hash_of);
        }
    }

    /// Forgets idle keys among the next few slots: a full bucket is as good as none.
    pub(super) fn sweep(&mut self, gone: &mut Gone<K>, nanos: u64, hash_of: impl Fn(&K) -> u64) {
        for gone in gone.iter_mut().take(SWEEP) {
            if self.hand >= self.table.slots() {
                self.hand = 0;
            }
            if self.table.slots() == 0 {
                return;
            }
            if self.is_idle(self.hand, nanos, &hash_of) {
                // Another one may have moved up: the hand stays.
                *gone = self.remove(self.hand, &hash_of);
            } else {
                self.hand = self.table.next(self.hand);
            }
        }
        let slots = self.table.slots();
        self.table.shrink(hash_of);
        self.move_hand(slots);
    }

    /// A table that has grown or shrunk keeps its keys in their order, so what was looked at stays behind the hand.
    fn move_hand(&mut self, slots: usize) {
        if self.table.slots() != slots {
            self.hand = (self.hand as u128 * self.table.slots() as u128 / slots.max(1) as u128) as usize;
        }
    }

    /// Forgets the key, of some, whose bucket will be full soonest.
    pub(super) fn evict_idlest(&mut self, nanos: u64, hash_of: impl Fn(&K) -> u64) -> Option<K> {
        let mut idlest: Option<(u64, usize)> = None;
        let mut seen = 0;
        for _ in 0..self.table.slots() {
            if self.hand >= self.table.slots() {
                self.hand = 0;
            }
            if let Some(entry) = self.table.at(self.hand) {
                let wait = self.full_at(entry, nanos, &hash_of);
                if idlest.is_none_or(|(least, _)| wait < least) {
                    idlest = Some((wait, self.hand));
                }
                seen += 1;
            }
            self.hand = self.table.next(self.hand);
            if seen == CANDIDATES {
                break;
            }
        }
        let (_, index) = idlest?;
        self.remove(index, hash_of)
    }

    /// Whether a new key may take a place, perhaps that of an idle one that the next sweep forgets.
    pub(super) fn has_room(&self, max_keys: usize, nanos: u64, hash_of: impl Fn(&K) -> u64) -> bool {
        let mut hand = if self.hand >= self.table.slots() { 0 } else { self.hand };
        self.table.len() < max_keys
            || (0..SWEEP).any(|_| {
                let index = hand;
                hand = self.table.next(hand);
                self.is_idle(index, nanos, &hash_of)
            })
    }

    /// Whether a key is in that slot whose bucket is full.
    pub(super) fn is_idle(&self, index: usize, nanos: u64, hash_of: impl Fn(&K) -> u64) -> bool {
        self.table.at(index).is_some_and(|entry| {
            let word = entry.word.get();
            let quota = self.quota_of(word, self.hash_if_apart(entry, hash_of));
            quota.is_some_and(|quota| Bucket::new(quota, word & DRAWN).is_full(nanos))
        })
    }

    /// The key's hash, if its quota is kept by it; to make it for each key would cost more than to look at its bucket.
    fn hash_if_apart(&self, entry: &KeyedWord<K>, hash_of: impl Fn(&K) -> u64) -> u64 {
        if entry.word.get() >> DRAWN_BITS == OTHERS { hash_of(&entry.key) } else { 0 }
    }

    /// In how many nanoseconds its bucket is full.
    fn full_at(&self, entry: &KeyedWord<K>, nanos: u64, hash_of: impl Fn(&K) -> u64) -> u64 {
        let word = entry.word.get();
        match self.quota_of(word, self.hash_if_apart(entry, hash_of)) {
            Some(quota) => quota.scale().reached(word & DRAWN).saturating_sub(nanos),
            None => 0,
        }
    }

    #[cold]
    fn begin_anew(&mut self, nanos: u64, now: Instant, hash_of: impl Fn(&K) -> u64) -> u64 {
        let quotas = mem::take(&mut self.quotas);
        for entry in self.table.entries_mut() {
            let (number, drawn) = (entry.word.get() >> DRAWN_BITS, entry.word.get() & DRAWN);
            let quota = match number {
                OTHERS => self.others.get(&hash_of(&entry.key)),
                number => quotas.get(number as usize - 1),
            };
            if let Some(quota) = quota {
                entry.word = word_of(number, Bucket::new(quota, drawn).carried_over(nanos, quota));
            }
        }
        self.quotas = quotas;
        self.base = base_at(now);
        START
    }
}

fn refusal(quota: &Quota, cost: u32, missing: u64, nanos: u64) -> Refusal {
    Refusal::new(quota, cost, wait_until(quota.scale().reached(missing), nanos), Reason::Exhausted)
}

fn word_of(number: u64, drawn: u64) -> NonZeroU64 {
    NonZeroU64::MIN.saturating_add((number << DRAWN_BITS | drawn) - 1)
}

const DRAWN_BITS: u32 = 60;
pub(super) const DRAWN: u64 = (1 << DRAWN_BITS) - 1;
/// As many as 4 bits can name, but for "none" and "another".
const MOST_QUOTAS: usize = 14;
const OTHERS: u64 = 15;
/// How many slots are looked at for each new key, and for each so many uses: a key that is idle is forgotten by the time
/// at which as many new ones have come as there are slots for four of them each.
const SWEEP: usize = 4;
const USES_PER_SWEEP: u32 = 16;
/// Of how many the idlest is evicted.
const CANDIDATES: usize = 16;
