use std::{future::Future, marker::PhantomData};

use seawall_core::{
    Meaning, Rejection,
    attempts::{GaveUp, Round},
};

/// The types of a call.
pub trait CallTypes {
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

    /// Returns the meaning of an error that is a policy's rejection. `noted` is what a [`Mark`](seawall_core::Mark) says about it.
    fn meaning(error: &Self::Error, noted: Option<Meaning>) -> Option<Meaning>;
}

/// What a stack makes: a closure's call, or the sending of a request.
pub trait Operation<X: CallTypes> {
    /// Whether it makes use of [`Attempt::elapsed`](seawall_core::attempts::Attempt::elapsed).
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
pub(super) type Marker<T> = PhantomData<fn() -> T>;
