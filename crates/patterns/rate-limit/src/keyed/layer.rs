use std::fmt;

use seawall_core::{
    Rejection,
    time::{Clock, DefaultClock},
};
use seawall_policy::{KeepError, Respond, WithResponse};
use tower_layer::Layer;

use super::{KeyedRateLimitService, KeyedRateLimiter, SameQuota};

/// Guards services with one [`KeyedRateLimiter`], which they all share; from [`KeyedRateLimiter::layer`].
pub struct KeyedRateLimitLayer<Key, Q = SameQuota, K: Clock = DefaultClock, X = (), R = KeepError> {
    limiter: KeyedRateLimiter<Key, Q, K>,
    key: X,
    reject: R,
}

impl<Key, Q, K: Clock, X> KeyedRateLimitLayer<Key, Q, K, X> {
    pub(super) const fn new(limiter: KeyedRateLimiter<Key, Q, K>, key: X) -> Self {
        Self { limiter, key, reject: KeepError }
    }
}

impl<Key, Q, K: Clock, X, R> KeyedRateLimitLayer<Key, Q, K, X, R> {
    /// Answers a refused call with the response that `respond` makes, not with an error; the error type may then be
    /// any, `Infallible` too.
    #[must_use]
    pub fn on_reject<F, T>(self, respond: F) -> KeyedRateLimitLayer<Key, Q, K, X, Respond<F>>
    where
        F: Fn(Rejection) -> T + Clone,
    {
        self.with_response(respond)
    }
}

impl<Key, Q, K: Clock, X, R, A> WithResponse<A> for KeyedRateLimitLayer<Key, Q, K, X, R> {
    type Output = KeyedRateLimitLayer<Key, Q, K, X, Respond<A>>;

    fn with_response(self, answer: A) -> Self::Output {
        KeyedRateLimitLayer { limiter: self.limiter, key: self.key, reject: Respond(answer) }
    }
}

impl<S, Key, Q, K: Clock, X: Clone, R: Clone> Layer<S> for KeyedRateLimitLayer<Key, Q, K, X, R> {
    type Service = KeyedRateLimitService<S, Key, Q, K, X, R>;

    fn layer(&self, inner: S) -> Self::Service {
        KeyedRateLimitService::new(inner, self.limiter.clone(), self.key.clone(), self.reject.clone())
    }
}

// By hand: derive would ask `Clone` of what the handle shares.
impl<Key, Q, K: Clock, X: Clone, R: Clone> Clone for KeyedRateLimitLayer<Key, Q, K, X, R> {
    fn clone(&self) -> Self {
        Self { limiter: self.limiter.clone(), key: self.key.clone(), reject: self.reject.clone() }
    }
}

impl<Key, Q, K: Clock, X, R> fmt::Debug for KeyedRateLimitLayer<Key, Q, K, X, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRateLimitLayer").field("limiter", &self.limiter).finish_non_exhaustive()
    }
}
