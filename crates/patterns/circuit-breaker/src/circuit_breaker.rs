use std::{fmt, future::Future, time::Duration};

use seawall_core::{
    Classify, ErrIsFailure, Error, FromRejection, Name, Rejection, Shared,
    breaker::{Breaker, State},
    observe::{Level, ObserverHandle},
    time::{Clock, DefaultClock},
};
use seawall_policy::{KeepError, WrapError};
use seawall_policy::{Policy, Ticket, drive};

use crate::{
    Builder, CircuitBreakerLayer, Event, Permit, Snapshot, WeakCircuitBreaker, future::ResponseFuture,
    inner::BreakerInner,
};

/// A circuit breaker, shared by its clones.
///
/// Clones, layers made from the breaker and the services of these layers share its state and its counters. A clone costs two
/// reference counts. Calls from several threads do not share a count.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::{io, time::Duration};
/// use seawall_circuit_breaker::CircuitBreaker;
/// use seawall_core::{Error, breaker::{State, Trip}};
///
/// let breaker = CircuitBreaker::builder("inventory")
///     .trip(Trip::consecutive(2))
///     .open_for(Duration::from_secs(5))
///     .build();
///
/// for _ in 0..2 {
///     let failed = breaker.execute(|| async { Err::<(), _>(io::Error::other("down")) }).await;
///     assert!(matches!(failed, Err(Error::Inner(_))));
/// }
/// let Err(Error::Rejected(rejection)) = breaker.execute(|| async { Ok::<_, io::Error>("not asked") }).await else {
///     panic!("the circuit is open");
/// };
/// assert_eq!(breaker.state(), State::Open);
/// assert!(rejection.retry_after().unwrap() <= Duration::from_secs(5));
/// assert!(rejection.to_string().starts_with("circuit breaker `inventory` is open: 2 failures in a row; next probe in"));
/// # }
/// ```
pub struct CircuitBreaker<C = ErrIsFailure, K: Clock = DefaultClock> {
    shared: Shared<BreakerInner<C, K>>,
}

impl CircuitBreaker {
    /// Creates a breaker with the defaults of [`Builder`]'s methods.
    pub fn new(name: impl Into<Name>) -> Self {
        Self::builder(name).build()
    }

    /// Returns a builder of a breaker. The name, a literal or a `String`, is for people: rejections and events carry it.
    pub fn builder(name: impl Into<Name>) -> Builder {
        Builder::new(name.into())
    }
}

impl<C, K: Clock> CircuitBreaker<C, K> {
    pub(crate) fn from_shared(shared: Shared<BreakerInner<C, K>>) -> Self {
        Self { shared }
    }

    pub(crate) fn from_inner(inner: BreakerInner<C, K>, lanes: usize) -> Self {
        Self { shared: Shared::new(inner, lanes) }
    }

    pub(crate) fn inner(&self) -> &BreakerInner<C, K> {
        &self.shared
    }

    pub(crate) fn shared(&self) -> &Shared<BreakerInner<C, K>> {
        &self.shared
    }

    /// Makes a call, if the circuit admits it. `f` runs at once, and the returned future polls the call.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the circuit rejected the call; `f` was then not run. [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// If `f`, its future or the classifier panics. The call then counts as a failure.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before its end, polled or not, the call is abandoned and frees its place: see
    /// [`Builder::abandoned`].
    #[inline]
    pub fn execute<F, T, E>(&self, f: impl FnOnce() -> F) -> ResponseFuture<F, C, K, WrapError>
    where
        F: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
    {
        drive(self.enter(), f, || WrapError)
    }

    /// Same as [`execute`](Self::execute), for an error type that can carry a rejection itself. The error type stays the same.
    ///
    /// # Errors
    ///
    /// The call's own error, or an error made from a [`Rejection`].
    ///
    /// # Panics
    ///
    /// If `f`, its future or the classifier panics. The call then counts as a failure.
    ///
    /// # Cancel safety
    ///
    /// Same as [`execute`](Self::execute).
    #[inline]
    pub fn call<F, T, E>(&self, f: impl FnOnce() -> F) -> ResponseFuture<F, C, K, KeepError>
    where
        F: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
        E: FromRejection,
    {
        drive(self.enter(), f, || KeepError)
    }

    /// Makes a call that blocks.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the circuit rejected the call; `f` was then not run. [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// If `f` or the classifier panics. The call then counts as a failure.
    #[inline]
    pub fn execute_blocking<T, E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>>
    where
        C: Classify<T, E>,
    {
        let inner = self.inner();
        Ticket::new(inner, inner.enter()?).execute(f)
    }

    /// Takes a permit for one call, for code that a closure does not fit.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if the circuit rejected the call.
    pub fn try_acquire(&self) -> Result<Permit<C, K>, Rejection> {
        self.enter().map(Permit::new)
    }

    /// Returns a tower layer that guards services with this breaker.
    pub fn layer(&self) -> CircuitBreakerLayer<C, K> {
        CircuitBreakerLayer::new(self.clone())
    }

    /// Returns a number that differs from the number of each other living breaker. Clones and layers have the same number.
    pub fn id(&self) -> usize {
        self.shared.id()
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.inner().name
    }

    /// Returns how long the circuit stays open the first time, without jitter.
    pub fn open_for(&self) -> Duration {
        self.inner().breaker.open_for()
    }

    /// Returns whether a dropped call may count as a failure, such as a call that a timeout outside the breaker cut off
    /// ([`Builder::abandoned`], [`Builder::abandoned_after`]).
    pub fn counts_abandoned(&self) -> bool {
        self.inner().breaker.counts_abandoned()
    }

    /// Returns the state that a call would meet now. It changes nothing: [`State::HalfOpen`] can be a circuit whose open period is
    /// over, and that no call has tried yet.
    pub fn state(&self) -> State {
        self.inner().breaker.state(self.inner().clock.now())
    }

    /// Returns a snapshot of the state, the counts and the rates.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.inner().breaker, self.inner().outbox.lost(), self.inner().clock.now())
    }

    /// Rejects all calls until [`reset`](Self::reset) or another manual change.
    pub fn force_open(&self) {
        self.inner().force(Breaker::force_open);
    }

    /// Passes all calls and records nothing until [`reset`](Self::reset) or another manual change.
    pub fn force_closed(&self) {
        self.inner().force(Breaker::force_closed);
    }

    /// Passes and measures all calls, but never opens, until [`reset`](Self::reset) or another manual change.
    /// [`EventKind::WouldOpen`](crate::EventKind::WouldOpen) reports when the circuit would have opened.
    pub fn metrics_only(&self) {
        self.inner().force(Breaker::metrics_only);
    }

    /// Closes the circuit from any state, and begins to count again.
    pub fn reset(&self) {
        self.inner().force(Breaker::reset);
    }

    /// Reports all events from now on to `observer`, until the end of the breaker or the handle's
    /// [`remove`](ObserverHandle::remove). Dropping the handle changes nothing.
    ///
    /// The observer gets a single event at a time, in the order of the events, in the thread of a call, and under no lock. It may
    /// call the breaker; the events of this call come next. A slow observer delays the call that reports: by its own event, and by
    /// at most 1 ms of other calls' events. [`Observers`](seawall_core::observe::Observers) says which events are then lost. A panic
    /// of the observer ends with the event.
    ///
    /// An observer that owns a clone of the breaker keeps the breaker alive for ever. Give it a
    /// [weak handle](Self::downgrade).
    pub fn on_event(&self, observer: impl Fn(&Event) + Send + Sync + 'static) -> ObserverHandle {
        self.on_event_from(Level::Debug, observer)
    }

    /// Same as [`on_event`](Self::on_event), for an observer that gets only events from the level `least` on. A rejected call
    /// ([`Level::Debug`]) costs no more than without observers if all observers want [`Level::Info`] or [`Level::Warn`].
    pub fn on_event_from(&self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> ObserverHandle {
        let breaker = &self.inner().breaker;
        self.inner().outbox.observe(least, observer, || breaker.word().generation())
    }

    /// Returns a handle that does not keep the breaker alive.
    pub fn downgrade(&self) -> WeakCircuitBreaker<C, K> {
        WeakCircuitBreaker::new(self.shared.downgrade())
    }
}

// By hand: derive would ask `Clone` of the classifier and the clock, which are shared.
impl<C, K: Clock> Clone for CircuitBreaker<C, K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<C, K: Clock> fmt::Debug for CircuitBreaker<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("name", &self.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
