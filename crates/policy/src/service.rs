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
/// Where the policy refuses calls, `poll_ready` answers `Ready` without asking the inner service, and the call that
/// follows is refused, even if there is room by then: the inner service was not made ready for it. Else it is as ready as
/// the inner service, and reserves nothing: a clone that is ready and idle is in nobody's way, and a call that was made
/// ready can still be refused.
///
/// With [`backpressure`](crate::GateLayer::backpressure), or with [`waits_in_ready`](crate::QueueLayer::waits_in_ready), it
/// waits for room *before* it asks the inner service. What it then holds belongs to this clone, until its call, or its end: other clones do without
/// it meanwhile. An error of the inner service's `poll_ready` is passed on, and gives it back.
pub struct GateService<S, P: Policy, R = KeepError> {
    inner: S,
    policy: P,
    reject: R,
    /// What `poll_ready` found, for `call` to answer with.
    refusal: Option<P::Refusal>,
    entrance: Option<Entrance<P>>,
}

/// Where a service waits for room.
struct Entrance<P: Policy> {
    wait: WaitFn<P>,
    state: GateState<P>,
}

/// How far it has come.
enum GateState<P: Policy> {
    Unasked,
    /// There is no room yet.
    Waiting(BoxedWait<P>),
    /// There is room, and it is ours.
    Reserved(P::Reserved),
}

impl<S, P: Policy> GateService<S, P> {
    /// Guards `inner` with `policy`; a call is refused at once where there is no room.
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

    /// The guarded service. To call it is to go around the policy.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The policy that guards it.
    pub fn policy(&self) -> &P {
        &self.policy
    }

    /// What makes a result of a rejection.
    pub fn reject(&self) -> &R {
        &self.reject
    }

    /// Does what `call` does, but leaves the call and its ticket to the caller: for a call that ends later than its future
    /// does, as one with a response that is still read.
    ///
    /// The call is to be polled under its ticket, by [`Ticket::run`], so that a panic counts as a failure; and the ticket is to
    /// be settled, or it is abandoned.
    ///
    /// # Errors
    ///
    /// The rejection of a call that is refused; it has been counted and told.
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

    /// As `poll_ready`, where room is waited for before the inner service is asked.
    #[inline(never)]
    fn poll_entrance<Request>(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>>
    where
        S: Service<Request>,
    {
        if let Some(entrance) = &mut self.entrance {
            // It has waited for long enough: if no call came for the refusal, there may be room now, but no second wait.
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

    /// A call that `poll_ready` has found something out for.
    // Out of line, and not joined with the short way, which would then move what this one needs.
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

    /// What a call meets that `poll_ready` has waited for.
    #[inline]
    fn enter_prepared(&mut self) -> Result<Ticket<P::Gate>, Rejection> {
        match self.entrance.as_mut().map(|entrance| mem::replace(&mut entrance.state, GateState::Unasked)) {
            Some(GateState::Reserved(reserved)) => self.policy.spend(reserved),
            // Never polled, or not to its end: then it is asked now.
            Some(GateState::Unasked | GateState::Waiting(_)) | None => self.policy.enter(),
        }
    }
}

impl<P: Policy> Entrance<P> {
    /// Reserves room, if it can be had at once.
    fn reserve(&mut self, policy: &P) -> bool {
        let reserved = policy.reserve();
        let room = reserved.is_some();
        self.state = reserved.map_or(GateState::Unasked, GateState::Reserved);
        room
    }

    /// Looks for room; an error if the call will be refused.
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
        // What was found for a call that never came is forgotten.
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

// By hand: what `poll_ready` found belongs to this clone alone.
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
