use seawall_core::{
    Rejection,
    rate::{Denied, Refusal},
    time::{Clock, DefaultClock, Instant, Timer},
};
use seawall_policy::KeepError;
use seawall_policy::{
    Acquire, Admission, Admit, Answer, BoxedWait, Patient, Policy, QueueLayer, QueuePolicy, QueueService, Spent,
    Ticket, WaitLimit, Waiting,
};

use crate::{RateLimiter, inner::Reservation, waiting::RateWait};

/// Guards services with one [`RateLimiter`], which they all share; from [`RateLimiter::layer`].
pub type RateLimitLayer<K = DefaultClock, R = KeepError> = QueueLayer<RateLimiter<K>, R>;

/// A service guarded by a [`RateLimiter`].
///
/// `poll_ready` asks the inner service alone. The call asks the limiter, once. If calls may wait
/// ([`max_wait`](crate::Builder::max_wait)), the call waits in its future. With
/// [`waits_in_ready`](QueueLayer::waits_in_ready) or [`backpressure`](QueueLayer::backpressure) it is a
/// [`GateService`](seawall_policy::GateService), whose `poll_ready` waits for its turn first, and keeps the permit for the
/// call that follows. The permit is given back if no call follows.
pub type RateLimitService<S, K = DefaultClock, R = KeepError> = QueueService<S, RateLimiter<K>, R>;

impl<K: Clock> Policy for RateLimiter<K> {
    type Gate = Spent;
    type Reserved = Reservation<K>;
    type Refusal = Refusal;

    // Each question reads the clock, so a call asks once.
    const ASKED_IN_READY: bool = false;

    #[inline]
    fn enter(&self) -> Result<Ticket<Spent>, Rejection> {
        self.inner().enter(1).map(|()| Ticket::new(Spent, ()))
    }

    #[inline]
    fn refusal(&self) -> Option<Refusal> {
        self.inner().limiter.would_reject(1, self.inner().clock.now())
    }

    #[inline]
    fn refuse(&self, refusal: Refusal) -> Rejection {
        self.inner().refuse(refusal)
    }

    fn reserve(&self) -> Option<Reservation<K>> {
        let now = self.inner().clock.now();
        let entered = self.inner().try_enter_at(1, now);
        entered.ok().map(|at| Reservation::new(self.shared().hold(), 1, at))
    }

    fn spend(&self, reserved: Reservation<K>) -> Result<Ticket<Spent>, Rejection> {
        Ok(reserved.into())
    }
}

impl<K: Timer> QueuePolicy for RateLimiter<K> {
    type Queue = RateWait<K>;

    #[inline]
    fn enter_or_wait(&self) -> Answer<Spent, RateWait<K>> {
        let inner = self.inner();
        if inner.max_wait.is_some() {
            return match inner.try_enter(1) {
                Ok(_) => Answer::Now(Ok(Ticket::new(Spent, ()))),
                Err(_) => Answer::Later(self.waiter()),
            };
        }
        Answer::Now(inner.enter(1).map(|()| Ticket::new(Spent, ())))
    }
}

impl<K: Timer> Admit for RateLimiter<K> {
    type Shared = Spent;
    type Wait = Waiting<RateWait<K>, Spent>;

    #[inline]
    fn gate(&self) -> &Spent {
        &Spent
    }

    fn refuses(&self) -> bool {
        self.inner().max_wait.is_none() && self.refusal().is_some()
    }

    #[inline]
    fn admit(&self) -> Admission<(), Self::Wait> {
        let inner = self.inner();
        let now = inner.clock.now();
        match inner.limiter.try_enter(1, now) {
            Ok(()) => Admission::Entered(()),
            Err(denied) => self.admit_or_queue(denied, now),
        }
    }
}

impl<K: Timer> RateLimiter<K> {
    // Out of line, as its large result would burden the short way.
    #[cold]
    fn admit_or_queue(&self, denied: Denied, now: Instant) -> Admission<(), Waiting<RateWait<K>, Spent>> {
        let inner = self.inner();
        match inner.resolve(denied, 1, now) {
            Ok(_) => Admission::Entered(()),
            Err(_) if inner.max_wait.is_some() => Admission::Wait(Waiting::new(self.waiter())),
            Err(refusal) => Admission::Refused(inner.refuse(refusal)),
        }
    }
}

impl<K: Timer + Send + Sync + 'static> Patient for RateLimiter<K> {
    fn wait(&self, patience: WaitLimit) -> BoxedWait<Self> {
        // A box, as `poll_ready` has nothing pinned to keep it in; made only by who has to wait.
        Box::pin(Acquire::new(RateWait::new(self.shared().hold(), 1, patience)))
    }
}
