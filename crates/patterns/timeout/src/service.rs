use std::{
    fmt,
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::time::{DefaultClock, Timer};
use seawall_policy::{KeepError, Reject};
use tower_service::Service;

use crate::{
    Timeout, TimeoutLimit,
    future::{ResponseFuture, drive, reject_unready},
    readiness::Readiness,
};

/// A service whose calls have a limit.
///
/// # Readiness
///
/// The service is as ready as the inner service, and holds nothing. The limit is for the call: the time until the service is ready
/// does not count. [`ready_within`](crate::TimeoutLayer::ready_within) bounds this time too. After it the service is ready, and its
/// next call is rejected. What the inner service holds while it waits, such as a place in a queue, stays with this clone until the
/// clone is polled again or dropped.
pub struct TimeoutService<S, L = Duration, K = DefaultClock, R = KeepError> {
    inner: S,
    timeout: Timeout<L, K>,
    reject: R,
    /// Boxed, because most services do not bound readiness.
    readiness: Option<Box<Readiness>>,
}

impl<S, L, K> TimeoutService<S, L, K> {
    /// Creates a service that limits the calls of `inner`, for errors that can carry a rejection.
    pub fn new(inner: S, timeout: Timeout<L, K>) -> Self {
        Self::with_parts(inner, timeout, KeepError, None)
    }
}

impl<S, L, K, R> TimeoutService<S, L, K, R> {
    pub(crate) fn with_parts(inner: S, timeout: Timeout<L, K>, reject: R, ready_within: Option<Duration>) -> Self {
        Self { inner, timeout, reject, readiness: ready_within.map(|limit| Box::new(Readiness::new(limit))) }
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service. A call of this service bypasses the timeout.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the timeout.
    pub fn policy(&self) -> &Timeout<L, K> {
        &self.timeout
    }
}

impl<S, L, K, R, Request> Service<Request> for TimeoutService<S, L, K, R>
where
    S: Service<Request>,
    L: TimeoutLimit<Request>,
    K: Timer + Clone,
    R: Reject<S::Response, S::Error, Error = S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, K, L::LatencySink, R>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        let polled = self.inner.poll_ready(cx);
        if let Some(readiness) = &mut self.readiness {
            if readiness.poll(polled.is_pending(), self.timeout.terms(), cx) {
                return Poll::Ready(Ok(()));
            }
        }
        polled
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        if let Some((limit, waited)) = self.readiness.as_mut().and_then(|readiness| readiness.take_over()) {
            return reject_unready(&self.timeout, self.timeout.limit.watch(), limit, waited, self.reject.clone());
        }
        let (limit, watch) = (self.timeout.limit_for(&request), self.timeout.limit.watch());
        drive(&self.timeout, limit, watch, || self.inner.call(request), self.reject.clone())
    }
}

// By hand: the time that a clone has waited belongs to that clone.
impl<S: Clone, L: Clone, K: Clone, R: Clone> Clone for TimeoutService<S, L, K, R> {
    fn clone(&self) -> Self {
        let ready_within = self.readiness.as_ref().map(|readiness| readiness.limit());
        Self::with_parts(self.inner.clone(), self.timeout.clone(), self.reject.clone(), ready_within)
    }
}

impl<S: fmt::Debug, L, K, R> fmt::Debug for TimeoutService<S, L, K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutService")
            .field("inner", &self.inner)
            .field("policy", &self.timeout)
            .finish_non_exhaustive()
    }
}
