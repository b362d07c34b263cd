use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use seawall_policy::wake;

/// Where services wait that have asked not to be ready while the circuit is open.
#[derive(Debug, Default)]
pub(crate) struct CircuitWaiters(Mutex<Wakers>);

#[derive(Debug, Default)]
struct Wakers {
    by_ticket: BTreeMap<u64, Waker>,
    tickets: u64,
}

impl CircuitWaiters {
    /// Wakes all; who is still refused comes back.
    pub(crate) fn wake_all(&self) {
        let woken = mem::take(&mut self.lock().by_ticket);
        // Outside of the lock: to wake is to run someone's code.
        wake(woken.into_values());
    }

    pub(crate) fn park(&self, ticket: &mut Option<u64>, waker: &Waker) {
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

    pub(crate) fn leave(&self, ticket: &mut Option<u64>) {
        let left = ticket.take().and_then(|ticket| self.lock().by_ticket.remove(&ticket));
        drop(left);
    }

    fn lock(&self) -> MutexGuard<'_, Wakers> {
        // No code that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
