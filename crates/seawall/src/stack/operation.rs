use std::{future::Future, marker::PhantomData};

use seawall_core::{
    Rejection, Sight,
    attempts::{Attempt, GaveUp, Round},
};
use seawall_retry::{CloneRequest, Operation as Attempted, Resend, Sent};
use tower_service::Service;

/// The types of a call.
pub trait Shape {
    /// What it gives.
    type Output;
    /// What it fails with.
    type Error;
    /// What it is asked with; `()` for a closure.
    type Request: ?Sized;
    /// One attempt.
    type Call: Future<Output = Result<Self::Output, Self::Error>>;

    /// The rejection of a policy below, if the result is one and shows it.
    fn rejection(result: &Result<Self::Output, Self::Error>) -> Option<&Rejection>;
}

/// What a stack makes: a closure's call, or the sending of a request.
pub trait Operation<X: Shape> {
    /// Whether it makes use of [`Attempt::elapsed`].
    const NEEDS_TIME: bool;

    /// What it asks with. Not asked for once the last attempt was begun.
    fn request(&self) -> &X::Request;

    /// Begins an attempt.
    fn attempt(&mut self, round: impl Round) -> X::Call;

    /// Why there can be no other attempt, if that is so.
    fn obstacle(&self) -> Option<GaveUp>;

    /// It will be begun later, or again: it is to own what it needs for that.
    fn postpone(&mut self) {}
}

/// What is only a type, and neither owned nor in the way of a thread.
type Marker<T> = PhantomData<fn() -> T>;

// ===== closures =====

/// A closure's call.
#[derive(Debug)]
pub struct Called<F, T, E, V>(Marker<(F, T, E, V)>);

impl<F, T, E, V> Shape for Called<F, T, E, V>
where
    F: Future<Output = Result<T, E>>,
    V: Sight<E>,
{
    type Output = T;
    type Error = E;
    type Request = ();
    type Call = F;

    #[inline]
    fn rejection(result: &Result<T, E>) -> Option<&Rejection> {
        result.as_ref().err().and_then(V::rejection)
    }
}

/// A stack that makes its calls once: any closure will do.
#[derive(Debug)]
pub struct Once;

/// A stack that may make a call again, as there is a retry in it: the closure has to be one that can be run more than once.
#[derive(Debug)]
pub struct Again;

/// A closure that a stack of that kind, [`Once`] or [`Again`], can call.
#[diagnostic::on_unimplemented(
    message = "this closure cannot be called by the stack",
    label = "a stack with a retry calls its closure again, so that must be `FnMut() -> impl Future<Output = Result<_, _>>`",
    note = "what the closure moves into its future has to be cloned, or borrowed, in each call of it"
)]
pub trait Callable<Mode> {
    /// What it makes.
    type Future;
    /// The closure, as the stack keeps it.
    type Operation;

    /// The closure, to be kept.
    fn into_operation(self) -> Self::Operation;
}

/// A closure that is run once at the most.
#[derive(Debug)]
pub struct RunOnce<C>(Option<C>);

/// A closure that is run for each attempt.
#[derive(Debug)]
pub struct RunAgain<C>(C);

/// A closure that is run for each attempt, and is told which one it is.
#[derive(Debug)]
pub struct RunNumbered<C>(pub(super) C);

impl<C: FnOnce() -> F, F> Callable<Once> for C {
    type Future = F;
    type Operation = RunOnce<C>;

    #[inline]
    fn into_operation(self) -> RunOnce<C> {
        RunOnce(Some(self))
    }
}

impl<C: FnMut() -> F, F> Callable<Again> for C {
    type Future = F;
    type Operation = RunAgain<C>;

    #[inline]
    fn into_operation(self) -> RunAgain<C> {
        RunAgain(self)
    }
}

impl<X, C> Operation<X> for RunOnce<C>
where
    X: Shape<Request = ()>,
    C: FnOnce() -> X::Call,
{
    const NEEDS_TIME: bool = false;

    fn request(&self) -> &() {
        &()
    }

    #[inline]
    fn attempt(&mut self, _: impl Round) -> X::Call {
        let call = self.0.take().expect("a stack without a retry begins its call once");
        call()
    }

    fn obstacle(&self) -> Option<GaveUp> {
        None
    }
}

impl<X, C> Operation<X> for RunAgain<C>
where
    X: Shape<Request = ()>,
    C: FnMut() -> X::Call,
{
    const NEEDS_TIME: bool = false;

    fn request(&self) -> &() {
        &()
    }

    #[inline]
    fn attempt(&mut self, _: impl Round) -> X::Call {
        (self.0)()
    }

    fn obstacle(&self) -> Option<GaveUp> {
        None
    }
}

impl<X, C> Operation<X> for RunNumbered<C>
where
    X: Shape<Request = ()>,
    C: FnMut(Attempt) -> X::Call,
{
    const NEEDS_TIME: bool = true;

    fn request(&self) -> &() {
        &()
    }

    #[inline]
    fn attempt(&mut self, round: impl Round) -> X::Call {
        (self.0)(round.attempt())
    }

    fn obstacle(&self) -> Option<GaveUp> {
        None
    }
}

// ===== requests =====

/// A request that is sent to a service.
#[derive(Debug)]
pub struct Requested<S, Request, V>(Marker<(S, Request, V)>);

impl<S, Request, V> Shape for Requested<S, Request, V>
where
    S: Service<Request>,
    V: Sight<S::Error>,
{
    type Output = S::Response;
    type Error = S::Error;
    type Request = Request;
    type Call = Sent<S, Request>;

    #[inline]
    fn rejection(result: &Result<S::Response, S::Error>) -> Option<&Rejection> {
        result.as_ref().err().and_then(V::rejection)
    }
}

/// How a stack of that kind, [`Once`] or [`Again`], keeps requests: the former not at all, the latter by a [`CloneRequest`].
#[derive(Debug)]
pub struct Cloner<Q, Mode> {
    clone: Q,
    mode: PhantomData<fn() -> Mode>,
}

impl<Q, Mode> Cloner<Q, Mode> {
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
impl<Q: Clone, Mode> Clone for Cloner<Q, Mode> {
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
    V: Sight<S::Error>,
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
    V: Sight<S::Error>,
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
