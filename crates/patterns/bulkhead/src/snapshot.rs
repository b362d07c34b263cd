use std::task::Waker;

use seawall_core::slots::Slots;

/// What a bulkhead looked like at one moment.
///
/// Calls go on while it is taken, so its numbers need not be of one instant.
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

    /// Slots in all.
    pub fn max_concurrent(&self) -> usize {
        self.max_concurrent
    }

    /// Slots that are taken; more than there are, for a while after the bulkhead was made smaller.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Callers that wait for their turn.
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// Calls refused since the bulkhead was built.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Events of single calls that were lost since the bulkhead was built, because more came than its observers could be told of.
    pub fn events_lost(&self) -> u64 {
        self.events_lost
    }
}
