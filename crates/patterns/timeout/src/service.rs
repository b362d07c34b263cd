use std::{
    fmt,
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::time::{DefaultClock, Timer};
use seawall_policy::{KeepError, Reject};
use tower_service::Service;

use crate::{
    Limit, Timeout,
    future::{ResponseFuture, drive},
};

/// A service whose calls have a limit.
///
/// # Readiness
///
/// It is as ready as the inner service, and holds nothing of its own. The limit is for the call: how long it takes until
/// the service is ready does not count.
#[derive(Clone)]
pub struct TimeoutService<S, L = Duration, K = DefaultClock, R = KeepError> {
    inner: S,
    timeout: Timeout<L, K>,
    reject: R,
}

impl<S, L, K> TimeoutService<S, L, K> {
    /// Limits the calls of `inner` by `timeout`, for errors that can carry a rejection.
    pub const fn new(inner: S, timeout: Timeout<L, K>) -> Self {
        Self::with_parts(inner, timeout, KeepError)
    }
}

impl<S, L, K, R> TimeoutService<S, L, K, R> {
    pub(crate) const fn with_parts(inner: S, timeout: Timeout<L, K>, reject: R) -> Self {
        Self { inner, timeout, reject }
    }

    /// The service whose calls are limited.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service whose calls are limited. To call it is to go around the timeout.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The timeout.
    pub fn policy(&self) -> &Timeout<L, K> {
        &self.timeout
    }
}

impl<S, L, K, R, Request> Service<Request> for TimeoutService<S, L, K, R>
where
    S: Service<Request>,
    L: Limit<Request>,
    K: Timer + Clone,
    R: Reject<S::Response, S::Error, Error = S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, K, L::Watch, R>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let (limit, watch) = (self.timeout.limit_for(&request), self.timeout.limit.watch());
        drive(&self.timeout, limit, watch, || self.inner.call(request), self.reject.clone())
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
