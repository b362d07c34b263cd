use std::future::Future;

use seawall_core::{
    Meaning, Rejection,
    attempts::{Attempt, GaveUp, Round},
};
use seawall_policy::Visibility;

use super::operation::{CallTypes, Marker, Operation};

/// A closure's call.
#[derive(Debug)]
pub struct Called<F, T, E, V>(Marker<(F, T, E, V)>);

impl<F, T, E, V> CallTypes for Called<F, T, E, V>
where
    F: Future<Output = Result<T, E>>,
    V: Visibility<E>,
{
    type Output = T;
    type Error = E;
    type Request = ();
    type Call = F;

    #[inline]
    fn rejection(result: &Result<T, E>) -> Option<&Rejection> {
        result.as_ref().err().and_then(V::rejection)
    }

    #[inline]
    fn meaning(error: &E, noted: Option<Meaning>) -> Option<Meaning> {
        V::meaning(error, noted)
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
pub trait Callable<Repeats> {
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
    X: CallTypes<Request = ()>,
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
    X: CallTypes<Request = ()>,
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
    X: CallTypes<Request = ()>,
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
