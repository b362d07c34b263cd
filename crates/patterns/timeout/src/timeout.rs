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
/// A timeout is plain data: its clones share only their observers.
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

    /// Returns a builder of a timeout. The limit is a duration, or a function `Fn(&Request) -> Duration` for a limit per request. The
    /// name, a literal or a `String`, is for people: rejections and events carry it.
    pub fn builder<L>(name: impl Into<Name>, limit: L) -> Builder<L> {
        Builder::new(name.into(), limit)
    }

    /// Returns a builder of a timeout whose limit follows the latencies of recent calls. It costs three clock reads per call.
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
    /// Makes a call. `f` runs at once, and the returned future polls the call until its time is over.
    ///
    /// The time begins at the end of the first poll that leaves the call pending. A call that is ready at once reads no clock and
    /// makes no timer.
    ///
    /// # Errors
    ///
    /// - [`Error::Rejected`](seawall_core::Error::Rejected) if the time was over before the call ended. The call was dropped.
    /// - [`Error::Rejected`](seawall_core::Error::Rejected) if there was no time to begin: the limit is zero, or a
    ///   [deadline](seawall_core::Deadline) around the call has passed. `f` was not run.
    /// - [`Error::Inner`](seawall_core::Error::Inner) if the call failed.
    ///
    /// # Panics
    ///
    /// If `f` or its future panics. With tokio's clock, also outside a tokio runtime with a time driver.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call.
    #[inline]
    pub fn execute<O, F, T, E>(&self, f: O) -> ResponseFuture<F, K, L::LatencySink, WrapError>
    where
        O: FnOnce() -> F,
        F: Future<Output = Result<T, E>>,
        L: TimeoutLimit<()>,
    {
        self.drive(&(), f, WrapError)
    }

    /// Same as [`execute`](Self::execute), for an error type that can carry a rejection itself. The error type stays the same.
    ///
    /// # Errors
    ///
    /// The call's own error, or an error made from a [`Rejection`](seawall_core::Rejection).
    ///
    /// # Panics
    ///
    /// Same as [`execute`](Self::execute).
    ///
    /// # Cancel safety
    ///
    /// Same as [`execute`](Self::execute).
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

    /// Same as [`execute`](Self::execute), with the limit for `request`.
    ///
    /// # Errors
    ///
    /// Same as [`execute`](Self::execute).
    ///
    /// # Panics
    ///
    /// Same as [`execute`](Self::execute).
    ///
    /// # Cancel safety
    ///
    /// Same as [`execute`](Self::execute).
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
    /// Returns the limit of a call with `request`.
    #[inline]
    pub fn limit_for<Request: ?Sized>(&self, request: &Request) -> Duration
    where
        L: TimeoutLimit<Request>,
        K: Clock,
    {
        self.limit.limit(request, &self.clock)
    }

    /// Returns the borrowed parts of the timeout.
    #[inline]
    pub fn terms(&self) -> TimeoutRef<'_, K> {
        TimeoutRef { clock: &self.clock, name: &self.name, outbox: self.outbox.as_deref() }
    }

    /// Returns a tower layer that limits the calls of services.
    pub fn layer(&self) -> TimeoutLayer<L, K>
    where
        Self: Clone,
    {
        TimeoutLayer::new(self.clone())
    }

    /// Returns the clock.
    pub fn clock(&self) -> &K {
        &self.clock
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns this timeout with a further observer, as by [`Builder::on_event`].
    ///
    /// Earlier clones and layers stay as they are, and `observer` gets no events of their calls. An observer of both timeouts can
    /// get an event of each at the same time.
    #[must_use = "it is this one that is observed, and no clone made before"]
    pub fn observed(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observed_from(Level::Debug, observer)
    }

    /// Same as [`observed`](Self::observed), for an observer that gets only events from the level `least` on.
    #[must_use = "it is this one that is observed, and no clone made before"]
    pub fn observed_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let outbox = observed(self.outbox.as_deref(), least, observer);
        Self { outbox: Some(outbox), ..self }
    }

    /// Returns the number of events that were lost because they came faster than the observers could take them.
    pub fn events_lost(&self) -> u64 {
        self.outbox.as_ref().map_or(0, |outbox| outbox.lost())
    }

    /// Returns the limit.
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
