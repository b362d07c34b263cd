use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

use seawall_core::Rejection;
use tower_service::Service;

use crate::{Answer, Judge, KeepError, Late, Policy, QueuePolicy, Reject, Ticket, drive, future::LateFuture};

/// A service guarded by a policy whose calls can wait for their turn.
///
/// # Readiness
///
/// A full policy makes the service ready, and the inner service is not polled: the call waits or is refused, and holds no
/// capacity of the inner service meanwhile. Otherwise the service is as ready as the inner one. `poll_ready` reserves
/// nothing of the policy.
///
/// A call that is let in at once goes by the inner service that was polled ready. A call that had to wait goes by a clone of
/// the inner service. The clone is made ready after the policy has let the call in.
pub struct QueueService<S, P, R = KeepError> {
    inner: S,
    policy: P,
    reject: R,
    /// Whether the inner service was polled ready for the next call.
    ready: bool,
}

/// A call as [`QueueService::admit`] leaves it: sent, waiting, or refused.
pub enum Admitted<S: Service<Request>, Request, P: QueuePolicy> {
    /// The inner call, and its permit.
    Sent(S::Future, Ticket<P::Gate>),
    /// The request waits for its turn, or until the service is ready.
    Late(LateCall<S, Request, P>),
    /// The policy refused the call; the rejection was counted and reported.
    Refused(Rejection),
}

/// A request that waits for its turn at `P`, in the box that each call that waits takes.
pub type LateCall<S, Request, P> = Pin<Box<Late<S, Request, <P as QueuePolicy>::Queue, <P as Policy>::Gate>>>;

impl<S, P: QueuePolicy> QueueService<S, P> {
    /// Guards `inner` with `policy`; a call waits in its future if the policy lets it wait.
    pub const fn new(inner: S, policy: P) -> Self {
        Self::with_parts(inner, policy, KeepError)
    }
}

impl<S, P, R> QueueService<S, P, R> {
    pub(crate) const fn with_parts(inner: S, policy: P, reject: R) -> Self {
        Self { inner, policy, reject, ready: false }
    }

    /// The guarded service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The guarded service. A call of this service goes around the policy.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The policy that guards the service.
    pub fn policy(&self) -> &P {
        &self.policy
    }

    /// What makes a result of a rejection.
    pub fn reject(&self) -> &R {
        &self.reject
    }

    /// Does what `call` does, but leaves the call and its permit to the caller. Use this for a call that ends later than its
    /// future, such as a call whose response is still read.
    ///
    /// The caller must poll the call by [`Ticket::run`], so that a panic counts as a failure, and must settle the ticket.
    pub fn admit<Request>(&mut self, request: Request) -> Admitted<S, Request, P>
    where
        S: Service<Request> + Clone,
        P: QueuePolicy,
    {
        let ready = mem::take(&mut self.ready);
        match self.policy.enter_or_wait() {
            Answer::Now(Ok(mut ticket)) if ready => Admitted::Sent(ticket.run(|| self.inner.call(request)), ticket),
            Answer::Now(Err(rejection)) => Admitted::Refused(rejection),
            other => Admitted::Late(self.postpone(other, request)),
        }
    }

    /// A call that must wait: for its turn, or for a clone to become ready.
    // Out of line, because its frame would burden the calls that need not wait.
    #[inline(never)]
    fn postpone<Request>(&self, answer: Answer<P::Gate, P::Queue>, request: Request) -> LateCall<S, Request, P>
    where
        S: Clone,
        P: QueuePolicy,
    {
        // A box, because most calls never wait, and their futures would be larger by a timer, a service and a request.
        Box::pin(match answer {
            Answer::Now(leave) => {
                let mut ticket = leave.expect("a refused call is not postponed");
                let service = ticket.run(|| self.inner.clone());
                Late::admitted(ticket, service, request)
            }
            Answer::Later(queue) => Late::queued(queue, self.inner.clone(), request),
        })
    }
}

impl<S, P, R, Request> Service<Request> for QueueService<S, P, R>
where
    S: Service<Request> + Clone,
    P: QueuePolicy<Gate: Judge<S::Response, S::Error>>,
    R: Reject<S::Response, S::Error, Error = S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = LateFuture<S, Request, P::Queue, P::Gate, R>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.ready = false;
        if P::ASKED_IN_READY && self.policy.refusal().is_some() {
            return Poll::Ready(Ok(()));
        }
        let polled = self.inner.poll_ready(cx);
        self.ready = matches!(polled, Poll::Ready(Ok(())));
        polled
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let ready = mem::take(&mut self.ready);
        match self.policy.enter_or_wait() {
            Answer::Now(leave) if ready || leave.is_err() => {
                LateFuture::running(drive(leave, || self.inner.call(request), || self.reject.clone()))
            }
            answer => LateFuture::late(self.postpone(answer, request), self.reject.clone()),
        }
    }
}

// By hand: what was polled ready belongs to this service alone.
impl<S: Clone, P: Clone, R: Clone> Clone for QueueService<S, P, R> {
    fn clone(&self) -> Self {
        Self::with_parts(self.inner.clone(), self.policy.clone(), self.reject.clone())
    }
}

// By hand: derive would ask `Debug` of the user's future.
impl<S: Service<Request>, Request, P: QueuePolicy> fmt::Debug for Admitted<S, Request, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sent(..) => "Sent",
            Self::Late(_) => "Late",
            Self::Refused(_) => "Refused",
        })
    }
}

impl<S: fmt::Debug, P: fmt::Debug, R> fmt::Debug for QueueService<S, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueService").field("inner", &self.inner).field("policy", &self.policy).finish_non_exhaustive()
    }
}
