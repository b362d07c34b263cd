use crate::rate::Quota;

/// How many keys are held, and what becomes of the others; plain data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a configuration does nothing until a limiter is made with it"]
pub struct KeyedConfig {
    pub(super) max_keys: usize,
    pub(super) at_cap: AtCap,
    pub(super) shards: usize,
}

/// What becomes of a new key where as many are held as may be.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AtCap {
    /// Of some keys that are looked at, the one whose bucket will be full soonest is forgotten for it. Nobody is refused for
    /// being new, and no key is starved, as one that is forgotten starts anew with a full bucket. Whoever has more keys than
    /// are held is limited less.
    #[default]
    EvictIdlest,
    /// It is refused. Keys that are held are not touched; but one that was idle for long is new when it comes again.
    RefuseNew,
    /// All keys that are not held share one bucket of that quota.
    Overflow(Quota),
}

impl KeyedConfig {
    /// At most `max_keys` keys, from 1 on; the idlest goes.
    ///
    /// They are split over the shards evenly, and keys are not, quite: the policy may apply to a shard's new keys when some
    /// hundredths of all places are free.
    ///
    /// # Panics
    ///
    /// If `max_keys` is 0.
    #[track_caller]
    pub const fn new(max_keys: usize) -> Self {
        assert!(max_keys > 0, "max_keys of a keyed rate limit is 0; it must be at least 1");
        Self { max_keys, at_cap: AtCap::EvictIdlest, shards: 64 }
    }

    /// What becomes of new keys at the cap. Default: [`AtCap::EvictIdlest`].
    pub const fn at_cap(self, at_cap: AtCap) -> Self {
        Self { at_cap, ..self }
    }

    /// What becomes of new keys at the cap.
    pub const fn policy_at_cap(&self) -> AtCap {
        self.at_cap
    }

    /// Over how many locks the keys are spread at most, rounded down to a power of two, up to 1024. Default: 64. There
    /// are fewer for few keys: each is worth a thousand.
    pub const fn shards(self, shards: usize) -> Self {
        Self { shards, ..self }
    }

    pub(super) const fn shard_count(&self) -> usize {
        let mut shards = 1;
        while shards * 2 <= self.shards && shards < 1024 && self.max_keys / (shards * 2) >= 1024 {
            shards *= 2;
        }
        shards
    }
}
