use std::marker::PhantomData;

use seawall_core::{
    Meaning, Rejection,
    attempts::{Attempt, GaveUp, Round},
};
use seawall_policy::Visibility;
use seawall_retry::{CloneRequest, Operation as Attempted, Resend, Sent};
use tower_service::Service;

use super::{
    closure::{Again, Once},
    operation::{CallTypes, Marker, Operation},
};

/// The types of a request to a service.
#[derive(Debug)]
pub struct Requested<S, Request, V>(Marker<(S, Request, V)>);

impl<S, Request, V> CallTypes for Requested<S, Request, V>
where
    S: Service<Request>,
    V: Visibility<S::Error>,
{
    type Output = S::Response;
    type Error = S::Error;
    type Request = Request;
    type Call = Sent<S, Request>;

    #[inline]
    fn rejection(result: &Result<S::Response, S::Error>) -> Option<&Rejection> {
        result.as_ref().err().and_then(V::rejection)
    }

    #[inline]
    fn meaning(error: &S::Error, noted: Option<Meaning>) -> Option<Meaning> {
        V::meaning(error, noted)
    }
}

/// How a stack keeps requests: an [`Once`] stack does not, an [`Again`] stack uses a [`CloneRequest`].
#[derive(Debug)]
pub struct Cloner<Q, Repeats> {
    clone: Q,
    mode: PhantomData<fn() -> Repeats>,
}

impl<Q, Repeats> Cloner<Q, Repeats> {
    pub(super) const fn new(clone: Q) -> Self {
        Self { clone, mode: PhantomData }
    }
}

impl<Q, Request> CloneRequest<Request> for Cloner<Q, Once> {
    const NEEDS_TIME: bool = false;

    fn clone_request(&self, _: &Request) -> Option<Request> {
        None
    }
}

impl<Q: CloneRequest<Request>, Request> CloneRequest<Request> for Cloner<Q, Again> {
    const NEEDS_TIME: bool = Q::NEEDS_TIME;

    #[inline]
    fn clone_request(&self, request: &Request) -> Option<Request> {
        self.clone.clone_request(request)
    }

    fn is_good(&self, request: &Request) -> bool {
        self.clone.is_good(request)
    }

    #[inline]
    fn mark(&self, request: &mut Request, attempt: Attempt) {
        self.clone.mark(request, attempt);
    }
}

// Written manually, because derive would require `Clone` of marker types.
impl<Q: Clone, Repeats> Clone for Cloner<Q, Repeats> {
    fn clone(&self) -> Self {
        Self::new(self.clone.clone())
    }
}

/// A request before its first attempt. If the attempt begins at once, it uses the service that was polled ready.
pub(super) struct First<'a, S, Request, Q> {
    service: &'a mut S,
    /// The service and the request, until the request is sent or moves into the future.
    request: Option<Request>,
    /// The state that moves into the future.
    resend: Resend<S, Request, Q>,
}

impl<'a, S, Request, Q> First<'a, S, Request, Q>
where
    S: Service<Request> + Clone,
{
    /// Takes `request`, for a service that was polled ready.
    #[inline(always)]
    pub(super) fn new(service: &'a mut S, request: Request, clone: Q) -> Self {
        Self { service, request: Some(request), resend: Resend::never(clone) }
    }

    /// Returns the state that the future keeps, and the request if no attempt will send it. Runs no user code.
    #[inline(always)]
    pub(super) fn into_operation(self) -> (Resend<S, Request, Q>, Option<Request>) {
        (self.resend, self.request)
    }

    /// Lets a clone send the request, after the clone was made ready. The service that was polled ready is for the next call.
    pub(super) fn own(&mut self) {
        let service = self.service.clone();
        if let Some(request) = self.request.take() {
            self.resend.send(service, request);
        }
    }
}

impl<S, Request, Q, V> Operation<Requested<S, Request, V>> for First<'_, S, Request, Q>
where
    S: Service<Request> + Clone,
    Q: CloneRequest<Request> + Clone,
    V: Visibility<S::Error>,
{
    const NEEDS_TIME: bool = Q::NEEDS_TIME;

    #[inline]
    fn request(&self) -> &Request {
        self.request.as_ref().or(self.resend.request()).expect(SENT)
    }

    #[inline(always)]
    fn attempt(&mut self, round: impl Round) -> Sent<S, Request> {
        match self.request.take() {
            Some(request) => self.resend.first(self.service, request, round.attempt(), round.may_follow()),
            None => Attempted::attempt(&mut self.resend, round.attempt(), || round.may_follow()),
        }
    }

    fn obstacle(&self) -> Option<GaveUp> {
        if self.request.is_some() { None } else { Attempted::obstacle(&self.resend) }
    }

    fn postpone(&mut self) {
        self.own();
    }
}

impl<S, Request, Q, V> Operation<Requested<S, Request, V>> for Resend<S, Request, Q>
where
    S: Service<Request> + Clone,
    Q: CloneRequest<Request> + Clone,
    V: Visibility<S::Error>,
{
    const NEEDS_TIME: bool = Q::NEEDS_TIME;

    fn request(&self) -> &Request {
        Resend::request(self).expect(SENT)
    }

    fn attempt(&mut self, round: impl Round) -> Sent<S, Request> {
        Attempted::attempt(self, round.attempt(), || round.may_follow())
    }

    fn obstacle(&self) -> Option<GaveUp> {
        Attempted::obstacle(self)
    }
}

const SENT: &str = "a request is looked at before it is sent";
