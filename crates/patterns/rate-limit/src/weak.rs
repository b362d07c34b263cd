use std::fmt;

use seawall_core::{
    WeakShared,
    time::{Clock, DefaultClock},
};

use crate::{RateLimiter, inner::LimiterInner};

/// A handle that does not keep its limiter alive; from [`RateLimiter::downgrade`].
///
/// For an observer that calls the policy that it observes: with a clone of the limiter, neither would ever be freed.
pub struct WeakRateLimiter<K: Clock = DefaultClock> {
    shared: WeakShared<LimiterInner<K>>,
}

impl<K: Clock> WeakRateLimiter<K> {
    pub(crate) fn new(shared: WeakShared<LimiterInner<K>>) -> Self {
        Self { shared }
    }

    /// The limiter, if a clone, a layer or a service still has it.
    pub fn upgrade(&self) -> Option<RateLimiter<K>> {
        self.shared.upgrade().map(RateLimiter::from_shared)
    }
}

// By hand: derive would ask `Clone` of what is shared.
impl<K: Clock> Clone for WeakRateLimiter<K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K: Clock> fmt::Debug for WeakRateLimiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakRateLimiter").finish_non_exhaustive()
    }
}
