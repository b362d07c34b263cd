use std::{fmt, ops::Deref, task::Waker};

use seawall_core::{
    Place, Rejection, ThisThread,
    slots::{self, Refusal, SlotEntry},
    time::{Clock, Instant, Timer},
};
use seawall_policy::{Gate, Queue, Ticket, Turn, WaitLimit, wake};

use crate::inner::BulkheadInner;

/// The wait of a caller for slots.
///
/// `H` holds the bulkhead until the turn has come: a borrow if the caller waits for a permit, a share if a call waits.
///
/// Public because it is in the types of futures. Users cannot name it.
pub struct SlotWait<H: Deref<Target = BulkheadInner<K>>, K: Clock> {
    inner: Option<H>,
    cost: u32,
    patience: WaitLimit,
    /// The place in the queue, from the first poll on.
    place: Option<Place>,
    latest: Instant,
}

impl<H: Deref<Target = BulkheadInner<K>>, K: Clock> SlotWait<H, K> {
    pub(crate) fn new(inner: H, cost: u32, patience: WaitLimit) -> Self {
        Self { inner: Some(inner), cost, patience, place: None, latest: Instant::MAX }
    }

    fn inner(&self) -> &BulkheadInner<K> {
        self.inner.as_deref().expect("it is asked no more once the turn has come")
    }

    fn leave(&mut self) {
        if let (Some(inner), Some(place)) = (&self.inner, self.place.take()) {
            wake(inner.slots.leave(place, &ThisThread(&inner.clock)).woken);
        }
    }
}

impl<H, K> SlotWait<H, K>
where
    H: Deref<Target = BulkheadInner<K>> + Gate<Pass = u32>,
    K: Clock,
{
    fn join(&mut self, waker: &Waker) -> Turn<Ticket<H>, Refusal> {
        let inner = self.inner();
        let now = inner.clock.now();
        let (bounded, latest) = self.patience.terms(inner.max_wait, now);
        match inner.slots.enter(self.cost, bounded, now, || waker.clone()) {
            Ok(SlotEntry::Entered) => self.entered(),
            Ok(SlotEntry::Waiting(place)) => {
                self.latest = latest;
                self.place = Some(place);
                Turn::Wait { until: self.latest }
            }
            Err(refusal) => Turn::Refused(refusal),
        }
    }

    fn entered(&mut self) -> Turn<Ticket<H>, Refusal> {
        let inner = self.inner.take().expect("its turn comes once");
        Turn::Entered(Ticket::new(inner, self.cost))
    }
}

impl<H, K> Queue for SlotWait<H, K>
where
    H: Deref<Target = BulkheadInner<K>> + Gate<Pass = u32>,
    K: Timer,
{
    type Timer = K;
    type Leave = Ticket<H>;
    type Refusal = Refusal;

    fn timer(&self) -> &K {
        &self.inner().clock
    }

    fn poll_turn(&mut self, waker: &Waker) -> Turn<Self::Leave, Refusal> {
        if self.place.is_none() {
            return self.join(waker);
        }
        let inner = self.inner.as_ref().expect("it is asked no more once the turn has come");
        match inner.slots.turn(&mut self.place, || waker.clone()) {
            slots::SlotTurn::Entered => self.entered(),
            slots::SlotTurn::Refused(refusal) => Turn::Refused(refusal),
            slots::SlotTurn::Waiting if self.latest != Instant::MAX && inner.clock.now() >= self.latest => {
                let refusal = inner.slots.too_long(self.cost);
                self.leave();
                Turn::Refused(refusal)
            }
            slots::SlotTurn::Waiting => Turn::Wait { until: self.latest },
        }
    }

    fn refuse(&self, refusal: Refusal) -> Rejection {
        self.inner().refuse(refusal)
    }
}

impl<H: Deref<Target = BulkheadInner<K>>, K: Clock> Drop for SlotWait<H, K> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<H: Deref<Target = BulkheadInner<K>>, K: Clock> fmt::Debug for SlotWait<H, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotWait")
            .field("cost", &self.cost)
            .field("waits", &self.place.is_some())
            .finish_non_exhaustive()
    }
}
