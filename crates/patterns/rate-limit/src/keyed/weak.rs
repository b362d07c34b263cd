use std::{fmt, hash::Hash};

use seawall_core::{
    WeakShared,
    rate::keyed::SameQuota,
    time::{Clock, DefaultClock},
};

use super::keyed_rate_limiter::{KeyedInner, KeyedRateLimiter};

/// A handle that does not keep its limiter alive; from [`KeyedRateLimiter::downgrade`].
///
/// For an observer that calls the policy that it observes: with a clone of the limiter, neither would ever be freed.
pub struct WeakKeyedRateLimiter<Key, Q = SameQuota, K: Clock = DefaultClock> {
    shared: WeakShared<KeyedInner<Key, Q, K>>,
}

impl<Key: Hash + Eq, Q, K: Clock> WeakKeyedRateLimiter<Key, Q, K> {
    pub(super) fn new(shared: WeakShared<KeyedInner<Key, Q, K>>) -> Self {
        Self { shared }
    }

    /// The limiter, if a clone, a layer or a service still has it.
    pub fn upgrade(&self) -> Option<KeyedRateLimiter<Key, Q, K>> {
        self.shared.upgrade().map(KeyedRateLimiter::from_shared)
    }
}

// By hand: derive would ask `Clone` of what is shared.
impl<Key, Q, K: Clock> Clone for WeakKeyedRateLimiter<Key, Q, K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<Key, Q, K: Clock> fmt::Debug for WeakKeyedRateLimiter<Key, Q, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakKeyedRateLimiter").finish_non_exhaustive()
    }
}
