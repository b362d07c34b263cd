use std::{
    fmt,
    marker::PhantomData,
    task::{Context, Poll},
};

use seawall_core::{
    attempts::Attempt,
    time::{DefaultClock, Timer},
};
use tower_service::Service;

use crate::{
    CloneRequest, Decide, OwnRule, Plan, Retry, ShowsRejections, Visibility,
    future::{ResponseFuture, drive},
    handle::RetryOwned,
    resend::Resend,
};

/// A service that makes its failed calls again.
///
/// # Readiness
///
/// The service is as ready as the inner service. The first attempt goes to the inner service that was polled ready. Each further
/// attempt goes to a clone, which is polled ready first. This wait is part of the attempt, and an error of it is the attempt's
/// result. A clone that is ready and idle holds whatever the inner service then holds.
pub struct RetryService<S, P = Plan, K = DefaultClock, Q = OwnRule, V = ShowsRejections> {
    inner: S,
    retry: Retry<P, K>,
    clone: Q,
    sight: PhantomData<fn() -> V>,
}

impl<S, P, K> RetryService<S, P, K> {
    /// Retries the calls of `inner` by `retry`, for errors that show a policy's rejections. A request is sent again if the rule of its
    /// type, [`RepeatRequest`](crate::RepeatRequest), allows another attempt.
    pub const fn new(inner: S, retry: Retry<P, K>) -> Self {
        Self::with_parts(inner, retry, OwnRule)
    }
}

impl<S, P, K, Q, V> RetryService<S, P, K, Q, V> {
    pub(crate) const fn with_parts(inner: S, retry: Retry<P, K>, clone: Q) -> Self {
        Self { inner, retry, clone, sight: PhantomData }
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service. A call of this service bypasses the retry.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the retry.
    pub fn policy(&self) -> &Retry<P, K> {
        &self.retry
    }
}

impl<S, P, K, Q, V, Request> Service<Request> for RetryService<S, P, K, Q, V>
where
    S: Service<Request> + Clone,
    P: Decide<S::Response, S::Error> + Clone,
    K: Timer + Clone,
    Q: CloneRequest<Request> + Clone,
    V: Visibility<S::Error>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<Resend<S, Request, Q>, RetryOwned<P, K>, V>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline(always)]
    fn call(&mut self, request: Request) -> Self::Future {
        let Self { inner, retry, clone, .. } = self;
        let begin = |attempt: Attempt| {
            let mut resend = Resend::never(clone.clone());
            let sent = resend.first(inner, request, attempt, retry.parts().may_follow(attempt.number()));
            (resend, sent)
        };
        drive(retry.parts(), || retry.lend(), begin)
    }
}

// By hand: derive would ask `Clone` and `Debug` of what is only a type here.
impl<S: Clone, P: Clone, K: Clone, Q: Clone, V> Clone for RetryService<S, P, K, Q, V> {
    fn clone(&self) -> Self {
        Self::with_parts(self.inner.clone(), self.retry.clone(), self.clone.clone())
    }
}

impl<S: fmt::Debug, P, K, Q, V> fmt::Debug for RetryService<S, P, K, Q, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryService").field("inner", &self.inner).field("policy", &self.retry).finish_non_exhaustive()
    }
}
