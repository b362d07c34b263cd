use std::{fmt, future::Future, sync::Arc, time::Duration};

use seawall_core::{
    FromRejection, Name,
    latency::Adaptive,
    observe::{Level, Observers},
    time::{Clock, DefaultClock, Timer},
};
use seawall_policy::{KeepError, WrapError};

use crate::{
    AdaptiveTimeout, Builder, Event, EventKind, TimeoutLayer, TimeoutLimit, TimeoutRef,
    builder::observed,
    future::{ResponseFuture, drive},
};

/// A limit on how long a call takes. A call that takes longer is dropped.
///
/// Plain data: clones share nothing but their observers.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::{future::pending, io, time::Duration};
/// use seawall_core::Error;
/// use seawall_timeout::Timeout;
///
/// let timeout = Timeout::new("inventory", Duration::from_secs(2));
/// let hangs = || pending::<Result<(), io::Error>>();
/// let Err(Error::Rejected(rejection)) = timeout.execute(hangs).await else { panic!("it hangs") };
/// assert_eq!(rejection.to_string(), "timeout `inventory`: not done in 2s");
/// # }
/// ```
#[derive(Clone)]
pub struct Timeout<L = Duration, K = DefaultClock> {
    pub(crate) name: Name,
    pub(crate) limit: L,
    pub(crate) clock: K,
    pub(crate) outbox: Option<Arc<Observers<EventKind>>>,
}

impl Timeout {
    /// Limits each call to `limit`. Zero rejects every call; 292 years or more mean no limit. The name, a literal or a `String`,
    /// is for people: rejections and events carry it.
    pub fn new(name: impl Into<Name>, limit: Duration) -> Self {
        Self::builder(name, limit).build()
    }

    /// Begins to build a timeout. The limit is a duration, or what a function `Fn(&Request) -> Duration` makes of a
    /// request. The name, a literal or a `String`, is for people: rejections and events carry it.
    pub fn builder<L>(name: impl Into<Name>, limit: L) -> Builder<L> {
        Builder::new(name.into(), limit)
    }

    /// Begins to build a timeout whose limit follows how long calls took of late. It costs three clock reads a call.
    ///
    /// # Panics
    ///
    /// If the floor is above the ceiling.
    #[track_caller]
    pub fn adaptive(name: impl Into<Name>, limit: Adaptive) -> Builder<AdaptiveTimeout> {
        Builder::new(name.into(), AdaptiveTimeout::new(limit))
    }
}

impl<L, K: Timer + Clone> Timeout<L, K> {
    /// Makes a call: `f` is run at once, and what it makes is polled by the future returned, until the time is over.
    ///
    /// The time counts from the end of the first poll that leaves the call waiting: a call that is ready at once reads no
    /// clock and makes no timer.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`](seawall_core::Error::Rejected) if the time was over before the call was: it was dropped. Or if
    /// there was no time for it to begin, by a limit of zero or a [deadline](seawall_core::Deadline) around it that has
    /// passed: then `f` was not run. [`Error::Inner`](seawall_core::Error::Inner) if the call failed.
    ///
    /// # Panics
    ///
    /// As `f` or its future does; and outside of a tokio runtime with its time driver, where the clock is tokio's.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it drops the call.
    #[inline]
    pub fn execute<O, F, T, E>(&self, f: O) -> ResponseFuture<F, K, L::LatencySink, WrapError>
    where
        O: FnOnce() -> F,
        F: Future<Output = Result<T, E>>,
        L: TimeoutLimit<()>,
    {
        self.drive(&(), f, WrapError)
    }

    /// As [`execute`](Self::execute), for an error that can carry a rejection itself, and so stays as it is.
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
    #[inline]
    pub fn call<O, F, T, E>(&self, f: O) -> ResponseFuture<F, K, L::LatencySink, KeepError>
    where
        O: FnOnce() -> F,
        F: Future<Output = Result<T, E>>,
        E: FromRejection,
        L: TimeoutLimit<()>,
    {
        self.drive(&(), f, KeepError)
    }

    /// As [`execute`](Self::execute), with the limit for `request`.
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
    #[inline]
    pub fn execute_for<Request, O, F, T, E>(
        &self,
        request: &Request,
        f: O,
    ) -> ResponseFuture<F, K, L::LatencySink, WrapError>
    where
        Request: ?Sized,
        O: FnOnce() -> F,
        F: Future<Output = Result<T, E>>,
        L: TimeoutLimit<Request>,
    {
        self.drive(request, f, WrapError)
    }

    #[inline(always)]
    fn drive<Request, F, R>(
        &self,
        request: &Request,
        f: impl FnOnce() -> F,
        reject: R,
    ) -> ResponseFuture<F, K, L::LatencySink, R>
    where
        Request: ?Sized,
        L: TimeoutLimit<Request>,
    {
        drive(self, self.limit_for(request), self.limit.watch(), f, reject)
    }
}

impl<L, K> Timeout<L, K> {
    /// How long the call of `request` may take.
    #[inline]
    pub fn limit_for<Request: ?Sized>(&self, request: &Request) -> Duration
    where
        L: TimeoutLimit<Request>,
        K: Clock,
    {
        self.limit.limit(request, &self.clock)
    }

    /// What its calls go by.
    #[inline]
    pub fn terms(&self) -> TimeoutRef<'_, K> {
        TimeoutRef { clock: &self.clock, name: &self.name, outbox: self.outbox.as_deref() }
    }

    /// A tower layer that limits the calls of services.
    pub fn layer(&self) -> TimeoutLayer<L, K>
    where
        Self: Clone,
    {
        TimeoutLayer::new(self.clone())
    }

    /// Where its time comes from.
    pub fn clock(&self) -> &K {
        &self.clock
    }

    /// The name that it was built with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// This timeout, telling `observer` too, in the way of [`Builder::on_event`].
    ///
    /// Clones and layers that were made of it earlier stay as they are: `observer` is not told of their calls. Whoever observes
    /// both is told of the calls of each one at a time, but of the two side by side.
    #[must_use = "it is this one that is observed, and no clone made before"]
    pub fn observed(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observed_from(Level::Debug, observer)
    }

    /// Same as [`observed`](Self::observed), for an observer that is told only of events from `least` on.
    #[must_use = "it is this one that is observed, and no clone made before"]
    pub fn observed_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let outbox = observed(self.outbox.as_deref(), least, observer);
        Self { outbox: Some(outbox), ..self }
    }

    /// Events that were lost since this timeout was observed first, because more came than its observers could be told of.
    pub fn events_lost(&self) -> u64 {
        self.outbox.as_ref().map_or(0, |outbox| outbox.lost())
    }

    /// The limit.
    pub fn limit(&self) -> &L {
        &self.limit
    }
}

// By hand: the limit may be a closure.
impl<L, K> fmt::Debug for Timeout<L, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("name", &self.name()).finish_non_exhaustive()
    }
}
