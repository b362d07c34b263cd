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
/// Clones, layers made from the limiter and the services of these layers share its bucket and its queue. A clone costs two
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
    /// Creates a limiter that admits calls within `quota`, and rejects the others at once.
    pub fn new(name: impl Into<Name>, quota: Quota) -> Self {
        Self::builder(name, quota).build()
    }

    /// Returns a builder of a limiter. The name, a literal or a `String`, is for people: rejections and events carry it.
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

    /// Returns a place in the queue. The first poll enters the queue.
    pub(crate) fn waiter(&self) -> RateWait<K> {
        RateWait::new(self.shared.hold(), 1, WaitLimit::Configured)
    }

    /// Makes a call, if the rate allows it. `f` runs at once, and the returned future polls the call. If the limiter has a
    /// [`max_wait`](Builder::max_wait), `f` can run in a later poll, when the call's turn comes.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the limiter rejected the call; `f` was then not run. [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// If `f` or its future panics.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped while it waits, it leaves the queue and takes nothing. If it is dropped later, its permit is spent.
    #[inline]
    pub fn execute<O, F, T, E>(&self, f: O) -> QueuedFuture<F, O, K, WrapError>
    where
        O: FnOnce() -> F,
        F: Future<Output = Result<T, E>>,
        K: Timer,
    {
        queue(self.enter_or_wait(), f, || WrapError)
    }

    /// Same as [`execute`](Self::execute), for an error type that can carry a rejection itself. The error type stays the same.
    ///
    /// # Errors
    ///
    /// The call's own error, or an error made from a [`Rejection`].
    ///
    /// # Panics
    ///
    /// If `f` or its future panics.
    ///
    /// # Cancel safety
    ///
    /// Same as [`execute`](Self::execute).
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

    /// Makes a call that blocks. It does not wait for its turn.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the limiter rejected the call; `f` was then not run. [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// If `f` panics.
    #[inline]
    pub fn execute_blocking<T, E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>> {
        self.try_acquire()?;
        let mark = Mark::here();
        f().map_err(|error| mark.wrap(error, Error::Inner))
    }

    /// Takes the permit of a call, if it is available and no caller waits for it.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] that says when the same call passes.
    #[inline]
    pub fn try_acquire(&self) -> Result<(), Rejection> {
        self.try_acquire_n(1)
    }

    /// Takes the permits of `n` calls, all or none.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] that says when the same call passes. It says no time if `n` is above the burst, because such a call never
    /// passes.
    #[inline]
    pub fn try_acquire_n(&self, n: u32) -> Result<(), Rejection> {
        self.inner().enter(n)
    }

    /// Waits for the permit of a call, for at most [`max_wait`](Builder::max_wait) if it is set.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] at once, if its turn cannot come in time, or if as many callers wait as may
    /// ([`max_queued`](Builder::max_queued)); a rejection later, if its turn has not come in time.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped while it waits, it leaves the queue, and the callers behind it move up. A future that is kept and not
    /// polled keeps its own permit, and delays no other caller.
    pub async fn acquire(&self) -> Result<(), Rejection>
    where
        K: Timer,
    {
        self.acquire_n(1).await
    }

    /// Waits for the permits of `n` calls. All later callers wait behind it, whatever their cost is.
    ///
    /// # Errors
    ///
    /// Same as [`acquire`](Self::acquire). If `n` is above the burst, the error comes at once, because such a call never passes.
    ///
    /// # Cancel safety
    ///
    /// Same as [`acquire`](Self::acquire).
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

    /// Returns a tower layer that guards services with this limiter. If the limiter has a [`max_wait`](Builder::max_wait), calls wait
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

    /// Returns a number that differs from the number of each other living limiter. Clones and layers have the same number.
    pub fn id(&self) -> usize {
        self.shared.id()
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.inner().name
    }

    /// Returns how long a call may wait for its turn; `None` if calls do not wait.
    pub fn max_wait(&self) -> Option<Duration> {
        self.inner().max_wait
    }

    /// Returns how many callers may wait at once.
    pub fn max_queued(&self) -> usize {
        self.inner().limiter.max_queued()
    }

    /// Returns how many calls would pass now at once, from 0 to the burst. It is 0 while a caller waits.
    pub fn available(&self) -> u32 {
        self.inner().limiter.available(self.inner().clock.now())
    }

    /// Returns how many callers wait.
    pub fn queued(&self) -> usize {
        self.inner().limiter.queued()
    }

    /// Returns the current quota.
    pub fn quota(&self) -> Quota {
        self.inner().limiter.quota()
    }

    /// Returns a snapshot of the quota, the available permits, the queue and the counts.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.inner().limiter, self.inner().outbox.lost(), self.inner().clock.now())
    }

    /// Changes the quota. Spent permits stay spent, up to the new burst. Waiting callers keep their order. A caller is rejected at
    /// once if its cost is above the new burst, or if its turn can no longer come in time.
    pub fn set_quota(&self, quota: Quota) {
        self.inner().set_quota(quota);
    }

    /// Reports all events from now on to `observer`, until the end of the limiter or the handle's
    /// [`remove`](ObserverHandle::remove). Dropping the handle changes nothing.
    ///
    /// The observer gets a single event at a time, in the order of the events, in the thread of a call, and under no lock. It may
    /// call the limiter; the events of this call come next. A slow observer delays the call that reports: by its own event, and by
    /// at most 1 ms of other calls' events. [`Observers`](seawall_core::observe::Observers) says which events are then lost. A panic
    /// of the observer ends with the event.
    ///
    /// An observer that owns a clone of the limiter keeps the limiter alive for ever. Give it a
    /// [weak handle](Self::downgrade).
    pub fn on_event(&self, observer: impl Fn(&Event) + Send + Sync + 'static) -> ObserverHandle {
        self.on_event_from(Level::Debug, observer)
    }

    /// Same as [`on_event`](Self::on_event), for an observer that gets only events from the level `least` on. A rejected call
    /// ([`Level::Debug`]) costs no more than without observers if all observers want [`Level::Info`] or [`Level::Warn`].
    pub fn on_event_from(&self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> ObserverHandle {
        self.inner().outbox.observe(least, observer, || 0)
    }

    /// Returns a handle that does not keep the limiter alive.
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
