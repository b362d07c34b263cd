use std::{
    fmt, mem,
    task::{Context, Poll, ready},
};

use crate::{KeepError, Reject};
use seawall_core::Rejection;
use tower_service::Service;

use crate::{BoxedWait, Judge, Policy, Ticket, drive, future::ResponseFuture, layer::WaitFn};

/// A service guarded by a policy.
///
/// # Readiness
///
/// If the policy rejects calls, `poll_ready` returns `Ready` without a poll of the inner service. The next call is then rejected,
/// even if there is room by then, because the inner service was not made ready for it. Otherwise the service is as ready as the
/// inner service. It reserves nothing: a clone that is ready and idle takes no room, and a call that was made ready can still be
/// rejected.
///
/// With [`backpressure`](crate::GateLayer::backpressure) or [`waits_in_ready`](crate::QueueLayer::waits_in_ready), the service
/// waits for room *before* it polls the inner service. The room then belongs to this clone until its call or its drop. If the
/// inner service's `poll_ready` returns an error, the service passes the error on and gives the room back.
pub struct GateService<S, P: Policy, R = KeepError> {
    inner: S,
    policy: P,
    reject: R,
    /// The rejection that `poll_ready` found, for the next `call`.
    refusal: Option<P::Refusal>,
    entrance: Option<Entrance<P>>,
}

/// The entrance of a service that waits for room in `poll_ready`.
struct Entrance<P: Policy> {
    wait: WaitFn<P>,
    state: GateState<P>,
}

/// How far the wait for room has come.
enum GateState<P: Policy> {
    Unasked,
    /// The service waits for room.
    Waiting(BoxedWait<P>),
    /// The service holds room for its next call.
    Reserved(P::Reserved),
}

impl<S, P: Policy> GateService<S, P> {
    /// Guards `inner` with `policy`. A call that finds no room is rejected at once.
    pub const fn new(inner: S, policy: P) -> Self {
        Self { inner, policy, reject: KeepError, refusal: None, entrance: None }
    }
}

impl<S, P: Policy, R> GateService<S, P, R> {
    pub(crate) fn with_parts(inner: S, policy: P, reject: R, wait: Option<WaitFn<P>>) -> Self {
        let entrance = wait.map(|wait| Entrance { wait, state: GateState::Unasked });
        Self { inner, policy, reject, refusal: None, entrance }
    }

    /// The guarded service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the guarded service. A call of this service bypasses the policy.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the policy that guards the service.
    pub fn policy(&self) -> &P {
        &self.policy
    }

    /// Returns the part that makes a result from a rejection.
    pub fn reject(&self) -> &R {
        &self.reject
    }

    /// Same as `call`, but returns the inner call and its ticket. Use it for a call that ends later than its future, such as a
    /// call whose response is still read.
    ///
    /// The caller must poll the inner call inside [`Ticket::run`], so that a panic counts as a failure. The caller must settle the
    /// ticket; a dropped ticket abandons the call.
    ///
    /// # Errors
    ///
    /// The rejection of a call that is not admitted. It was counted and reported.
    pub fn admit<Request>(&mut self, request: Request) -> Result<(S::Future, Ticket<P::Gate>), Rejection>
    where
        S: Service<Request>,
    {
        if let Some(refusal) = self.refusal.take() {
            return Err(self.policy.refuse(refusal));
        }
        let mut ticket = self.enter_prepared()?;
        let call = ticket.run(|| self.inner.call(request));
        Ok((call, ticket))
    }

    /// Polls a service that waits for room before it polls the inner service.
    #[inline(never)]
    fn poll_entrance<Request>(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>>
    where
        S: Service<Request>,
    {
        if let Some(entrance) = &mut self.entrance {
            // The wait took its longest time. If no call came for the rejection, there may be room now, but no second wait.
            if self.refusal.is_some() && !entrance.reserve(&self.policy) {
                return Poll::Ready(Ok(()));
            }
            self.refusal = ready!(entrance.poll(cx, &self.policy)).err();
            if self.refusal.is_some() {
                return Poll::Ready(Ok(()));
            }
        }
        let ready = ready!(self.inner.poll_ready(cx));
        if let (Err(_), Some(entrance)) = (&ready, &mut self.entrance) {
            entrance.state = GateState::Unasked;
        }
        Poll::Ready(ready)
    }

    /// Makes a call for which `poll_ready` found a rejection or room.
    // Out of line, and apart from the short way, which would otherwise move what this one needs.
    #[inline(never)]
    fn call_prepared<Request>(&mut self, request: Request) -> ResponseFuture<S::Future, P::Gate, R>
    where
        S: Service<Request>,
        R: Clone,
    {
        if let Some(refusal) = self.refusal.take() {
            return ResponseFuture::refused(self.policy.refuse(refusal), self.reject.clone());
        }
        drive(self.enter_prepared(), || self.inner.call(request), || self.reject.clone())
    }

    /// Admits or rejects a call after a wait in `poll_ready`.
    #[inline]
    fn enter_prepared(&mut self) -> Result<Ticket<P::Gate>, Rejection> {
        match self.entrance.as_mut().map(|entrance| mem::replace(&mut entrance.state, GateState::Unasked)) {
            Some(GateState::Reserved(reserved)) => self.policy.spend(reserved),
            // `poll_ready` was not called, or was pending: ask now.
            Some(GateState::Unasked | GateState::Waiting(_)) | None => self.policy.enter(),
        }
    }
}

impl<P: Policy> Entrance<P> {
    /// Reserves room, if there is room now.
    fn reserve(&mut self, policy: &P) -> bool {
        let reserved = policy.reserve();
        let room = reserved.is_some();
        self.state = reserved.map_or(GateState::Unasked, GateState::Reserved);
        room
    }

    /// Polls for room.
    ///
    /// # Errors
    ///
    /// The reason, if the next call will be rejected.
    fn poll(&mut self, cx: &mut Context<'_>, policy: &P) -> Poll<Result<(), P::Refusal>> {
        loop {
            self.state = match &mut self.state {
                GateState::Reserved(reserved) if policy.is_good(reserved) => return Poll::Ready(Ok(())),
                GateState::Waiting(turn) => match ready!(turn.as_mut().poll(cx)) {
                    Ok(reserved) => GateState::Reserved(reserved),
                    Err(refusal) => {
                        self.state = GateState::Unasked;
                        return Poll::Ready(Err(refusal));
                    }
                },
                GateState::Unasked | GateState::Reserved(_) => match policy.reserve() {
                    Some(reserved) => GateState::Reserved(reserved),
                    None => GateState::Waiting((self.wait)(policy)),
                },
            };
        }
    }
}

impl<S, P, R, Request> Service<Request> for GateService<S, P, R>
where
    S: Service<Request>,
    P: Policy<Gate: Judge<S::Response, S::Error>>,
    R: Reject<S::Response, S::Error, Error = S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, P::Gate, R>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.entrance.is_some() {
            return self.poll_entrance(cx);
        }
        // Forget what was found for a call that never came.
        self.refusal = None;
        if P::ASKED_IN_READY {
            if let Some(refusal) = self.policy.refusal() {
                self.refusal = Some(refusal);
                return Poll::Ready(Ok(()));
            }
        }
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        if self.refusal.is_some() || self.entrance.is_some() {
            return self.call_prepared(request);
        }
        drive(self.policy.enter(), || self.inner.call(request), || self.reject.clone())
    }
}

// Written manually: what `poll_ready` found belongs to this clone alone.
impl<S: Clone, P: Policy, R: Clone> Clone for GateService<S, P, R> {
    fn clone(&self) -> Self {
        let wait = self.entrance.as_ref().map(|entrance| entrance.wait);
        Self::with_parts(self.inner.clone(), self.policy.clone(), self.reject.clone(), wait)
    }
}

impl<S: fmt::Debug, P: Policy + fmt::Debug, R> fmt::Debug for GateService<S, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateService").field("inner", &self.inner).field("policy", &self.policy).finish_non_exhaustive()
    }
}
