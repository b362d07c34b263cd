use std::fmt;

use crate::{KeepError, Respond, WithResponse};
use seawall_core::Rejection;
use tower_layer::Layer;

use crate::{BoxedWait, GateService, Patient, Policy, WaitLimit};

/// Guards services with one policy, which they all share; from the policy's `layer()`.
pub struct GateLayer<P: Policy, R = KeepError> {
    policy: P,
    reject: R,
    wait: Option<WaitFn<P>>,
}

/// How the services wait in `poll_ready`, if they do.
// A function, so that what waiting asks for is asked of those alone who wait.
pub(crate) type WaitFn<P> = fn(&P) -> BoxedWait<P>;

impl<P: Policy> GateLayer<P> {
    /// Guards with `policy`; a call is refused at once where there is no room.
    pub const fn new(policy: P) -> Self {
        Self { policy, reject: KeepError, wait: None }
    }
}

impl<P: Policy, R> GateLayer<P, R> {
    pub(crate) const fn with_parts(policy: P, reject: R, wait: Option<WaitFn<P>>) -> Self {
        Self { policy, reject, wait }
    }

    /// Answers a refused call with the response that `respond` makes, not with an error; the error type may then be
    /// any, `Infallible` too.
    #[must_use]
    pub fn on_reject<F, T>(self, respond: F) -> GateLayer<P, Respond<F>>
    where
        F: Fn(Rejection) -> T + Clone,
    {
        self.with_response(respond)
    }

    /// While there is no room, the service is not ready, however long that takes, and whoever polls it is woken when
    /// there is. A balancer then drops the endpoint and comes back by itself.
    ///
    /// Without this a call that finds no room is refused.
    #[must_use]
    pub fn backpressure(self) -> Self
    where
        P: Patient,
    {
        Self { wait: Some(|policy| policy.wait(WaitLimit::Unlimited)), ..self }
    }

    /// The policy.
    pub fn policy(&self) -> &P {
        &self.policy
    }
}

impl<P: Policy, R, A> WithResponse<A> for GateLayer<P, R> {
    type Output = GateLayer<P, Respond<A>>;

    fn with_response(self, answer: A) -> Self::Output {
        GateLayer { policy: self.policy, reject: Respond(answer), wait: self.wait }
    }
}

impl<S, P: Policy, R: Clone> Layer<S> for GateLayer<P, R> {
    type Service = GateService<S, P, R>;

    fn layer(&self, inner: S) -> Self::Service {
        GateService::with_parts(inner, self.policy.clone(), self.reject.clone(), self.wait)
    }
}

// By hand: derive copies nothing else, but asks for no less than all of `P`'s types.
impl<P: Policy, R: Clone> Clone for GateLayer<P, R> {
    fn clone(&self) -> Self {
        Self { policy: self.policy.clone(), reject: self.reject.clone(), wait: self.wait }
    }
}

impl<P: Policy + fmt::Debug, R> fmt::Debug for GateLayer<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateLayer")
            .field("policy", &self.policy)
            .field("waits", &self.wait.is_some())
            .finish_non_exhaustive()
    }
}
