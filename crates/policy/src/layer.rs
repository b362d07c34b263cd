use std::fmt;

use crate::{KeepError, Respond, WithResponse};
use seawall_core::Rejection;
use tower_layer::Layer;

use crate::{BoxedWait, GateService, Patient, Policy, WaitLimit};

/// A layer that guards services with one policy, which they share. A policy's `layer()` makes it.
pub struct GateLayer<P: Policy, R = KeepError> {
    policy: P,
    reject: R,
    wait: Option<WaitFn<P>>,
}

/// How the services wait in `poll_ready`.
// A function pointer, so that only layers that wait need the bounds of waiting.
pub(crate) type WaitFn<P> = fn(&P) -> BoxedWait<P>;

impl<P: Policy> GateLayer<P> {
    /// Creates a layer that guards with `policy`. A call that finds no room is rejected at once.
    pub const fn new(policy: P) -> Self {
        Self { policy, reject: KeepError, wait: None }
    }
}

impl<P: Policy, R> GateLayer<P, R> {
    pub(crate) const fn with_parts(policy: P, reject: R, wait: Option<WaitFn<P>>) -> Self {
        Self { policy, reject, wait }
    }

    /// Answers a rejected call with the response that `respond` makes, and not with an error. The error type can then be any
    /// type, `Infallible` too.
    #[must_use]
    pub fn on_reject<F, T>(self, respond: F) -> GateLayer<P, Respond<F>>
    where
        F: Fn(Rejection) -> T + Clone,
    {
        self.with_response(respond)
    }

    /// Makes the service not ready while there is no room, for any length of time. The service wakes the task that polled it
    /// when there is room. A balancer then passes by the endpoint, and comes back by itself.
    ///
    /// Without this setting, a call that finds no room is rejected.
    #[must_use]
    pub fn backpressure(self) -> Self
    where
        P: Patient,
    {
        Self { wait: Some(|policy| policy.wait(WaitLimit::Unlimited)), ..self }
    }

    /// Returns the policy.
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

// Written manually: derive would ask `Clone` of all types of `P`.
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
