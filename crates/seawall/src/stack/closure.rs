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

/// Marks a stack that runs its closure once. Any closure fits.
#[derive(Debug)]
pub struct Once;

/// Marks a stack with a retry, which may run its closure several times.
#[derive(Debug)]
pub struct Again;

/// A closure that a stack can call. `Repeats` is [`Once`] or [`Again`].
#[diagnostic::on_unimplemented(
    message = "this closure cannot be called by the stack",
    label = "a stack with a retry calls its closure again, so that must be `FnMut() -> impl Future<Output = Result<_, _>>`",
    note = "what the closure moves into its future has to be cloned, or borrowed, in each call of it"
)]
pub trait Callable<Repeats> {
    /// The closure's future.
    type Future;
    /// The closure in the form that the stack keeps.
    type Operation;

    /// Returns the closure in the form that the stack keeps.
    fn into_operation(self) -> Self::Operation;
}

/// A closure that runs at most once.
#[derive(Debug)]
pub struct RunOnce<C>(Option<C>);

/// A closure that runs for each attempt.
#[derive(Debug)]
pub struct RunAgain<C>(C);

/// A closure that runs for each attempt, and gets the attempt as its argument.
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
