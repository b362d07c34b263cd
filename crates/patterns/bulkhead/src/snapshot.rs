use std::task::Waker;

use seawall_core::slots::Slots;

/// The state of a bulkhead at a moment.
///
/// Calls go on while the snapshot is taken, so its numbers can be from different instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    max_concurrent: usize,
    in_flight: usize,
    queued: usize,
    rejected: u64,
    closed: bool,
    events_lost: u64,
}

impl Snapshot {
    pub(crate) fn take(slots: &Slots<Waker>, events_lost: u64) -> Self {
        Self {
            max_concurrent: slots.limit(),
            in_flight: slots.in_flight(),
            queued: slots.queued(),
            rejected: slots.refused(),
            closed: slots.is_closed(),
            events_lost,
        }
    }

    /// Returns the limit.
    pub fn max_concurrent(&self) -> usize {
        self.max_concurrent
    }

    /// Returns how many slots are taken. It can exceed the limit after the limit was lowered.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Returns how many callers wait for their turn.
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// Returns how many calls were rejected since the bulkhead was built.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Returns whether the bulkhead is closed.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns how many events of single calls were lost, because they came faster than the observers could take them.
    pub fn events_lost(&self) -> u64 {
        self.events_lost
    }
}
