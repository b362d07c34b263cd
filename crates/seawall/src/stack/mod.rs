//! Several policies around one call.

mod append;
mod boxed;
mod chain;
mod check;
mod closure;
mod drawing;
pub mod future;
mod layer;
mod mode;
mod observe;
mod operation;
mod policies;
mod request;
mod service;
mod standard;
mod summary;
mod unlimited;

pub use append::Append;
pub use boxed::BoxedStack;
pub use chain::{Chain, ChainResult};
pub use check::{Concern, ConcernKind};
pub use closure::{Again, Callable, Called, Once, RunAgain, RunNumbered, RunOnce};
pub use drawing::Drawing;
pub use layer::StackLayer;
pub use mode::Repeats;
pub use observe::Observe;
pub use operation::{CallTypes, Operation};
pub use request::{Cloner, Requested};
pub use service::StackService;
pub use standard::Standard;
pub use summary::{Describe, Numbers, Summary};
pub use unlimited::Unlimited;

use std::future::Future;

use seawall_bulkhead::Bulkhead;
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{
    AsRejection, FromRejection,
    attempts::{Attempt, Single},
    observe::{Event, Kind, Level},
    time::Clock,
};
use seawall_policy::{KeepError, Opaque, Reject, ShowsRejections, Visibility, WrapError};
use seawall_rate_limit::RateLimiter;
use seawall_retry::Retry;
use seawall_timeout::Timeout;

use self::future::ResponseFuture;

/// Several policies around one call. The first added policy is the outermost.
///
/// The type can be named: `Stack<(Retry, (CircuitBreaker, ()))>` is a retry around a circuit breaker. Clones of a stack, and its
/// layers, share what the policies' handles share.
#[derive(Clone, Copy, Default)]
pub struct Stack<P = ()> {
    policies: P,
}

/// A stack's call of a closure.
pub type CallFuture<'a, P, O, X, R> = ResponseFuture<&'a P, O, X, R>;

impl Stack {
    /// Returns a stack without policies: a plain call.
    pub const fn new() -> Self {
        Self { policies: () }
    }
}

impl<P> Stack<P> {
    /// Adds a timeout, inside the policies so far.
    #[must_use]
    pub fn timeout<L, K>(self, timeout: Timeout<L, K>) -> Stack<P::Appended>
    where
        P: Append<Timeout<L, K>>,
    {
        self.with(timeout)
    }

    /// Adds a retry, inside the policies so far. The retry repeats the policies that are added later.
    #[must_use]
    pub fn retry<D, K>(self, retry: Retry<D, K>) -> Stack<P::Appended>
    where
        P: Append<Retry<D, K>>,
    {
        self.with(retry)
    }

    /// Adds a rate limit, inside the policies so far.
    #[must_use]
    pub fn rate_limit<K: Clock>(self, limiter: RateLimiter<K>) -> Stack<P::Appended>
    where
        P: Append<RateLimiter<K>>,
    {
        self.with(limiter)
    }

    /// Adds a circuit breaker, inside the policies so far.
    #[must_use]
    pub fn circuit_breaker<C, K: Clock>(self, breaker: CircuitBreaker<C, K>) -> Stack<P::Appended>
    where
        P: Append<CircuitBreaker<C, K>>,
    {
        self.with(breaker)
    }

    /// Adds a bulkhead, inside the policies so far.
    #[must_use]
    pub fn bulkhead<K: Clock>(self, bulkhead: Bulkhead<K>) -> Stack<P::Appended>
    where
        P: Append<Bulkhead<K>>,
    {
        self.with(bulkhead)
    }

    fn with<A>(self, policy: A) -> Stack<P::Appended>
    where
        P: Append<A>,
    {
        Stack { policies: self.policies.append(policy) }
    }

    /// Makes a call through the policies.
    ///
    /// `f` runs at once if no policy rejects the call or makes it wait. In a stack with a retry, `f` runs for each attempt.
    ///
    /// Outer policies do not count an inner policy's rejection as a failure, except for an attempt that exceeded its own
    /// timeout. A retry waits and tries again if the rejection says how long to wait.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`](seawall_core::Error::Rejected) if a policy rejected the call, or cut it off;
    /// [`Error::Inner`](seawall_core::Error::Inner) if the call failed.
    ///
    /// # Panics
    ///
    /// If `f`, its future, or a classifier of yours panics. The breakers count the call as failed.
    ///
    /// # Cancel safety
    ///
    /// To drop the future is to drop the call. Each policy takes back what it gave.
    #[allow(clippy::type_complexity, reason = "the parts have names, and stand once")]
    #[inline(always)]
    pub fn execute<C, T, E>(&self, f: C) -> CallFuture<'_, P, C::Operation, Called<C::Future, T, E, Opaque>, WrapError>
    where
        P: Repeats + Chain<Called<C::Future, T, E, Opaque>>,
        C: Callable<P::Repeats, Operation: Operation<Called<C::Future, T, E, Opaque>>>,
        C::Future: Future<Output = Result<T, E>>,
    {
        self.start(f.into_operation(), WrapError)
    }

    /// Makes a call like [`execute`](Self::execute), and keeps the error's type, which must be able to carry a rejection.
    ///
    /// The error may already carry the rejection of a policy inside `f`. Such a rejection counts like this stack's own.
    ///
    /// # Errors
    ///
    /// The call's own error, or an error made of a [`Rejection`](seawall_core::Rejection).
    ///
    /// # Panics
    ///
    /// Same as [`execute`](Self::execute): if `f`, its future, or a classifier panics.
    ///
    /// # Cancel safety
    ///
    /// Same as [`execute`](Self::execute): each policy takes back what it gave.
    #[allow(clippy::type_complexity, reason = "the parts have names, and stand once")]
    #[inline(always)]
    pub fn call<C, T, E>(
        &self,
        f: C,
    ) -> CallFuture<'_, P, C::Operation, Called<C::Future, T, E, ShowsRejections>, KeepError>
    where
        P: Repeats + Chain<Called<C::Future, T, E, ShowsRejections>>,
        C: Callable<P::Repeats, Operation: Operation<Called<C::Future, T, E, ShowsRejections>>>,
        C::Future: Future<Output = Result<T, E>>,
        E: FromRejection + AsRejection,
    {
        self.start(f.into_operation(), KeepError)
    }

    /// Makes a call like [`execute`](Self::execute), and passes the attempt of the innermost retry to `f`. This costs a clock
    /// read per call.
    ///
    /// # Errors
    ///
    /// Same as [`execute`](Self::execute): a policy's rejection, or the call's own error.
    ///
    /// # Panics
    ///
    /// Same as [`execute`](Self::execute): if `f`, its future, or a classifier panics.
    ///
    /// # Cancel safety
    ///
    /// Same as [`execute`](Self::execute): each policy takes back what it gave.
    #[inline(always)]
    pub fn execute_with<C, F, T, E>(
        &self,
        f: C,
    ) -> CallFuture<'_, P, RunNumbered<C>, Called<F, T, E, Opaque>, WrapError>
    where
        P: Chain<Called<F, T, E, Opaque>>,
        C: FnMut(Attempt) -> F,
        F: Future<Output = Result<T, E>>,
    {
        self.start(RunNumbered(f), WrapError)
    }

    #[inline(always)]
    fn start<O, F, T, E, V, R>(&self, mut operation: O, reject: R) -> CallFuture<'_, P, O, Called<F, T, E, V>, R>
    where
        P: Chain<Called<F, T, E, V>>,
        O: Operation<Called<F, T, E, V>>,
        F: Future<Output = Result<T, E>>,
        V: Visibility<E>,
        R: Reject<T, E>,
    {
        let run = self.policies.begin(&mut operation, Single);
        ResponseFuture::new(run, &self.policies, operation, reject)
    }

    /// Adds an observer of all policies, by their own `on_event` and `observed`.
    ///
    /// The gates report to the observer wherever they are used. The retries and timeouts report only for the returned stack, and
    /// for its clones and layers.
    ///
    /// ```
    /// use std::time::Duration;
    /// use seawall::{CircuitBreaker, Retry, Stack, Timeout};
    ///
    /// let stack = Stack::standard("inventory").observed(|event| println!("{event}"));
    /// ```
    ///
    /// With the feature `tracing`: `stack.observed(seawall::tracing)`.
    #[must_use = "retries and timeouts are observed in the stack that is returned"]
    pub fn observed<F>(self, observer: F) -> Self
    where
        F: Fn(&Event<dyn Kind>) + Clone + Send + Sync + 'static,
        P: Observe,
    {
        self.observed_from(Level::Debug, observer)
    }

    /// Same as [`observed`](Self::observed), for an observer that gets only events of the level `least` or above.
    #[must_use = "retries and timeouts are observed in the stack that is returned"]
    pub fn observed_from<F>(self, least: Level, observer: F) -> Self
    where
        F: Fn(&Event<dyn Kind>) + Clone + Send + Sync + 'static,
        P: Observe,
    {
        Self { policies: self.policies.observed(least, observer) }
    }

    /// Returns a tower layer that puts these policies around services.
    pub fn layer(&self) -> StackLayer<P>
    where
        P: Clone,
    {
        StackLayer::new(self.policies.clone())
    }

    /// The policies, each with its inner policies: `(outermost, (next, ()))`.
    pub fn policies(&self) -> &P {
        &self.policies
    }
}
