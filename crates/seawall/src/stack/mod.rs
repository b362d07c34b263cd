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

/// Several policies around one call, the first one given outermost.
///
/// It is as nameable as they are: `Stack<(Retry, (CircuitBreaker, ()))>` is a retry around a circuit breaker. Its clones, and
/// the layers made from it, share what the policies' handles share.
#[derive(Clone, Copy, Default)]
pub struct Stack<P = ()> {
    policies: P,
}

/// A call that a stack makes by a closure.
pub type CallFuture<'a, P, O, X, R> = ResponseFuture<&'a P, O, X, R>;

impl Stack {
    /// Without policies: a call as it is.
    pub const fn new() -> Self {
        Self { policies: () }
    }
}

impl<P> Stack<P> {
    /// Adds a timeout, inside of what there is.
    #[must_use]
    pub fn timeout<L, K>(self, timeout: Timeout<L, K>) -> Stack<P::Appended>
    where
        P: Append<Timeout<L, K>>,
    {
        self.with(timeout)
    }

    /// Adds a retry, inside of what there is: it makes what is added after it again.
    #[must_use]
    pub fn retry<D, K>(self, retry: Retry<D, K>) -> Stack<P::Appended>
    where
        P: Append<Retry<D, K>>,
    {
        self.with(retry)
    }

    /// Adds a rate limit, inside of what there is.
    #[must_use]
    pub fn rate_limit<K: Clock>(self, limiter: RateLimiter<K>) -> Stack<P::Appended>
    where
        P: Append<RateLimiter<K>>,
    {
        self.with(limiter)
    }

    /// Adds a circuit breaker, inside of what there is.
    #[must_use]
    pub fn circuit_breaker<C, K: Clock>(self, breaker: CircuitBreaker<C, K>) -> Stack<P::Appended>
    where
        P: Append<CircuitBreaker<C, K>>,
    {
        self.with(breaker)
    }

    /// Adds a bulkhead, inside of what there is.
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

    /// Makes a call through the policies: `f` is run by the innermost one, at once where none of them refuses the call or
    /// makes it wait. In a stack with a retry, `f` is run for each attempt.
    ///
    /// A rejection by one of the policies is no failure to those further out, but where an attempt took longer than its own
    /// limit. A retry makes the call again where the rejection says when it would pass.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`](seawall_core::Error::Rejected) if a policy refused the call, or cut it off;
    /// [`Error::Inner`](seawall_core::Error::Inner) if the call failed.
    ///
    /// # Panics
    ///
    /// As `f`, its future or a function of yours that judges results does; to the breakers the call has failed.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the call is dropped, and each policy takes back what it gave.
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

    /// As [`execute`](Self::execute), for an error that can carry a rejection itself, and so stays as it is. Rejections that
    /// it carries already, of policies inside of `f`, are heeded as those of this stack's own.
    ///
    /// # Errors
    ///
    /// The call's own, or one made of a [`Rejection`](seawall_core::Rejection).
    ///
    /// # Panics
    ///
    /// As of [`execute`](Self::execute).
    ///
    /// # Cancel safety
    ///
    /// As of [`execute`](Self::execute).
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

    /// As [`execute`](Self::execute), where `f` is told which attempt it makes: that of the innermost retry. It costs a clock
    /// read a call.
    ///
    /// # Errors
    ///
    /// As of [`execute`](Self::execute).
    ///
    /// # Panics
    ///
    /// As of [`execute`](Self::execute).
    ///
    /// # Cancel safety
    ///
    /// As of [`execute`](Self::execute).
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

    /// The same policies, telling `observer` of what happens to each, as their own `on_event` and `observed` do: the gates
    /// wherever they are used, the retries and timeouts of this stack and what is made of it from here on.
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

    /// Same as [`observed`](Self::observed), for an observer that is told only of events from `least` on.
    #[must_use = "retries and timeouts are observed in the stack that is returned"]
    pub fn observed_from<F>(self, least: Level, observer: F) -> Self
    where
        F: Fn(&Event<dyn Kind>) + Clone + Send + Sync + 'static,
        P: Observe,
    {
        Self { policies: self.policies.observed(least, observer) }
    }

    /// A tower layer that puts these policies around services.
    pub fn layer(&self) -> StackLayer<P>
    where
        P: Clone,
    {
        StackLayer::new(self.policies.clone())
    }

    /// The policies, each with those further in: `(outermost, (next, ()))`.
    pub fn policies(&self) -> &P {
        &self.policies
    }
}
