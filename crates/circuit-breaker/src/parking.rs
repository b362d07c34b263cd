use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use seawall_core::{
    breaker::Refusal,
    observe::contain,
    time::{Instant, Timer},
};

/// Where services wait that have asked not to be ready while the circuit is open.
#[derive(Debug, Default)]
pub(crate) struct Parking(Mutex<Parked>);

#[derive(Debug, Default)]
struct Parked {
    wakers: BTreeMap<u64, Waker>,
    tickets: u64,
}

/// One service's wait for a circuit that lets calls in: for the end of the open period, and for any change before.
pub(crate) struct Waiting<K> {
    sleep_until: fn(&K, Instant) -> Sleep,
    /// A place of its own among the parked; not taken before there is something to wait for.
    ticket: Option<u64>,
    sleep: Option<(Instant, Sleep)>,
}

// Boxed, as `poll_ready` has no pinned self; made only while the circuit is open.
type Sleep = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

// ===== impl Parking =====

impl Parking {
    /// Wakes all; who is still refused comes back. A waker that panics keeps neither the others nor the event from being
    /// told.
    pub(crate) fn wake_all(&self) {
        let woken = mem::take(&mut self.lock().wakers);
        // Outside of the lock: to wake is to run someone's code.
        woken.into_values().for_each(|waker| contain(|| waker.wake()));
    }

    fn park(&self, ticket: &mut Option<u64>, waker: &Waker) {
        let waker = waker.clone();
        let mut parked = self.lock();
        let ticket = *ticket.get_or_insert_with(|| {
            parked.tickets += 1;
            parked.tickets
        });
        let old = parked.wakers.insert(ticket, waker);
        drop(parked);
        drop(old);
    }

    fn leave(&self, ticket: &mut Option<u64>) {
        let left = ticket.take().and_then(|ticket| self.lock().wakers.remove(&ticket));
        drop(left);
    }

    fn lock(&self) -> MutexGuard<'_, Parked> {
        // No code that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// ===== impl Waiting =====

impl<K: Timer> Waiting<K> {
    pub(crate) fn new() -> Self {
        Self { sleep_until: |clock, deadline| Box::pin(clock.sleep_until(deadline)), ticket: None, sleep: None }
    }
}

impl<K> Waiting<K> {
    /// Ready once `refusal` says no more that a call would be refused.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        parking: &Parking,
        clock: &K,
        refusal: impl Fn() -> Option<Refusal>,
    ) -> Poll<()> {
        if refusal().is_some() {
            // First park, then look again: a change between the two would go unheard.
            parking.park(&mut self.ticket, cx.waker());
            while let Some(refused) = refusal() {
                ready!(self.sleep(cx, clock, refused.until()));
            }
        }
        self.end(parking);
        Poll::Ready(())
    }

    fn sleep(&mut self, cx: &mut Context<'_>, clock: &K, until: Instant) -> Poll<()> {
        if self.sleep.as_ref().is_none_or(|(deadline, _)| *deadline != until) {
            let sleep = || (until, (self.sleep_until)(clock, until));
            // For ever needs no timer: whoever ends it wakes us.
            self.sleep = (until != Instant::MAX).then(sleep);
        }
        let Some((_, sleep)) = &mut self.sleep else { return Poll::Pending };
        ready!(sleep.as_mut().poll(cx));
        self.sleep = None;
        Poll::Ready(())
    }

    /// A wait of the same kind, for a clone of the service.
    pub(crate) fn anew(&self) -> Self {
        Self { sleep_until: self.sleep_until, ticket: None, sleep: None }
    }

    /// Gives up the place; must be called before this is dropped.
    pub(crate) fn end(&mut self, parking: &Parking) {
        self.sleep = None;
        if self.ticket.is_some() {
            parking.leave(&mut self.ticket);
        }
    }
}

impl<K> fmt::Debug for Waiting<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}
