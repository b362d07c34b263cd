use std::{fmt, marker::PhantomData};

use seawall_core::{Rejection, Shared, lanes};
use seawall_policy::{KeepError, Opaque, Respond, ShowsRejections, WithResponse, WrapError};
use seawall_retry::{CloneAll, OwnRule};
use tower_layer::Layer;

use super::StackService;

/// A layer of the policies of a [`Stack`](super::Stack), from [`Stack::layer`](super::Stack::layer). Its services share the
/// policies.
///
/// Errors are wrapped in [`Error`](seawall_core::Error), so the inner service may have any error type.
pub struct StackLayer<P, Q = OwnRule, R = WrapError, V = Opaque> {
    policies: Shared<P>,
    how: ServiceConfig<Q, R, V>,
}

/// How services keep requests, end rejected calls, and see rejections in errors.
pub(super) struct ServiceConfig<Q, R, V> {
    pub(super) clone: Q,
    pub(super) reject: R,
    sight: PhantomData<fn() -> V>,
}

impl<P> StackLayer<P> {
    pub(super) fn new(policies: P) -> Self {
        let how = ServiceConfig { clone: OwnRule, reject: WrapError, sight: PhantomData };
        Self { policies: Shared::new(policies, lanes()), how }
    }
}

impl<P, Q, R, V> StackLayer<P, Q, R, V> {
    /// Repeats every request, for types that are `Clone`. Use this if the callee may do each request twice.
    #[must_use]
    pub fn clone_all(self) -> StackLayer<P, CloneAll, R, V> {
        self.clone_request(CloneAll)
    }

    /// Keeps requests by `clone` if the stack may send them again: a function `Fn(&Request) -> Option<Request>`, or a
    /// [`CloneRequest`](seawall_retry::CloneRequest). A request without a copy is sent once. Default: the
    /// rule of the request's type, [`RepeatRequest`](seawall_retry::RepeatRequest).
    #[must_use]
    pub fn clone_request<C>(self, clone: C) -> StackLayer<P, C, R, V> {
        let ServiceConfig { reject, sight, .. } = self.how;
        StackLayer { policies: self.policies, how: ServiceConfig { clone, reject, sight } }
    }

    /// Keeps the error type, for errors that can carry a rejection ([`FromRejection`](seawall_core::FromRejection)) and show
    /// it ([`AsRejection`](seawall_core::AsRejection)): another stack's error, or a boxed error.
    #[must_use]
    pub fn keep_error(self) -> StackLayer<P, Q, KeepError, ShowsRejections> {
        let ServiceConfig { clone, .. } = self.how;
        StackLayer { policies: self.policies, how: ServiceConfig { clone, reject: KeepError, sight: PhantomData } }
    }

    /// Ends a rejected call with the response that `respond` makes, not with an error. The error type stays as it is, and may
    /// be any type, `Infallible` too.
    #[must_use]
    pub fn on_reject<F, T>(self, respond: F) -> StackLayer<P, Q, Respond<F>, Opaque>
    where
        F: Fn(Rejection) -> T + Clone,
    {
        self.with_response(respond)
    }

    /// The policies.
    pub fn policies(&self) -> &P {
        &self.policies
    }
}

impl<P, Q, R, V, A> WithResponse<A> for StackLayer<P, Q, R, V> {
    type Output = StackLayer<P, Q, Respond<A>, Opaque>;

    fn with_response(self, answer: A) -> Self::Output {
        let ServiceConfig { clone, .. } = self.how;
        StackLayer {
            policies: self.policies,
            how: ServiceConfig { clone, reject: Respond(answer), sight: PhantomData },
        }
    }
}

impl<S, P, Q: Clone, R: Clone, V> Layer<S> for StackLayer<P, Q, R, V> {
    type Service = StackService<S, P, Q, R, V>;

    fn layer(&self, inner: S) -> Self::Service {
        StackService::new(inner, self.policies.clone(), self.how.clone())
    }
}

// Written manually, because derive would require `Clone` of shared state and of marker types.
impl<P, Q: Clone, R: Clone, V> Clone for StackLayer<P, Q, R, V> {
    fn clone(&self) -> Self {
        Self { policies: self.policies.clone(), how: self.how.clone() }
    }
}

impl<Q: Clone, R: Clone, V> Clone for ServiceConfig<Q, R, V> {
    fn clone(&self) -> Self {
        Self { clone: self.clone.clone(), reject: self.reject.clone(), sight: PhantomData }
    }
}

impl<P, Q, R, V> fmt::Debug for StackLayer<P, Q, R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackLayer").finish_non_exhaustive()
    }
}
