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
/// It is as ready as the inner service, and holds nothing of the policies: a call asks them, and where it has to wait, its
/// future does. While the inner service is not ready, but the call would be refused, it is ready for that. The first
/// attempt of a call goes by what was polled ready. Each further one, and each that had to wait, goes by a clone that is
/// made ready first, as a part of the attempt.
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

    /// The service inside of the stack.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside of the stack. To call it is to go around the policies.
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
        // A clone may panic: it is made before the policies give anything, or when there is a future that gives it back.
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

// By hand: what was polled ready is this one's alone.
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
