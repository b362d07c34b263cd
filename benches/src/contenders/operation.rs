//! The operation that is guarded. It answers at once, and is the same for all.

use std::fmt;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use seawall::{Error, Rejection};
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;
use tower::{BoxError, Service};

/// What the inner operation answers.
pub trait Answer: Copy + fmt::Debug + Send + Sync + 'static {
    /// Whether the guarded result is moved once more before it is looked at, as by a function that returns it.
    const MOVED: bool = false;

    /// The answer to this request. The request decides, so that it does not matter which clone of a service is asked.
    fn answer(request: u64) -> Result<u64, Fault>;
}

/// Every call succeeds.
#[derive(Clone, Copy, Debug)]
pub struct AlwaysOk;

impl Answer for AlwaysOk {
    fn answer(request: u64) -> Result<u64, Fault> {
        // A comparison that the compiler cannot see through: the result is not known beforehand, and as it is in
        // registers nobody waits for a store to reach a load of another width, which costs 8 ns.
        if black_box(request) == NEVER { Err(Fault::Failed) } else { Ok(request) }
    }
}

/// Every call succeeds, and its result is moved on: what the size of an error type costs calls that succeed.
#[derive(Clone, Copy, Debug)]
pub struct AlwaysOkMoved;

impl Answer for AlwaysOkMoved {
    const MOVED: bool = true;

    fn answer(request: u64) -> Result<u64, Fault> {
        AlwaysOk::answer(request)
    }
}

/// Odd requests fail.
#[derive(Clone, Copy, Debug)]
pub struct OddFails;

impl Answer for OddFails {
    fn answer(request: u64) -> Result<u64, Fault> {
        if black_box(request) % 2 == 0 { Ok(request) } else { Err(Fault::Failed) }
    }
}

/// An error of the inner operation; or a refusal, of those peers whose error type is that of the operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The operation was made, and failed.
    Failed,
    /// The operation was not made.
    Refused,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Failed => "failed",
            Fault::Refused => "refused",
        })
    }
}

impl std::error::Error for Fault {}

impl From<Rejection> for Fault {
    fn from(_: Rejection) -> Self {
        Fault::Refused
    }
}

/// An error that can tell a refusal from a failure.
pub trait Refusal {
    /// Whether the call was refused.
    fn refused(&self) -> bool;
}

impl<E> Refusal for Error<E> {
    fn refused(&self) -> bool {
        matches!(self, Error::Rejected(_))
    }
}

impl Refusal for BoxError {
    fn refused(&self) -> bool {
        self.is::<Overloaded>() || self.is::<Elapsed>()
    }
}

impl Refusal for Fault {
    fn refused(&self) -> bool {
        *self == Fault::Refused
    }
}

/// The inner operation as a tower service: always ready, its futures too.
#[derive(Debug)]
pub struct Echo<A>(PhantomData<A>);

impl<A> Echo<A> {
    /// The service.
    #[must_use]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<A> Default for Echo<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> Clone for Echo<A> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<A: Answer> Service<u64> for Echo<A> {
    type Response = u64;
    type Error = Fault;
    type Future = Ready<Result<u64, Fault>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        ready(A::answer(request))
    }
}

/// No loop gets that far.
const NEVER: u64 = u64::MAX;
