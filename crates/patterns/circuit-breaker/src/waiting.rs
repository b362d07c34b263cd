use std::{
    collections::BTreeMap,
    fmt, mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use seawall_core::{Held, Rejection, breaker::Refusal, time::Timer};
use seawall_policy::{Queue, Turn, wake};

use crate::inner::Inner;

/// Where services wait that have asked not to be ready while the circuit is open.
#[derive(Debug, Default)]
pub(crate) struct Parking(Mutex<Wakers>);

#[derive(Debug, Default)]
struct Wakers {
    by_ticket: BTreeMap<u64, Waker>,
    tickets: u64,
}

/// One service's wait for a circuit that lets calls in: for the end of the open period, and for any change before.
pub(crate) struct Parked<C, K> {
    inner: Held<Inner<C, K>>,
    /// A place of its own among the parked; not taken before there is something to wait for.
    ticket: Option<u64>,
}

// ===== impl Parking =====

impl Parking {
    /// Wakes all; who is still refused comes back.
    pub(crate) fn wake_all(&self) {
        let woken = mem::take(&mut self.lock().by_ticket);
        // Outside of the lock: to wake is to run someone's code.
        wake(woken.into_values());
    }

    fn park(&self, ticket: &mut Option<u64>, waker: &Waker) {
        let waker = waker.clone();
        let mut wakers = self.lock();
        let ticket = *ticket.get_or_insert_with(|| {
            wakers.tickets += 1;
            wakers.tickets
        });
        let old = wakers.by_ticket.insert(ticket, waker);
        drop(wakers);
        drop(old);
    }

    fn leave(&self, ticket: &mut Option<u64>) {
        let left = ticket.take().and_then(|ticket| self.lock().by_ticket.remove(&ticket));
        drop(left);
    }

    fn lock(&self) -> MutexGuard<'_, Wakers> {
        // No code that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// ===== impl Parked =====

impl<C, K> Parked<C, K> {
    pub(crate) fn new(inner: Held<Inner<C, K>>) -> Self {
        Self { inner, ticket: None }
    }
}

impl<C, K: Timer> Queue for Parked<C, K> {
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

impl<C, K> Drop for Parked<C, K> {
    fn drop(&mut self) {
        self.inner.parking.leave(&mut self.ticket);
    }
}

impl<C, K> fmt::Debug for Parked<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parked").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}
