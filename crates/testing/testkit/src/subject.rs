use std::{
    fmt::{Debug, Display},
    future::Future,
    pin::Pin,
    time::Duration,
};

use futures::future::BoxFuture;
use seawall_core::Rejection;
use tower::{BoxError, Service};

use crate::reply::Reply;

/// A call in a box.
pub type Boxed<'a> = Pin<Box<dyn Future<Output = Reply> + 'a>>;

/// Subjects of several kinds, each with the name of its kind.
pub type Kinds<S> = Vec<(String, S)>;

/// Makes a call from its beginning to its end, with this result of the inner call and without a box of its own. Returns
/// the call's result.
pub type Run<S> = fn(&S, Reply) -> Reply;

/// Returns subjects with the names of their kinds.
pub fn kinds<S, const N: usize>(kinds: [(&str, S); N]) -> Kinds<S> {
    kinds.into_iter().map(|(name, subject)| (name.to_owned(), subject)).collect()
}

/// An inner service of the suites.
pub trait Inner:
    Service<u32, Response = u32, Error = BoxError, Future: Send + 'static> + Clone + Send + 'static
{
}

impl<S> Inner for S where
    S: Service<u32, Response = u32, Error = BoxError, Future: Send + 'static> + Clone + Send + 'static
{
}

/// What has become of the calls of a subject since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls whose inner call succeeded.
    pub succeeded: u32,
    /// Calls whose inner call failed. A retry makes several inner calls for each of them.
    pub failed: u32,
    /// Calls whose inner call panicked.
    pub panicked: u32,
    /// Calls that were dropped before their end.
    pub abandoned: u32,
}

/// A policy under test, and the ways of calling it.
///
/// A subject is a policy's handle, with what its tests need beside it: its clock, or permits that keep it full. Clones share
/// the policy's state.
pub trait Subject: Clone + Send + Sync + 'static {
    /// A way to make a call that is a future, such as `execute`, `call` and the service.
    type Way: Copy + Debug + Send + Sync + 'static;

    /// The policy's service around an inner service.
    type Guarded<S: Inner>: Service<u32, Response = u32, Error = BoxError, Future: Send + 'static>
        + Clone
        + Send
        + 'static;

    /// All ways to make a call that is a future.
    const WAYS: &'static [Self::Way];

    /// All ways to make a call, blocking calls and permits too.
    const RUNS: &'static [(&'static str, Run<Self>)];

    /// Whether the policy counts a call when it admits the call. Otherwise it counts a call at the call's end.
    const COUNTS_WHEN_ADMITTED: bool = false;

    /// Returns new subjects that admit calls, each with the name of its kind.
    ///
    /// Their calls wait for nothing but the inner call, or for a clock that leaps.
    fn admitting() -> Kinds<Self>;

    /// Returns new subjects that admit calls, each built with extreme numbers.
    fn extremes() -> Kinds<Self>;

    /// Returns new subjects that admit calls: all kinds that may differ in what a call allocates.
    fn footprints() -> Kinds<Self> {
        Self::admitting()
    }

    /// Makes a call in that way.
    fn start<'a, F>(&'a self, way: Self::Way, operation: impl FnMut() -> F + 'a) -> Boxed<'a>
    where
        F: Future<Output = Reply> + 'a;

    /// Makes a call that can be spawned.
    fn spawnable<F>(&self, way: Self::Way, operation: impl FnMut() -> F + Send + 'static) -> BoxFuture<'static, Reply>
    where
        F: Future<Output = Reply> + Send + 'static;

    /// Says whether a call in that way asks the policy when it is made. Otherwise, its first poll asks.
    fn asks_when_made(_way: Self::Way) -> bool {
        true
    }

    /// Guards a service.
    fn guard<S: Inner>(&self, inner: S) -> Self::Guarded<S>;

    /// Returns the inner service of a guarded service.
    fn inner<S: Inner>(guarded: &Self::Guarded<S>) -> &S;

    /// Advances the subject's clock, if its policy reads a clock.
    fn advance(&self, _by: Duration) {}

    /// Asserts that the policy keeps nothing of any call: no slot is taken, no call waits, no timer lives.
    fn assert_idle(&self);

    /// Asserts that so many calls are in flight, if the policy knows the number.
    fn assert_in_flight(&self, _calls: u32) {}

    /// Asserts that the policy has counted each of these calls, and no other call.
    fn assert_counted(&self, _calls: Tally) {}

    /// Returns the size of the future of each way over an inner future of so many words, and the bound on the size.
    ///
    /// The inner future is [`OfWords`](crate::call::OfWords).
    fn future_sizes<const WORDS: usize>() -> Vec<FutureSize>;
}

/// The size of the future of a way to make a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FutureSize {
    /// The way's name.
    pub way: &'static str,
    /// The size in bytes.
    pub size: usize,
    /// The largest size that is accepted, in bytes.
    pub bound: usize,
}

/// A subject whose policy can reject calls.
pub trait Rejecting: Subject {
    /// The policy's service around an inner service, with a response for each rejection.
    type Responding<S: Inner>: Service<u32, Response = u32, Error = BoxError> + Clone;

    /// Returns new subjects that reject each call at once, each with the name of its kind.
    fn rejecting() -> Kinds<Self>;

    /// Returns how many calls the policy has rejected.
    fn rejected(&self) -> u64;

    /// Guards a service, and answers a rejected call with the response that `respond` makes.
    fn guard_with<S: Inner>(&self, respond: fn(Rejection) -> u32, inner: S) -> Self::Responding<S>;
}

/// A subject that admits and rejects as the test says, and whose service asks the policy in `poll_ready`.
pub trait Gated: Rejecting {
    /// Whether a call that a rejection made ready asks the policy again, and waits for the inner service in its future.
    /// Otherwise the call is rejected.
    const ASKS_AGAIN: bool = false;

    /// Returns new subjects that admit calls, and reject them once they are shut. A rejection is made when the call is made.
    fn gated() -> Kinds<Self> {
        Self::admitting()
    }

    /// Makes an idle policy reject each call from now on.
    fn shut(&self);

    /// Makes the policy admit calls from now on.
    fn open(&self);
}

/// A subject whose policy reports events.
pub trait Observed: Subject {
    /// Returns a new subject for [`cause`](Self::cause).
    fn eventful() -> Self;

    /// Adds an observer. The calls of the returned subject report to it.
    #[must_use]
    fn observe(self, observer: impl Fn(&dyn Display) + Send + Sync + 'static) -> Self;

    /// Makes a call in that way which causes events. Returns the call's result, and how many events it causes each time.
    fn cause(&self, way: Self::Way) -> (Reply, usize);
}
