use std::{future::Future, marker::PhantomData};

use seawall_core::{
    Meaning, Rejection,
    attempts::{GaveUp, Round},
};

/// The types of a call.
pub trait CallTypes {
    /// The output of a call.
    type Output;
    /// The error of a call.
    type Error;
    /// The request; `()` for a closure.
    type Request: ?Sized;
    /// The future of an attempt.
    type Call: Future<Output = Result<Self::Output, Self::Error>>;

    /// Returns the rejection of a policy below the stack, if the result shows a rejection.
    fn rejection(result: &Result<Self::Output, Self::Error>) -> Option<&Rejection>;

    /// Returns the meaning of an error that is a policy's rejection. `noted` is what a [`Mark`](seawall_core::Mark) says about the error.
    fn meaning(error: &Self::Error, noted: Option<Meaning>) -> Option<Meaning>;
}

/// The operation at the end of a chain: a closure's call, or a request to a service.
pub trait Operation<X: CallTypes> {
    /// Whether the operation uses [`Attempt::elapsed`](seawall_core::attempts::Attempt::elapsed).
    const NEEDS_TIME: bool;

    /// Returns the request. Not called after the last attempt has begun.
    fn request(&self) -> &X::Request;

    /// Begins an attempt.
    fn attempt(&mut self, round: impl Round) -> X::Call;

    /// Returns why no further attempt is possible, if so.
    fn obstacle(&self) -> Option<GaveUp>;

    /// Tells the operation that it will begin later or again, and must own what it needs for that.
    fn postpone(&mut self) {}
}

/// A type that is named but not owned, so it restricts no thread.
pub(super) type Marker<T> = PhantomData<fn() -> T>;
