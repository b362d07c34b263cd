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

/// A request that is sent to a service.
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

/// How a stack of that kind, [`Once`] or [`Again`], keeps requests: the former not at all, the latter by a [`CloneRequest`].
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

// By hand: derive would ask `Clone` of what is only a type here.
impl<Q: Clone, Repeats> Clone for Cloner<Q, Repeats> {
    fn clone(&self) -> Self {
        Self::new(self.clone.clone())
    }
}

/// A request whose first attempt, if it begins at once, goes by the service that was made ready.
pub(super) struct First<'a, S, Request, Q> {
    service: &'a mut S,
    /// Until it is sent, or the future's.
    request: Option<Request>,
    /// What will be the future's.
    resend: Resend<S, Request, Q>,
}

impl<'a, S, Request, Q> First<'a, S, Request, Q>
where
    S: Service<Request> + Clone,
{
    /// `request`, for a service that was polled ready.
    #[inline(always)]
    pub(super) fn new(service: &'a mut S, request: Request, clone: Q) -> Self {
        Self { service, request: Some(request), resend: Resend::never(clone) }
    }

    /// What the call's future keeps; and the request, if it was not sent and will be sent by nobody. Runs no code of others.
    #[inline(always)]
    pub(super) fn into_operation(self) -> (Resend<S, Request, Q>, Option<Request>) {
        (self.resend, self.request)
    }

    /// To be sent by a clone, which is made ready first: what was made ready is for the next call.
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
