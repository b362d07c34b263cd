use std::{fmt, hash::Hash, marker::PhantomData};

use seawall_core::{
    Name, Shared, lanes,
    observe::{Level, Observers},
    rate::{
        Quota,
        keyed::{AtCap, Keyed, KeyedConfig, SameQuota},
    },
    time::{Clock, DefaultClock},
};

use super::keyed_rate_limiter::{KeyedInner, KeyedRateLimiter};
use crate::{Event, EventKind};

/// Builds a [`KeyedRateLimiter`]; from [`KeyedRateLimiter::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder<Key, Q = SameQuota, K = DefaultClock> {
    name: Name,
    quotas: Q,
    config: KeyedConfig,
    clock: K,
    outbox: Observers<EventKind>,
    key: PhantomData<fn() -> Key>,
}

impl<Key> Builder<Key> {
    pub(super) fn new(name: Name, quota: Quota) -> Self {
        Self {
            name,
            quotas: SameQuota::new(quota),
            config: KeyedConfig::new(DEFAULT_MAX_KEYS),
            clock: DefaultClock::default(),
            outbox: Observers::new(),
            key: PhantomData,
        }
    }
}

impl<Key, Q, K> Builder<Key, Q, K> {
    /// A quota for each key: any `Fn(&Key) -> Quota`, asked by each check. It must answer quickly, and the same for the
    /// same key; when its answer changes, what that key has spent stays spent. A quota of 0 refuses the key's calls; no
    /// constructor of a [`Quota`] panics.
    pub fn quotas<P>(self, quotas: P) -> Builder<Key, P, K> {
        Builder {
            name: self.name,
            quotas,
            config: self.config,
            clock: self.clock,
            outbox: self.outbox,
            key: PhantomData,
        }
    }

    /// How many keys are held at most, from 1 on. Default: 100,000.
    ///
    /// A key costs its own size and 8 bytes, and a third to the double of that for room: at most 24 bytes over a key of 8
    /// bytes. Keys whose burst is whole again are forgotten, a few at a time, as others are used.
    ///
    /// # Panics
    ///
    /// If `max_keys` is 0.
    #[track_caller]
    pub fn max_keys(self, max_keys: usize) -> Self {
        let config = KeyedConfig::new(max_keys).at_cap(self.config.policy_at_cap());
        Self { config, ..self }
    }

    /// What becomes of new keys where as many are held as may be. Default: [`AtCap::EvictIdlest`].
    pub fn at_cap(self, at_cap: AtCap) -> Self {
        Self { config: self.config.at_cap(at_cap), ..self }
    }

    /// Tells `observer` of all that happens, in the way of [`KeyedRateLimiter::on_event`].
    pub fn on_event(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event_from(Level::Debug, observer)
    }

    /// Tells `observer` of events from `least` on, in the way of [`KeyedRateLimiter::on_event_from`].
    pub fn on_event_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.outbox.observe(least, observer, || 0);
        self
    }

    /// Sets the clock. Default: tokio's clock, which obeys paused time. Without the feature `tokio` it is the system's clock.
    pub fn clock<L>(self, clock: L) -> Builder<Key, Q, L> {
        Builder {
            name: self.name,
            quotas: self.quotas,
            config: self.config,
            clock,
            outbox: self.outbox,
            key: PhantomData,
        }
    }

    /// The limiter, which holds no key.
    pub fn build(self) -> KeyedRateLimiter<Key, Q, K>
    where
        Key: Hash + Eq,
        K: Clock,
    {
        let Self { name, quotas, config, clock, outbox, .. } = self;
        let keyed = Keyed::new(quotas, config, clock.now());
        KeyedRateLimiter::from_shared(Shared::new(KeyedInner { name, keyed, clock, outbox }, lanes()))
    }
}

impl<Key, Q, K> fmt::Debug for Builder<Key, Q, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("name", &self.name).field("config", &self.config).finish_non_exhaustive()
    }
}

const DEFAULT_MAX_KEYS: usize = 100_000;
