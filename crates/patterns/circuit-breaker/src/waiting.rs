use std::{fmt, task::Waker};

use seawall_core::{Held, Rejection, breaker::Refusal, time::Timer};
use seawall_policy::{Queue, Turn};

use crate::inner::BreakerInner;

/// One service's wait for a circuit that lets calls in: for the end of the open period, and for any change before.
pub(crate) struct CircuitWait<C, K> {
    inner: Held<BreakerInner<C, K>>,
    /// A place of its own among the parked; not taken before there is something to wait for.
    ticket: Option<u64>,
}

impl<C, K> CircuitWait<C, K> {
    pub(crate) fn new(inner: Held<BreakerInner<C, K>>) -> Self {
        Self { inner, ticket: None }
    }
}

impl<C, K: Timer> Queue for CircuitWait<C, K> {
    type Timer = K;
    type Leave = ();
    type Refusal = Refusal;

    fn timer(&self) -> &K {
        &self.inner.clock
    }

    fn poll_turn(&mut self, waker: &Waker) -> Turn<(), Refusal> {
        if self.inner.refusal().is_some() {
            // First park, then look again: a change between the two would go unheard.
            self.inner.parking.park(&mut self.ticket, waker);
            if let Some(refusal) = self.inner.refusal() {
                return Turn::Wait { until: refusal.until() };
            }
        }
        self.inner.parking.leave(&mut self.ticket);
        Turn::Entered(())
    }

    fn refuse(&self, refusal: Refusal) -> Rejection {
        self.inner.refuse(&refusal)
    }
}

impl<C, K> Drop for CircuitWait<C, K> {
    fn drop(&mut self) {
        self.inner.parking.leave(&mut self.ticket);
    }
}

impl<C, K> fmt::Debug for CircuitWait<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitWait").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}
