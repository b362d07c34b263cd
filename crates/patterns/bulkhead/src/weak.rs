use std::fmt;

use seawall_core::{
    WeakShared,
    time::{Clock, DefaultClock},
};

use crate::{Bulkhead, inner::BulkheadInner};

/// A handle that does not keep its bulkhead alive. [`Bulkhead::downgrade`] makes it.
///
/// Use it in an observer that calls the bulkhead that it observes. With a clone, neither would ever be freed.
pub struct WeakBulkhead<K: Clock = DefaultClock> {
    shared: WeakShared<BulkheadInner<K>>,
}

impl<K: Clock> WeakBulkhead<K> {
    pub(crate) fn new(shared: WeakShared<BulkheadInner<K>>) -> Self {
        Self { shared }
    }

    /// Returns the bulkhead, if a clone, a layer or a service still has it.
    pub fn upgrade(&self) -> Option<Bulkhead<K>> {
        self.shared.upgrade().map(Bulkhead::from_shared)
    }
}

// By hand: derive would ask `Clone` of what is shared.
impl<K: Clock> Clone for WeakBulkhead<K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K: Clock> fmt::Debug for WeakBulkhead<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakBulkhead").finish_non_exhaustive()
    }
}
