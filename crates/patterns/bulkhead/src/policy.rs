use seawall_core::{
    Held, Rejection,
    slots::Refusal,
    time::{Clock, DefaultClock, Timer},
};
use seawall_policy::KeepError;
use seawall_policy::{
    Acquire, Admission, Admit, Answer, BoxedWait, Patient, Policy, QueueLayer, QueuePolicy, QueueService, Ticket,
    WaitLimit, Waiting,
};

use crate::{
    Bulkhead,
    inner::{BulkheadInner, Share},
    waiting::SlotWait,
};

/// A layer that guards services with one [`Bulkhead`], which they share. [`Bulkhead::layer`] makes it.
pub type BulkheadLayer<K = DefaultClock, R = KeepError> = QueueLayer<Bulkhead<K>, R>;

/// A service guarded by a [`Bulkhead`].
///
/// The call takes a slot, not `poll_ready`: a clone that is ready and idle takes none. If the bulkhead has a queue, the call
/// waits in its future. With [`waits_in_ready`](QueueLayer::waits_in_ready) or [`backpressure`](QueueLayer::backpressure) it
/// is a [`GateService`](seawall_policy::GateService), whose `poll_ready` waits for a slot and holds it for the next call. A clone
/// that was made ready and is then idle keeps the slot from the other clones.
pub type BulkheadService<S, K = DefaultClock, R = KeepError> = QueueService<S, Bulkhead<K>, R>;

impl<K: Clock> Policy for Bulkhead<K> {
    type Gate = Held<BulkheadInner<K>>;
    type Reserved = Ticket<Held<BulkheadInner<K>>>;
    type Refusal = Refusal;

    #[inline]
    fn enter(&self) -> Result<Ticket<Self::Gate>, Rejection> {
        self.try_enter(1).map_err(|refusal| self.inner().refuse(refusal))
    }

    #[inline]
    fn refusal(&self) -> Option<Refusal> {
        self.inner().slots.would_reject(1)
    }

    #[inline]
    fn refuse(&self, refusal: Refusal) -> Rejection {
        self.inner().refuse(refusal)
    }

    fn reserve(&self) -> Option<Self::Reserved> {
        self.try_enter(1).ok()
    }

    fn spend(&self, reserved: Self::Reserved) -> Result<Ticket<Self::Gate>, Rejection> {
        Ok(reserved)
    }
}

impl<K: Timer> QueuePolicy for Bulkhead<K> {
    type Queue = SlotWait<Share<K>, K>;

    #[inline]
    fn enter_or_wait(&self) -> Answer<Share<K>, Self::Queue> {
        match self.try_enter(1) {
            Ok(ticket) => Answer::Now(Ok(ticket)),
            Err(refusal) if self.inner().may_wait(&refusal) => Answer::Later(self.waiter()),
            Err(refusal) => Answer::Now(Err(self.inner().refuse(refusal))),
        }
    }
}

impl<K: Timer> Admit for Bulkhead<K> {
    type Shared = BulkheadInner<K>;
    type Wait = Waiting<SlotWait<Held<BulkheadInner<K>>, K>, Held<BulkheadInner<K>>>;

    #[inline]
    fn gate(&self) -> &BulkheadInner<K> {
        self.inner()
    }

    fn refuses(&self) -> bool {
        self.refusal().is_some_and(|refusal| !self.inner().may_wait(&refusal))
    }

    #[inline]
    fn admit(&self) -> Admission<u32, Self::Wait> {
        match self.inner().slots.try_enter(1) {
            Ok(()) => Admission::Entered(1),
            Err(refusal) if self.inner().may_wait(&refusal) => Admission::Wait(Waiting::new(self.waiter())),
            Err(refusal) => Admission::Refused(self.inner().refuse(refusal)),
        }
    }
}

impl<K: Timer + Send + Sync + 'static> Patient for Bulkhead<K> {
    fn wait(&self, patience: WaitLimit) -> BoxedWait<Self> {
        // Boxed, because `poll_ready` has no pinned `self`. Only a service that must wait makes the box.
        Box::pin(Acquire::new(SlotWait::new(self.shared().hold(), 1, patience)))
    }
}
