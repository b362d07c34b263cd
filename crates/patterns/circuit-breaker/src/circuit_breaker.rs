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
/// Clones, layers made from it and the services of those layers have one state and one set of counters. To clone it
/// costs two reference counts; calls through it from several threads do not share one.
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
    /// A breaker with the defaults of [`Builder`]'s methods.
    pub fn new(name: impl Into<Name>) -> Self {
        Self::builder(name).build()
    }

    /// Begins to build a breaker. The name, a literal or a `String`, is for people: rejections and events carry it.
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

    /// Makes a call, if the circuit lets it: `f` is run at once, and what it makes is polled by the future returned.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the circuit refused, in which case `f` was not run; [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// As `f`, its future or the classifier does; the call then counts as a failure.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, polled or not, the call is abandoned: see [`Builder::abandoned`]. It frees its place.
    #[inline]
    pub fn execute<F, T, E>(&self, f: impl FnOnce() -> F) -> ResponseFuture<F, C, K, WrapError>
    where
        F: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
    {
        drive(self.enter(), f, || WrapError)
    }

    /// As [`execute`](Self::execute), for an error that can carry a rejection itself, and so stays as it is.
    ///
    /// # Errors
    ///
    /// The call's own, or one made of a [`Rejection`].
    ///
    /// # Panics
    ///
    /// As `f`, its future or the classifier does; the call then counts as a failure.
    ///
    /// # Cancel safety
    ///
    /// As of [`execute`](Self::execute).
    #[inline]
    pub fn call<F, T, E>(&self, f: impl FnOnce() -> F) -> ResponseFuture<F, C, K, KeepError>
    where
        F: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
        E: FromRejection,
    {
        drive(self.enter(), f, || KeepError)
    }

    /// Makes a call that blocks, or that needs no waiting.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the circuit refused, in which case `f` was not run; [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// As `f` or the classifier does; the call then counts as a failure.
    #[inline]
    pub fn execute_blocking<T, E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>>
    where
        C: Classify<T, E>,
    {
        let inner = self.inner();
        Ticket::new(inner, inner.enter()?).execute(f)
    }

    /// Takes leave to make one call, where a closure does not fit.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if the circuit refused.
    pub fn try_acquire(&self) -> Result<Permit<C, K>, Rejection> {
        self.enter().map(Permit::new)
    }

    /// A tower layer that guards services with this breaker.
    pub fn layer(&self) -> CircuitBreakerLayer<C, K> {
        CircuitBreakerLayer::new(self.clone())
    }

    /// A number that tells this breaker from others that live: all its clones and layers have the same one.
    pub fn id(&self) -> usize {
        self.shared.id()
    }

    /// The name that it was built with.
    pub fn name(&self) -> &str {
        &self.inner().name
    }

    /// Returns how long the circuit stays open the first time, without jitter.
    pub fn open_for(&self) -> Duration {
        self.inner().breaker.open_for()
    }

    /// Whether a call that was dropped, by a timeout outside of the breaker perhaps, may count as a failure
    /// ([`Builder::abandoned`], [`Builder::abandoned_after`]).
    pub fn counts_abandoned(&self) -> bool {
        self.inner().breaker.counts_abandoned()
    }

    /// What a call that arrived now would meet. Changes nothing: [`State::HalfOpen`] may be a circuit whose open period
    /// is over, and which no call has tried yet.
    pub fn state(&self) -> State {
        self.inner().breaker.state(self.inner().clock.now())
    }

    /// Its state, counts and rates.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.inner().breaker, self.inner().outbox.lost(), self.inner().clock.now())
    }

    /// Refuses calls from now on, until [`reset`](Self::reset) or another of its kind.
    pub fn force_open(&self) {
        self.inner().force(Breaker::force_open);
    }

    /// Lets calls pass from now on and records nothing, until [`reset`](Self::reset) or another of its kind.
    pub fn force_closed(&self) {
        self.inner().force(Breaker::force_closed);
    }

    /// Lets calls pass from now on and measures them, but never opens, until [`reset`](Self::reset) or another of its
    /// kind. [`EventKind::WouldOpen`](crate::EventKind::WouldOpen) tells when it would have.
    pub fn metrics_only(&self) {
        self.inner().force(Breaker::metrics_only);
    }

    /// Closes the circuit and begins to count anew, whatever its state.
    pub fn reset(&self) {
        self.inner().force(Breaker::reset);
    }

    /// Tells `observer` of all that happens from now on, for as long as the breaker lives or until the handle's
    /// [`remove`](ObserverHandle::remove). To drop the handle changes nothing.
    ///
    /// Events come one at a time, in the order in which they happened, in the thread of a call; no lock is held. The observer
    /// may call the breaker: what that causes is told next. A slow observer delays the call that reports, by its own event and at
    /// most 1 ms of others' events while more come; [`Observers`](seawall_core::observe::Observers) says what is lost then. If it
    /// panics, the panic ends with the event.
    ///
    /// An observer that owns a clone of the breaker keeps the breaker alive for ever. Give it a
    /// [weak handle](Self::downgrade).
    pub fn on_event(&self, observer: impl Fn(&Event) + Send + Sync + 'static) -> ObserverHandle {
        self.on_event_from(Level::Debug, observer)
    }

    /// Same as [`on_event`](Self::on_event), for an observer that is told only of events from `least` on. A refused call
    /// ([`Level::Debug`]) costs nothing more if all observers want [`Level::Info`] or [`Level::Warn`].
    pub fn on_event_from(&self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> ObserverHandle {
        let breaker = &self.inner().breaker;
        self.inner().outbox.observe(least, observer, || breaker.word().generation())
    }

    /// A handle that does not keep the breaker alive.
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
