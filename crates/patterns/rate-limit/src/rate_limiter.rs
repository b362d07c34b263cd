use std::{fmt, future::Future, time::Duration};

use seawall_core::{
    Error, FromRejection, Mark, Name, Rejection, Shared,
    observe::{Level, ObserverHandle},
    rate::Quota,
    time::{Clock, DefaultClock, Timer},
};
use seawall_policy::{Acquire, QueuePolicy, WaitLimit, queue};
use seawall_policy::{KeepError, WrapError};

use crate::{
    Builder, Event, RateLimitLayer, Snapshot, WeakRateLimiter, future::QueuedFuture, inner::LimiterInner,
    waiting::RateWait,
};

/// A rate limit, shared by its clones.
///
/// Clones, layers made from it and the services of those layers have one bucket and one queue. To clone it costs two
/// reference counts.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::{io, time::Duration};
/// use seawall_core::Error;
/// use seawall_rate_limit::{Quota, RateLimiter};
///
/// let limiter = RateLimiter::new("inventory", Quota::per_minute(30).burst(2));
/// for _ in 0..2 {
///     limiter.execute(|| async { Ok::<_, io::Error>("asked") }).await.unwrap();
/// }
/// let Err(Error::Rejected(rejection)) = limiter.execute(|| async { Ok::<_, io::Error>("not asked") }).await else {
///     panic!("the burst is used up");
/// };
/// assert!(rejection.retry_after().unwrap() <= Duration::from_secs(2)); // 60 s / 30
/// assert!(rejection.to_string().starts_with("rate limit `inventory` is exhausted: 30 in 60s, 2 at once; again in"));
/// # }
/// ```
pub struct RateLimiter<K: Clock = DefaultClock> {
    shared: Shared<LimiterInner<K>>,
}

impl RateLimiter {
    /// A limiter that lets in as many as `quota` says, and refuses the others at once.
    pub fn new(name: impl Into<Name>, quota: Quota) -> Self {
        Self::builder(name, quota).build()
    }

    /// Begins to build a limiter. The name, a literal or a `String`, is for people: rejections and events carry it.
    pub fn builder(name: impl Into<Name>, quota: Quota) -> Builder {
        Builder::new(name.into(), quota)
    }
}

impl<K: Clock> RateLimiter<K> {
    pub(crate) fn from_shared(shared: Shared<LimiterInner<K>>) -> Self {
        Self { shared }
    }

    pub(crate) fn inner(&self) -> &LimiterInner<K> {
        &self.shared
    }

    pub(crate) fn shared(&self) -> &Shared<LimiterInner<K>> {
        &self.shared
    }

    /// A place in the queue, to be taken by a poll.
    pub(crate) fn waiter(&self) -> RateWait<K> {
        RateWait::new(self.shared.hold(), 1, WaitLimit::Configured)
    }

    /// Makes a call, if the rate allows it: `f` is run at once, and what it makes is polled by the future returned. Where
    /// the limiter has a [`max_wait`](Builder::max_wait), `f` may be run by a later poll, when its turn comes.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the limiter refused, in which case `f` was not run; [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// As `f` or its future does.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, it leaves the queue and takes nothing. Dropped later, its share is used up.
    #[inline]
    pub fn execute<O, F, T, E>(&self, f: O) -> QueuedFuture<F, O, K, WrapError>
    where
        O: FnOnce() -> F,
        F: Future<Output = Result<T, E>>,
        K: Timer,
    {
        queue(self.enter_or_wait(), f, || WrapError)
    }

    /// As [`execute`](Self::execute), for an error that can carry a rejection itself, and so stays as it is.
    ///
    /// # Errors
    ///
    /// The call's own, or one made of a [`Rejection`].
    ///
    /// # Panics
    ///
    /// As `f` or its future does.
    ///
    /// # Cancel safety
    ///
    /// As of [`execute`](Self::execute).
    #[inline]
    pub fn call<O, F, T, E>(&self, f: O) -> QueuedFuture<F, O, K, KeepError>
    where
        O: FnOnce() -> F,
        F: Future<Output = Result<T, E>>,
        E: FromRejection,
        K: Timer,
    {
        queue(self.enter_or_wait(), f, || KeepError)
    }

    /// Makes a call that blocks, or that needs no waiting. It does not wait for its turn.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the limiter refused, in which case `f` was not run; [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// As `f` does.
    #[inline]
    pub fn execute_blocking<T, E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>> {
        self.try_acquire()?;
        let mark = Mark::here();
        f().map_err(|error| mark.wrap(error, Error::Inner))
    }

    /// Takes one call's share, if it is there and nobody waits for it.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] that says when to come again.
    #[inline]
    pub fn try_acquire(&self) -> Result<(), Rejection> {
        self.try_acquire_n(1)
    }

    /// Takes the share of `n` calls, all or nothing.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] that says when to come again; it says no time where `n` is above the burst, which never passes.
    #[inline]
    pub fn try_acquire_n(&self, n: u32) -> Result<(), Rejection> {
        self.inner().enter(n)
    }

    /// Waits for one call's share, at most for [`max_wait`](Builder::max_wait) if there is one.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] at once, if its turn cannot come in time, or if as many callers wait as may
    /// ([`max_queued`](Builder::max_queued)); a rejection later, if its turn has not come in time.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, it gives its place back, and the callers behind it move up. A wait that is kept and not polled
    /// keeps its own share, and holds up no other.
    pub async fn acquire(&self) -> Result<(), Rejection>
    where
        K: Timer,
    {
        self.acquire_n(1).await
    }

    /// Waits for the share of `n` calls. Who comes later waits behind, with a small cost or a large one.
    ///
    /// # Errors
    ///
    /// As of [`acquire`](Self::acquire); and at once, if `n` is above the burst, because such a call never passes.
    ///
    /// # Cancel safety
    ///
    /// As of [`acquire`](Self::acquire).
    pub async fn acquire_n(&self, n: u32) -> Result<(), Rejection>
    where
        K: Timer,
    {
        if self.inner().try_enter(n).is_ok() {
            return Ok(());
        }
        let waiter = RateWait::new(self.shared.hold(), n, WaitLimit::Configured);
        match Acquire::new(waiter).await {
            Ok(reserved) => {
                reserved.spend();
                Ok(())
            }
            Err(refusal) => Err(self.inner().refuse(refusal)),
        }
    }

    /// A tower layer that guards services with this limiter. If the limiter has a [`max_wait`](Builder::max_wait), calls wait
    /// in their future.
    ///
    /// Services must be `Clone`; [`at_once`](seawall_policy::QueueLayer::at_once) and the modes that wait in `poll_ready` do
    /// not ask for it.
    pub fn layer(&self) -> RateLimitLayer<K>
    where
        K: Timer,
    {
        RateLimitLayer::new(self.clone())
    }

    /// A number that tells this limiter from others that live: all its clones and layers have the same one.
    pub fn id(&self) -> usize {
        self.shared.id()
    }

    /// The name that it was built with.
    pub fn name(&self) -> &str {
        &self.inner().name
    }

    /// How long a call may wait for its turn; `None` if calls do not wait.
    pub fn max_wait(&self) -> Option<Duration> {
        self.inner().max_wait
    }

    /// How many callers may wait at once.
    pub fn max_queued(&self) -> usize {
        self.inner().limiter.max_queued()
    }

    /// How many calls would pass now, at once: from none to the burst. None while somebody waits.
    pub fn available(&self) -> u32 {
        self.inner().limiter.available(self.inner().clock.now())
    }

    /// How many callers wait.
    pub fn queued(&self) -> usize {
        self.inner().limiter.queued()
    }

    /// The quota as it is now.
    pub fn quota(&self) -> Quota {
        self.inner().limiter.quota()
    }

    /// Its quota, what is available, its queue and its counts.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.inner().limiter, self.inner().outbox.lost(), self.inner().clock.now())
    }

    /// Changes the quota, from now on. What has been spent stays spent, up to the new burst. Callers that wait keep their
    /// order; a caller is refused at once if its cost is above the new burst, or if its turn cannot come in time any more.
    pub fn set_quota(&self, quota: Quota) {
        self.inner().set_quota(quota);
    }

    /// Tells `observer` of all that happens from now on, for as long as the limiter lives or until the handle's
    /// [`remove`](ObserverHandle::remove). To drop the handle changes nothing.
    ///
    /// Events come one at a time, in the order in which they happened, in the thread of a call; no lock is held. The observer
    /// may call the limiter: what that causes is told next. A slow observer delays the call that reports, by its own event and at
    /// most 1 ms of others' events while more come; [`Observers`](seawall_core::observe::Observers) says what is lost then. If it
    /// panics, the panic ends with the event.
    ///
    /// An observer that owns a clone of the limiter keeps the limiter alive for ever. Give it a
    /// [weak handle](Self::downgrade).
    pub fn on_event(&self, observer: impl Fn(&Event) + Send + Sync + 'static) -> ObserverHandle {
        self.on_event_from(Level::Debug, observer)
    }

    /// Same as [`on_event`](Self::on_event), for an observer that is told only of events from `least` on. A refused call
    /// ([`Level::Debug`]) costs nothing more if all observers want [`Level::Info`] or [`Level::Warn`].
    pub fn on_event_from(&self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> ObserverHandle {
        self.inner().outbox.observe(least, observer, || 0)
    }

    /// A handle that does not keep the limiter alive.
    pub fn downgrade(&self) -> WeakRateLimiter<K> {
        WeakRateLimiter::new(self.shared.downgrade())
    }
}

// By hand: derive would ask `Clone` of the clock, which is shared.
impl<K: Clock> Clone for RateLimiter<K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K: Clock> fmt::Debug for RateLimiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("name", &self.name())
            .field("quota", &self.quota())
            .field("available", &self.available())
            .finish_non_exhaustive()
    }
}
