use std::{fmt, time::Duration};

use seawall_core::{Rejection, time::DefaultClock};
use seawall_policy::{KeepError, Respond, WithResponse};
use tower_layer::Layer;

use crate::{Timeout, TimeoutService};

/// Limits how long the calls of services take, by one [`Timeout`]; from [`Timeout::layer`].
#[derive(Clone)]
pub struct TimeoutLayer<L = Duration, K = DefaultClock, R = KeepError> {
    timeout: Timeout<L, K>,
    reject: R,
}

impl<L, K> TimeoutLayer<L, K> {
    /// Limits by `timeout`, for errors that can carry a rejection.
    pub const fn new(timeout: Timeout<L, K>) -> Self {
        Self { timeout, reject: KeepError }
    }
}

impl<L, K, R> TimeoutLayer<L, K, R> {
    /// Answers a call that is cut off with the response that `respond` makes, not with an error; the error type may then
    /// be any, `Infallible` too.
    #[must_use]
    pub fn on_reject<F, T>(self, respond: F) -> TimeoutLayer<L, K, Respond<F>>
    where
        F: Fn(Rejection) -> T + Clone,
    {
        self.with_response(respond)
    }

    /// The timeout.
    pub fn policy(&self) -> &Timeout<L, K> {
        &self.timeout
    }
}

impl<L, K, R, A> WithResponse<A> for TimeoutLayer<L, K, R> {
    type Output = TimeoutLayer<L, K, Respond<A>>;

    fn with_response(self, answer: A) -> Self::Output {
        TimeoutLayer { timeout: self.timeout, reject: Respond(answer) }
    }
}

impl<S, L: Clone, K: Clone, R: Clone> Layer<S> for TimeoutLayer<L, K, R> {
    type Service = TimeoutService<S, L, K, R>;

    fn layer(&self, inner: S) -> Self::Service {
        TimeoutService::with_parts(inner, self.timeout.clone(), self.reject.clone())
    }
}

impl<L, K, R> fmt::Debug for TimeoutLayer<L, K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutLayer").field("policy", &self.timeout).finish_non_exhaustive()
    }
}
