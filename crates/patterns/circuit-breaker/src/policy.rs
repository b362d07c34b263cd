use std::future::Pending;

use seawall_core::{
    ErrIsFailure, Held, Rejection,
    breaker::{Pass, Refusal},
    time::{Clock, DefaultClock, Timer},
};
use seawall_policy::KeepError;
use seawall_policy::{
    Acquire, Admission, Admit, BoxedWait, GateLayer, GateService, Patient, Policy, Ticket, WaitLimit,
};

use crate::{CircuitBreaker, inner::BreakerInner, waiting::CircuitWait};

/// Guards services with one [`CircuitBreaker`], which they all share; from [`CircuitBreaker::layer`].
pub type CircuitBreakerLayer<C = ErrIsFailure, K = DefaultClock, R = KeepError> = GateLayer<CircuitBreaker<C, K>, R>;

/// A service guarded by a [`CircuitBreaker`].
///
/// It reserves nothing in the breaker: with [`backpressure`](GateLayer::backpressure) too a call that was made ready can
/// be refused, where others have opened the circuit meanwhile, or taken the places for probes. An error of the inner
/// service's `poll_ready` is not counted: no call was made.
pub type CircuitBreakerService<S, C = ErrIsFailure, K = DefaultClock, R = KeepError> =
    GateService<S, CircuitBreaker<C, K>, R>;

impl<C, K: Clock> Policy for CircuitBreaker<C, K> {
    type Gate = Held<BreakerInner<C, K>>;
    /// To hold a place for a probe would keep it from others, so nothing is held.
    type Reserved = ();
    type Refusal = Refusal;

    #[inline]
    fn enter(&self) -> Result<Ticket<Self::Gate>, Rejection> {
        self.inner().enter().map(|pass| Ticket::new(self.shared().hold(), pass))
    }

    #[inline]
    fn refusal(&self) -> Option<Refusal> {
        self.inner().refusal()
    }

    #[inline]
    fn refuse(&self, refusal: Refusal) -> Rejection {
        self.inner().refuse(&refusal)
    }

    fn reserve(&self) -> Option<()> {
        self.inner().refusal().is_none().then_some(())
    }

    fn is_good(&self, (): &()) -> bool {
        self.inner().refusal().is_none()
    }

    fn spend(&self, (): ()) -> Result<Ticket<Self::Gate>, Rejection> {
        self.enter()
    }
}

impl<C, K: Clock> Admit for CircuitBreaker<C, K> {
    type Shared = BreakerInner<C, K>;
    /// Nobody waits for a circuit.
    type Wait = Pending<Result<Ticket<Self::Gate>, Rejection>>;

    #[inline]
    fn gate(&self) -> &BreakerInner<C, K> {
        self.inner()
    }

    fn refuses(&self) -> bool {
        self.inner().refusal().is_some()
    }

    #[inline]
    fn admit(&self) -> Admission<Pass, Self::Wait> {
        match self.inner().enter() {
            Ok(pass) => Admission::Entered(pass),
            Err(rejection) => Admission::Refused(rejection),
        }
    }
}

impl<C, K> Patient for CircuitBreaker<C, K>
where
    C: Send + Sync + 'static,
    K: Timer + Send + Sync + 'static,
{
    /// A circuit has no queue, so to be patient is to wait for as long as it takes.
    fn wait(&self, _: WaitLimit) -> BoxedWait<Self> {
        // A box, as `poll_ready` has nothing pinned to keep it in; made only by who has to wait.
        Box::pin(Acquire::new(CircuitWait::new(self.shared().hold())))
    }
}
