use std::task::Waker;

use seawall_core::{
    rate::{Limiter, Quota},
    time::Instant,
};

/// What a rate limiter looked like at one moment.
///
/// Calls go on while it is taken, so its numbers need not be of one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    quota: Quota,
    available: u32,
    queued: usize,
    rejected: u64,
    events_lost: u64,
}

impl Snapshot {
    pub(crate) fn take(limiter: &Limiter<Waker>, events_lost: u64, now: Instant) -> Self {
        Self {
            quota: limiter.quota(),
            available: limiter.available(now),
            queued: limiter.queued(),
            rejected: limiter.refused(),
            events_lost,
        }
    }

    /// The quota.
    pub fn quota(&self) -> Quota {
        self.quota
    }

    /// How many calls would have passed then, at once: from none to the burst.
    pub fn available(&self) -> u32 {
        self.available
    }

    /// Callers that wait for their turn.
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// Calls refused since the limiter was built.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Events of single calls that were lost since the limiter was built, because more came than its observers could be told of.
    pub fn events_lost(&self) -> u64 {
        self.events_lost
    }
}
