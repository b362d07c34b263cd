use std::fmt;

use seawall_core::{
    ErrIsFailure, KeepError, Rejection, Respond,
    time::{Clock, DefaultClock, Timer},
};
use tower_layer::Layer;

use crate::{CircuitBreaker, CircuitBreakerService, parking::Waiting};

/// Guards services with one [`CircuitBreaker`], which they all share; from [`CircuitBreaker::layer`].
pub struct CircuitBreakerLayer<C = ErrIsFailure, K: Clock = DefaultClock, R = KeepError> {
    breaker: CircuitBreaker<C, K>,
    reject: R,
    wait: Option<fn() -> Waiting<K>>,
}

impl<C, K: Clock> CircuitBreakerLayer<C, K> {
    /// Guards with `breaker`.
    pub const fn new(breaker: CircuitBreaker<C, K>) -> Self {
        Self { breaker, reject: KeepError, wait: None }
    }
}

impl<C, K: Clock, R> CircuitBreakerLayer<C, K, R> {
    /// Answers a refused call with the response that `respond` makes, not with an error; the error type may then be
    /// any, `Infallible` too.
    #[must_use]
    pub fn on_reject<F, T>(self, respond: F) -> CircuitBreakerLayer<C, K, Respond<F>>
    where
        F: Fn(Rejection) -> T + Clone,
    {
        CircuitBreakerLayer { breaker: self.breaker, reject: Respond(respond), wait: self.wait }
    }

    /// While the circuit refuses calls, the service is not ready, and whoever polls it is woken when it lets calls in
    /// again. A balancer then drops the endpoint and comes back by itself.
    ///
    /// Without this, the service is ready and the call is refused at once.
    #[must_use]
    pub fn backpressure(self) -> Self
    where
        K: Timer,
    {
        Self { wait: Some(Waiting::new), ..self }
    }
}

impl<S, C, K: Clock, R: Clone> Layer<S> for CircuitBreakerLayer<C, K, R> {
    type Service = CircuitBreakerService<S, C, K, R>;

    fn layer(&self, inner: S) -> Self::Service {
        CircuitBreakerService::with_parts(
            inner,
            self.breaker.clone(),
            self.reject.clone(),
            self.wait.map(|wait| wait()),
        )
    }
}

// By hand: derive would ask `Clone` of the classifier and the clock, which the handle shares.
impl<C, K: Clock, R: Clone> Clone for CircuitBreakerLayer<C, K, R> {
    fn clone(&self) -> Self {
        Self { breaker: self.breaker.clone(), reject: self.reject.clone(), wait: self.wait }
    }
}

impl<C, K: Clock, R> fmt::Debug for CircuitBreakerLayer<C, K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerLayer")
            .field("breaker", &self.breaker)
            .field("backpressure", &self.wait.is_some())
            .finish_non_exhaustive()
    }
}
