use std::{
    fmt,
    hash::Hash,
    task::{Context, Poll},
};

use seawall_core::{
    rate::keyed::Quotas,
    time::{Clock, DefaultClock},
};
use seawall_policy::drive;
use seawall_policy::{KeepError, Reject};
use tower_service::Service;

use super::{KeyedRateLimiter, SameQuota};
use crate::future::ResponseFuture;

/// A service guarded by a [`KeyedRateLimiter`].
///
/// # Readiness
///
/// As of the inner service: whose call it will be is known only with the request. So a call that was made ready can be
/// refused, and the inner service is then ready for the next one.
pub struct KeyedRateLimitService<S, Key, Q = SameQuota, K: Clock = DefaultClock, X = (), R = KeepError> {
    inner: S,
    limiter: KeyedRateLimiter<Key, Q, K>,
    key: X,
    reject: R,
}

impl<S, Key, Q, K: Clock, X, R> KeyedRateLimitService<S, Key, Q, K, X, R> {
    pub(super) const fn new(inner: S, limiter: KeyedRateLimiter<Key, Q, K>, key: X, reject: R) -> Self {
        Self { inner, limiter, key, reject }
    }

    /// The guarded service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The guarded service. To call it is to go around the limiter.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The limiter that guards it.
    pub fn policy(&self) -> &KeyedRateLimiter<Key, Q, K> {
        &self.limiter
    }
}

impl<S, Key, Q, K, X, R, Request> Service<Request> for KeyedRateLimitService<S, Key, Q, K, X, R>
where
    S: Service<Request>,
    Key: Hash + Eq + Clone,
    Q: Quotas<Key>,
    K: Clock,
    X: Fn(&Request) -> Key,
    R: Reject<S::Response, S::Error, Error = S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let key = (self.key)(&request);
        drive(self.limiter.enter(&key, 1), || self.inner.call(request), || self.reject.clone())
    }
}

// By hand: derive would ask `Clone` of what the handle shares.
impl<S: Clone, Key, Q, K: Clock, X: Clone, R: Clone> Clone for KeyedRateLimitService<S, Key, Q, K, X, R> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.limiter.clone(), self.key.clone(), self.reject.clone())
    }
}

impl<S: fmt::Debug, Key, Q, K: Clock, X, R> fmt::Debug for KeyedRateLimitService<S, Key, Q, K, X, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRateLimitService")
            .field("inner", &self.inner)
            .field("limiter", &self.limiter)
            .finish_non_exhaustive()
    }
}
