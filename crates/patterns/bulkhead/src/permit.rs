use std::fmt;

use seawall_core::{
    Held, Outcome, Shared,
    time::{Clock, DefaultClock},
};
use seawall_policy::Ticket;

use crate::inner::BulkheadInner;

/// Slots of a bulkhead that a caller holds, from [`Bulkhead::try_acquire`](crate::Bulkhead::try_acquire) and its like. Dropping the
/// permit frees the slots.
///
/// The permit borrows the bulkhead, which costs nothing. [`into_owned`](Self::into_owned) makes a permit without a borrow.
#[must_use = "dropping the permit gives its slots back"]
pub struct Permit<'a, K: Clock = DefaultClock> {
    ticket: Ticket<&'a BulkheadInner<K>>,
    shared: &'a Shared<BulkheadInner<K>>,
}

/// Slots of a bulkhead that a caller holds without a borrow. The permit may outlive the handle, and move to another task.
/// [`Permit::into_owned`] makes it.
#[must_use = "dropping the permit gives its slots back"]
pub struct OwnedPermit<K: Clock = DefaultClock> {
    ticket: Ticket<Held<BulkheadInner<K>>>,
}

impl<'a, K: Clock> Permit<'a, K> {
    pub(crate) fn new(ticket: Ticket<&'a BulkheadInner<K>>, shared: &'a Shared<BulkheadInner<K>>) -> Self {
        Self { ticket, shared }
    }

    /// Returns how many slots the permit holds.
    pub fn cost(&self) -> u32 {
        self.ticket.pass().copied().unwrap_or_default()
    }

    /// Converts the permit into a permit without a borrow, for another task or a struct.
    pub fn into_owned(mut self) -> OwnedPermit<K> {
        let cost = self.ticket.take_pass().unwrap_or_default();
        OwnedPermit { ticket: Ticket::new(self.shared.hold(), cost) }
    }
}

impl<K: Clock> OwnedPermit<K> {
    /// Returns how many slots the permit holds.
    pub fn cost(&self) -> u32 {
        self.ticket.pass().copied().unwrap_or_default()
    }
}

// A dropped permit has ended in the normal way: no call was abandoned.
impl<K: Clock> Drop for Permit<'_, K> {
    #[inline]
    fn drop(&mut self) {
        self.ticket.settle(Outcome::Ignored);
    }
}

impl<K: Clock> Drop for OwnedPermit<K> {
    #[inline]
    fn drop(&mut self) {
        self.ticket.settle(Outcome::Ignored);
    }
}

impl<K: Clock> fmt::Debug for Permit<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("cost", &self.cost()).finish_non_exhaustive()
    }
}

impl<K: Clock> fmt::Debug for OwnedPermit<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").field("cost", &self.cost()).finish_non_exhaustive()
    }
}
