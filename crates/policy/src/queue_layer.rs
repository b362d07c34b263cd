use std::fmt;

use seawall_core::Rejection;
use tower_layer::Layer;

use crate::{GateLayer, KeepError, Patient, QueuePolicy, QueueService, Respond, WaitLimit, WithResponse};

/// Guards services with one policy whose calls can wait for their turn; from the policy's `layer()`.
///
/// By default a call waits in its own future, so a timeout around it bounds the wait. The services must be `Clone`,
/// because a call that had to wait goes by a clone of the service. [`at_once`](Self::at_once),
/// [`waits_in_ready`](Self::waits_in_ready) and [`backpressure`](Self::backpressure) do not ask for `Clone`.
#[derive(Clone)]
pub struct QueueLayer<P, R = KeepError> {
    policy: P,
    reject: R,
}

impl<P: QueuePolicy> QueueLayer<P> {
    /// Guards with `policy`; a call waits in its future if the policy lets it wait.
    pub const fn new(policy: P) -> Self {
        Self { policy, reject: KeepError }
    }
}

impl<P: QueuePolicy, R> QueueLayer<P, R> {
    /// Answers a refused call with the response that `respond` makes, not with an error. The error type can then be any
    /// type, `Infallible` too.
    #[must_use]
    pub fn on_reject<F, T>(self, respond: F) -> QueueLayer<P, Respond<F>>
    where
        F: Fn(Rejection) -> T + Clone,
    {
        self.with_response(respond)
    }

    /// Refuses a call that finds no room, even if the policy has a queue. Services need not be `Clone`.
    #[must_use]
    pub fn at_once(self) -> GateLayer<P, R> {
        GateLayer::with_parts(self.policy, self.reject, None)
    }

    /// Waits in `poll_ready` for as long as the policy says, and then refuses the call. Services need not be `Clone`.
    ///
    /// Use this for callers that choose among services by readiness, such as a balancer. A timeout around the service does
    /// not bound a wait in `poll_ready`, unless the timeout's layer bounds readiness.
    #[must_use]
    pub fn waits_in_ready(self) -> GateLayer<P, R>
    where
        P: Patient,
    {
        GateLayer::with_parts(self.policy, self.reject, Some(|policy| policy.wait(WaitLimit::Configured)))
    }

    /// While there is no room, the service is not ready. The same as [`GateLayer::backpressure`].
    #[must_use]
    pub fn backpressure(self) -> GateLayer<P, R>
    where
        P: Patient,
    {
        self.at_once().backpressure()
    }

    /// The policy.
    pub fn policy(&self) -> &P {
        &self.policy
    }
}

impl<P, R, A> WithResponse<A> for QueueLayer<P, R> {
    type Output = QueueLayer<P, Respond<A>>;

    fn with_response(self, answer: A) -> Self::Output {
        QueueLayer { policy: self.policy, reject: Respond(answer) }
    }
}

impl<S, P: QueuePolicy, R: Clone> Layer<S> for QueueLayer<P, R> {
    type Service = QueueService<S, P, R>;

    fn layer(&self, inner: S) -> Self::Service {
        QueueService::with_parts(inner, self.policy.clone(), self.reject.clone())
    }
}

impl<P: fmt::Debug, R> fmt::Debug for QueueLayer<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueLayer").field("policy", &self.policy).finish_non_exhaustive()
    }
}
