use std::fmt;

use seawall_core::{
    ErrIsFailure, WeakShared,
    time::{Clock, DefaultClock},
};

use crate::{CircuitBreaker, inner::BreakerInner};

/// A handle that does not keep its breaker alive; from [`CircuitBreaker::downgrade`].
///
/// For an observer that calls the policy that it observes: with a clone of the breaker, neither would ever be freed.
pub struct WeakCircuitBreaker<C = ErrIsFailure, K: Clock = DefaultClock> {
    shared: WeakShared<BreakerInner<C, K>>,
}

impl<C, K: Clock> WeakCircuitBreaker<C, K> {
    pub(crate) fn new(shared: WeakShared<BreakerInner<C, K>>) -> Self {
        Self { shared }
    }

    /// The breaker, if a clone, a layer or a service still has it.
    pub fn upgrade(&self) -> Option<CircuitBreaker<C, K>> {
        self.shared.upgrade().map(CircuitBreaker::from_shared)
    }
}

// By hand: derive would ask `Clone` of what is shared.
impl<C, K: Clock> Clone for WeakCircuitBreaker<C, K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<C, K: Clock> fmt::Debug for WeakCircuitBreaker<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakCircuitBreaker").finish_non_exhaustive()
    }
}
