//! One bucket for each key, in bounded memory.

mod config;
mod shard;
mod table;

use std::{
    borrow::Borrow,
    collections::hash_map::RandomState,
    fmt,
    hash::{BuildHasher, Hash},
    sync::PoisonError,
};

pub use config::{AtCap, KeyedConfig};
use shard::{Gone, Shard};

use super::{Denied, Quota, Reason, Refusal, bucket::Bucket, gcra::Gcra};
use crate::{
    caller::Caller,
    counter::Counter,
    lanes,
    line::CacheAligned,
    sync::{Mutex, MutexGuard},
    time::Instant,
};

/// A rate limit for each key, which many may ask at once.
///
/// The keys are spread over shards by a hash with a random secret, so that nobody can choose where keys fall; a check takes
/// its shard's lock and looks at one bucket. A bucket that is full again is as good as none, so such keys are forgotten as
/// others come and go, a few at a time. No call does more than a bounded number of steps, but one that makes a shard's
/// table grow, by a half of itself.
///
/// `Hash` and `Eq` of keys run under a shard's lock, and must not ask the limiter. If one of them panics, keys may be
/// forgotten, and nothing else. The quotas' function and the keys' `Clone` and `Drop` run outside of it.
pub struct Keyed<K, Q = SameQuota, S = RandomState> {
    shards: Box<[CacheAligned<Mutex<Shard<K>>>]>,
    quotas: Q,
    hasher: S,
    max_keys: usize,
    at_cap: AtCap,
    overflow: Option<Gcra>,
    refused: Counter,
}

/// Which quota a key has.
pub trait Quotas<B: ?Sized> {
    /// The quota of `key`. It must answer the same for the same key, and quickly: each check asks. When the answer
    /// changes, what the key has spent stays spent. Any number of different quotas can be given. If a shard meets more than
    /// fourteen, a key of a later one costs about 70 bytes more, and each check of it a search among such keys.
    fn quota(&self, key: &B) -> Quota;
}

/// One quota for all keys, which may be changed.
#[derive(Debug)]
pub struct SameQuota(
    // It is a cell that holds a quota; nobody draws from it.
    Gcra,
);

impl SameQuota {
    /// `quota`, until it is changed.
    pub fn new(quota: Quota) -> Self {
        Self(Gcra::new(&quota, Instant::ORIGIN))
    }

    /// Changes it; the former one.
    pub fn set(&self, quota: Quota) -> Quota {
        self.0.set_quota(&quota, Instant::ORIGIN)
    }

    /// The quota now.
    pub fn get(&self) -> Quota {
        self.0.quota()
    }
}

impl<B: ?Sized> Quotas<B> for SameQuota {
    #[inline]
    fn quota(&self, _: &B) -> Quota {
        self.0.quota()
    }
}

impl<B: ?Sized, F: Fn(&B) -> Quota> Quotas<B> for F {
    #[inline]
    fn quota(&self, key: &B) -> Quota {
        self(key)
    }
}

impl<K: Hash + Eq, Q> Keyed<K, Q> {
    /// No key is held.
    pub fn new(quotas: Q, config: KeyedConfig, now: Instant) -> Self {
        Self::with_hasher(quotas, config, RandomState::new(), now)
    }
}

impl<K: Hash + Eq, Q, S: BuildHasher> Keyed<K, Q, S> {
    /// As [`new`](Keyed::new), with another hash; an attacker who knows it can make a shard slow.
    pub fn with_hasher(quotas: Q, config: KeyedConfig, hasher: S, now: Instant) -> Self {
        let shards = config.shard_count();
        let overflow = match config.at_cap {
            AtCap::Overflow(quota) => Some(Gcra::new(&quota, now)),
            _ => None,
        };
        Self {
            shards: (0..shards).map(|_| CacheAligned(Mutex::new(Shard::new(now)))).collect(),
            quotas,
            hasher,
            max_keys: config.max_keys,
            at_cap: config.at_cap,
            overflow,
            refused: Counter::new(lanes()),
        }
    }

    /// Lets `cost` calls of `key` pass, all or none.
    ///
    /// # Errors
    ///
    /// [`Reason::Exhausted`], [`Reason::TooLarge`], [`Reason::TooManyKeys`].
    pub fn try_enter<B>(&self, key: &B, cost: u32, now: Instant) -> Result<(), Refusal>
    where
        K: Borrow<B>,
        B: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        Q: Quotas<B>,
    {
        let quota = self.quotas.quota(key);
        if cost > quota.max_burst() {
            return Err(Refusal::new(&quota, cost, u64::MAX, Reason::TooLarge));
        }
        let hash = self.hasher.hash_one(key);
        let mut gone = Gone::<K>::default();
        let mut shard = self.shard(hash);
        let nanos = shard.nanos_at(now, |key| self.hasher.hash_one(key));
        if let Some(index) = shard.table.find(hash, |other| other.borrow() == key) {
            let result = shard.draw(index, hash, &quota, cost, nanos);
            shard.sweep_if_due(&mut gone, nanos, |key| self.hasher.hash_one(key));
            drop(shard);
            return result;
        }
        drop(shard);
        // To make a key of one's own is to run someone's code, so it is made before the lock is taken again.
        self.enter_new(hash, key.to_owned(), &quota, cost, now)
    }

    #[inline(never)]
    fn enter_new(&self, hash: u64, key: K, quota: &Quota, cost: u32, now: Instant) -> Result<(), Refusal> {
        let hash_of = |key: &K| self.hasher.hash_one(key);
        let mut gone = Gone::<K>::default();
        let mut shard = self.shard(hash);
        let nanos = shard.nanos_at(now, |key| self.hasher.hash_one(key));
        // Another thread may have brought it meanwhile.
        if let Some(index) = shard.table.find(hash, |other| *other == key) {
            let result = shard.draw(index, hash, quota, cost, nanos);
            drop(shard);
            return result;
        }
        shard.sweep(&mut gone, nanos, hash_of);
        if shard.table.len() >= self.max_keys / self.shards.len() {
            match &self.overflow {
                Some(overflow) => {
                    drop(shard);
                    return overflow.try_take(cost, now).map_err(|denied| denied_by(overflow, denied, cost));
                }
                None if self.at_cap == AtCap::RefuseNew => {
                    return Err(Refusal::new(quota, cost, u64::MAX, Reason::TooManyKeys));
                }
                None => gone[gone.len() - 1] = shard.evict_idlest(nanos, hash_of),
            }
        }
        shard.insert(hash, key, quota, cost, nanos, hash_of);
        drop(shard);
        Ok(())
    }

    /// How many calls of `key` may pass now, at once. A key that is not held has a full bucket, if there is a place for it; at
    /// the cap it has what the [policy](AtCap) gives it.
    pub fn available<B>(&self, key: &B, now: Instant) -> u32
    where
        K: Borrow<B>,
        B: Hash + Eq + ?Sized,
        Q: Quotas<B>,
    {
        let quota = self.quotas.quota(key);
        let hash = self.hasher.hash_one(key);
        let mut shard = self.shard(hash);
        let nanos = shard.nanos_at(now, |key| self.hasher.hash_one(key));
        let found = shard.table.find(hash, |other| other.borrow() == key).and_then(|index| shard.table.at(index));
        match found.map(|entry| entry.word.get()) {
            Some(word) => Bucket::new(&quota, shard.poured(word, hash, &quota, nanos)).available(nanos),
            None if shard.has_room(self.max_keys / self.shards.len(), nanos, |key| self.hasher.hash_one(key)) => {
                quota.max_burst()
            }
            None => match (&self.overflow, self.at_cap) {
                (Some(overflow), _) => overflow.available(now).min(quota.max_burst()),
                (None, AtCap::RefuseNew) => 0,
                (None, _) => quota.max_burst(),
            },
        }
    }

    /// Forgets a key: it has a full bucket when it comes again. Whether it was held.
    pub fn forget<B>(&self, key: &B) -> bool
    where
        K: Borrow<B>,
        B: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.shard(hash);
        let found = shard.table.find(hash, |other| other.borrow() == key);
        let forgotten = found.and_then(|index| shard.remove(index, |key| self.hasher.hash_one(key)));
        drop(shard);
        forgotten.is_some()
    }

    /// Forgets all idle keys at once; how many. Takes time with the number of keys held, shard after shard.
    pub fn purge(&self, now: Instant) -> usize {
        let mut purged = 0;
        for shard in &self.shards {
            let mut shard = lock(shard);
            let nanos = shard.nanos_at(now, |key| self.hasher.hash_one(key));
            let (mut index, mut gone) = (0, Vec::new());
            while index < shard.table.slots() {
                if shard.is_idle(index, nanos, |key| self.hasher.hash_one(key)) {
                    gone.extend(shard.remove(index, |key| self.hasher.hash_one(key)));
                } else {
                    index += 1;
                }
            }
            while {
                let slots = shard.table.slots();
                shard.table.shrink(|key| self.hasher.hash_one(key));
                shard.table.slots() < slots
            } {}
            drop(shard);
            purged += gone.len();
        }
        purged
    }

    /// Counts a refused call. None is counted otherwise, as only whoever asked knows whether it asks again.
    #[inline]
    pub fn count_refused(&self, caller: &impl Caller) {
        self.refused.add_one(caller.lane());
    }

    // ----- questions -----

    /// How many keys are held, the idle ones that have not been forgotten yet with them.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).table.len()).sum()
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes the tables take, without what keys own elsewhere.
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).table.bytes()).sum()
    }

    /// Where keys' quotas come from.
    pub fn quotas(&self) -> &Q {
        &self.quotas
    }

    /// How many keys are held at most.
    pub fn max_keys(&self) -> usize {
        self.max_keys
    }

    /// How many calls were refused, by [`count_refused`](Self::count_refused).
    pub fn refused(&self) -> u64 {
        self.refused.sum()
    }

    #[inline]
    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<K>> {
        lock(&self.shards[hash as usize & (self.shards.len() - 1)])
    }
}

impl<K, Q, S> fmt::Debug for Keyed<K, Q, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed").field("max_keys", &self.max_keys).field("at_cap", &self.at_cap).finish_non_exhaustive()
    }
}

fn lock<K>(shard: &Mutex<Shard<K>>) -> MutexGuard<'_, Shard<K>> {
    // If a key's own code has panicked under it, keys may be missing, and that is all.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn denied_by(overflow: &Gcra, denied: Denied, cost: u32) -> Refusal {
    Refusal::by(denied, overflow.numbers(), cost)
}
