use std::{
    fmt, mem,
    task::{Context, Poll},
};

use seawall_core::{Held, Mark, Shared, attempts::Single};
use seawall_policy::{Opaque, Reject, Visibility, WrapError};
use seawall_retry::{CloneRequest, OwnRule, Resend};
use tower_service::Service;

use super::{
    chain::Chain,
    future::ResponseFuture,
    layer::ServiceConfig,
    mode::Repeats,
    request::{Cloner, First, Requested},
};

/// A service whose calls go through the policies of a [`Stack`](super::Stack).
///
/// # Readiness
///
/// Ready if the inner service is ready. `poll_ready` reserves nothing in the policies. `call` asks them, and the returned future
/// waits if it must. If the call would be rejected, the service is ready even while the inner service is not.
///
/// The first attempt uses the service that was polled ready. Each further attempt, and each attempt after a wait, uses a clone,
/// which is made ready as a part of the attempt.
pub struct StackService<S, P, Q = OwnRule, R = WrapError, V = Opaque> {
    inner: S,
    policies: Shared<P>,
    how: ServiceConfig<Q, R, V>,
    ready: bool,
}

impl<S, P, Q, R, V> StackService<S, P, Q, R, V> {
    pub(super) fn new(inner: S, policies: Shared<P>, how: ServiceConfig<Q, R, V>) -> Self {
        Self { inner, policies, how, ready: false }
    }

    /// Returns the service inside the stack.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the service inside the stack. A call of that service bypasses the policies.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S, P, Q, R, V, Request> Service<Request> for StackService<S, P, Q, R, V>
where
    S: Service<Request> + Clone,
    P: Repeats + Chain<Requested<S, Request, V>>,
    Q: Clone,
    Cloner<Q, P::Repeats>: CloneRequest<Request>,
    R: Reject<S::Response, S::Error> + Clone,
    V: Visibility<S::Error>,
{
    type Response = S::Response;
    type Error = R::Error;
    type Future = ResponseFuture<Held<P>, Resend<S, Request, Cloner<Q, P::Repeats>>, Requested<S, Request, V>, R>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), R::Error>> {
        self.ready = false;
        let mark = Mark::here();
        match self.inner.poll_ready(cx) {
            Poll::Ready(Ok(())) => self.ready = true,
            Poll::Ready(Err(error)) => {
                return Poll::Ready(R::ran(Err(error), mark).map(|_: S::Response| ()));
            }
            Poll::Pending if self.policies.refuses() => {}
            Poll::Pending => return Poll::Pending,
        }
        Poll::Ready(Ok(()))
    }

    #[inline(always)]
    fn call(&mut self, request: Request) -> Self::Future {
        // A clone may panic. So it is made before the policies give a pass, or after a future exists that gives the pass back.
        let ServiceConfig { clone, reject, .. } = self.how.clone();
        let policies = self.policies.hold();
        let mut first = First::new(&mut self.inner, request, Cloner::new(clone));
        if !mem::replace(&mut self.ready, false) {
            first.own();
        }
        let run = policies.begin(&mut first, Single);
        let (operation, refused) = first.into_operation();
        let mut call = ResponseFuture::new(run, policies, operation, reject);
        if let (true, Some(request)) = (P::REPEATS, refused) {
            call.operation().send(self.inner.clone(), request);
        }
        call
    }
}

// Written manually, because the service that was polled ready belongs to this clone alone.
impl<S: Clone, P, Q: Clone, R: Clone, V> Clone for StackService<S, P, Q, R, V> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.policies.clone(), self.how.clone())
    }
}

impl<S: fmt::Debug, P, Q, R, V> fmt::Debug for StackService<S, P, Q, R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
