use std::{fmt, time::Duration};

use seawall_core::{
    Rejection,
    time::{DefaultClock, saturating_nanos},
};
use seawall_policy::{KeepError, Respond, WithResponse};
use tower_layer::Layer;

use crate::{Timeout, TimeoutService};

/// A layer that limits how long the calls of services take. [`Timeout::layer`] makes it.
#[derive(Clone)]
pub struct TimeoutLayer<L = Duration, K = DefaultClock, R = KeepError> {
    timeout: Timeout<L, K>,
    reject: R,
    /// In nanoseconds, which need half the memory of a [`Duration`]. `u64::MAX` is no bound.
    ready_within: u64,
}

impl<L, K> TimeoutLayer<L, K> {
    /// Creates a layer for errors that can carry a rejection.
    pub const fn new(timeout: Timeout<L, K>) -> Self {
        Self { timeout, reject: KeepError, ready_within: u64::MAX }
    }
}

impl<L, K, R> TimeoutLayer<L, K, R> {
    /// Answers a call that is cut off with the response that `respond` makes, and not with an error. The error type can then be any
    /// type, `Infallible` too.
    #[must_use]
    pub fn on_reject<F, T>(self, respond: F) -> TimeoutLayer<L, K, Respond<F>>
    where
        F: Fn(Rejection) -> T + Clone,
    {
        self.with_response(respond)
    }

    /// Bounds how long the inner service may take to become ready: a queue, a rate limit or a connection below that waits in
    /// `poll_ready`. After that time the service is ready, and its next call is rejected without touching the inner service.
    ///
    /// The time is apart from the call's own limit, so a caller waits for the sum of both at most. Default: readiness is not
    /// bounded.
    #[must_use]
    pub fn ready_within(self, limit: Duration) -> Self {
        Self { ready_within: saturating_nanos(limit), ..self }
    }

    /// Returns the timeout.
    pub fn policy(&self) -> &Timeout<L, K> {
        &self.timeout
    }
}

impl<L, K, R, A> WithResponse<A> for TimeoutLayer<L, K, R> {
    type Output = TimeoutLayer<L, K, Respond<A>>;

    fn with_response(self, answer: A) -> Self::Output {
        TimeoutLayer { timeout: self.timeout, reject: Respond(answer), ready_within: self.ready_within }
    }
}

impl<S, L: Clone, K: Clone, R: Clone> Layer<S> for TimeoutLayer<L, K, R> {
    type Service = TimeoutService<S, L, K, R>;

    fn layer(&self, inner: S) -> Self::Service {
        let ready_within = (self.ready_within < u64::MAX).then(|| Duration::from_nanos(self.ready_within));
        TimeoutService::with_parts(inner, self.timeout.clone(), self.reject.clone(), ready_within)
    }
}

impl<L, K, R> fmt::Debug for TimeoutLayer<L, K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutLayer").field("policy", &self.timeout).finish_non_exhaustive()
    }
}
