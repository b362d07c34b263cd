use std::{
    fmt,
    task::{Context, Poll, ready},
};

use seawall_core::{
    Classify, ErrIsFailure, KeepError, Reject,
    breaker::Refusal,
    time::{Clock, DefaultClock},
};
use tower_service::Service;

use crate::{CircuitBreaker, future::ResponseFuture, parking::Waiting};

/// A service guarded by a [`CircuitBreaker`].
///
/// # Readiness
///
/// While the circuit refuses calls, `poll_ready` answers `Ready` without asking the inner service, and the call that
/// follows is refused, even if the circuit has closed since: the inner service was not made ready for it. Else it is as
/// ready as the inner service. It reserves nothing in the breaker: a clone that is ready and idle is in nobody's way, and
/// a call that was made ready can still be refused.
///
/// With [`backpressure`](crate::CircuitBreakerLayer::backpressure) the service is not ready while the circuit refuses
/// calls, and the task is woken when it lets them in again.
///
/// An error of the inner service's `poll_ready` is passed on and not counted: no call was made.
pub struct CircuitBreakerService<S, C = ErrIsFailure, K: Clock = DefaultClock, R = KeepError> {
    inner: S,
    breaker: CircuitBreaker<C, K>,
    reject: R,
    /// What `poll_ready` found, for `call` to answer with.
    refusal: Option<Refusal>,
    waiting: Option<Waiting<K>>,
}

impl<S, C, K: Clock> CircuitBreakerService<S, C, K> {
    /// Guards `inner` with `breaker`.
    pub const fn new(inner: S, breaker: CircuitBreaker<C, K>) -> Self {
        Self { inner, breaker, reject: KeepError, refusal: None, waiting: None }
    }
}

impl<S, C, K: Clock, R> CircuitBreakerService<S, C, K, R> {
    pub(crate) fn with_parts(inner: S, breaker: CircuitBreaker<C, K>, reject: R, waiting: Option<Waiting<K>>) -> Self {
        Self { inner, breaker, reject, refusal: None, waiting }
    }

    /// The guarded service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The guarded service. To call it is to go around the breaker.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The breaker that guards it.
    pub fn breaker(&self) -> &CircuitBreaker<C, K> {
        &self.breaker
    }
}

impl<S, C, K, R, Request> Service<Request> for CircuitBreakerService<S, C, K, R>
where
    S: Service<Request>,
    C: Classify<S::Response, S::Error>,
    K: Clock,
    R: Reject<S::Response, S::Error, Error = S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, C, K, R>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.refusal = None;
        let shared = self.breaker.inner();
        if let Some(waiting) = &mut self.waiting {
            ready!(waiting.poll(cx, &shared.parking, &shared.clock, || shared.refusal()));
        } else if let Some(refusal) = shared.refusal() {
            self.refusal = Some(refusal);
            return Poll::Ready(Ok(()));
        }
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        match self.refusal.take() {
            Some(refusal) => ResponseFuture::refused(self.breaker.inner().refuse(&refusal), self.reject.clone()),
            None => self.breaker.drive(|| self.inner.call(request), || self.reject.clone()),
        }
    }
}

// By hand: what `poll_ready` found belongs to this clone alone.
impl<S: Clone, C, K: Clock, R: Clone> Clone for CircuitBreakerService<S, C, K, R> {
    fn clone(&self) -> Self {
        let waiting = self.waiting.as_ref().map(Waiting::anew);
        Self::with_parts(self.inner.clone(), self.breaker.clone(), self.reject.clone(), waiting)
    }
}

impl<S, C, K: Clock, R> Drop for CircuitBreakerService<S, C, K, R> {
    fn drop(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            waiting.end(&self.breaker.inner().parking);
        }
    }
}

impl<S: fmt::Debug, C, K: Clock, R> fmt::Debug for CircuitBreakerService<S, C, K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerService")
            .field("inner", &self.inner)
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}
