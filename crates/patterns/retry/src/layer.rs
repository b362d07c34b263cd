use std::{fmt, marker::PhantomData};

use seawall_core::time::DefaultClock;
use tower_layer::Layer;

use crate::{CloneAll, Opaque, OwnRule, Plan, Retry, RetryService, ShowsRejections};

/// A layer that retries the calls of services. [`Retry::layer`] makes it. The services share the retry's budget.
pub struct RetryLayer<P = Plan, K = DefaultClock, Q = OwnRule, V = ShowsRejections> {
    retry: Retry<P, K>,
    clone: Q,
    sight: PhantomData<fn() -> V>,
}

impl<P, K> RetryLayer<P, K> {
    /// Creates a layer for errors that show a policy's rejections. The layer sends a request again if the rule of the request's type,
    /// [`RepeatRequest`](crate::RepeatRequest), allows another attempt.
    pub const fn new(retry: Retry<P, K>) -> Self {
        Self { retry, clone: OwnRule, sight: PhantomData }
    }
}

impl<P, K, Q, V> RetryLayer<P, K, Q, V> {
    /// Repeats every request, for types that are `Clone`. Use this if the callee may do each request twice.
    #[must_use]
    pub fn clone_all(self) -> RetryLayer<P, K, CloneAll, V> {
        self.clone_request(CloneAll)
    }

    /// Copies requests by `clone`: a function `Fn(&Request) -> Option<Request>`, or a [`CloneRequest`](crate::CloneRequest) that
    /// also tells each request its attempt. A request without a copy is sent once.
    #[must_use]
    pub fn clone_request<C>(self, clone: C) -> RetryLayer<P, K, C, V> {
        RetryLayer { retry: self.retry, clone, sight: PhantomData }
    }

    /// For errors that cannot show whether they are a policy's rejection. As with [`Retry::execute`], the retry recognizes a
    /// rejection that a policy made in the last poll of the attempt.
    #[must_use]
    pub fn any_error(self) -> RetryLayer<P, K, Q, Opaque> {
        RetryLayer { retry: self.retry, clone: self.clone, sight: PhantomData }
    }

    /// Returns the retry.
    pub fn policy(&self) -> &Retry<P, K> {
        &self.retry
    }
}

impl<S, P: Clone, K: Clone, Q: Clone, V> Layer<S> for RetryLayer<P, K, Q, V> {
    type Service = RetryService<S, P, K, Q, V>;

    fn layer(&self, inner: S) -> Self::Service {
        RetryService::with_parts(inner, self.retry.clone(), self.clone.clone())
    }
}

// By hand: derive would ask `Clone` and `Debug` of what is only a type here.
impl<P: Clone, K: Clone, Q: Clone, V> Clone for RetryLayer<P, K, Q, V> {
    fn clone(&self) -> Self {
        Self { retry: self.retry.clone(), clone: self.clone.clone(), sight: PhantomData }
    }
}

impl<P, K, Q, V> fmt::Debug for RetryLayer<P, K, Q, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer").field("policy", &self.retry).finish_non_exhaustive()
    }
}
