use std::{borrow::Borrow, fmt, future::Future, hash::Hash};

use seawall_core::{
    Error, FromRejection, Name, RateLimited, Rejection, Shared, ThisThread,
    observe::{Level, ObserverHandle, Observers},
    rate::{
        Quota,
        keyed::{Keyed, Quotas, SameQuota},
    },
    time::{Clock, DefaultClock},
};
use seawall_policy::{KeepError, WrapError};
use seawall_policy::{Spent, Ticket, drive};

use super::{Builder, KeyedRateLimitLayer, WeakKeyedRateLimiter};
use crate::{Event, EventKind, future::ResponseFuture};

/// A rate limit for each key, shared by its clones.
///
/// Keys come and go by themselves: one that has not been seen has a full burst, and one whose burst is whole again is
/// forgotten. At most so many are held, whatever callers send ([`max_keys`](Builder::max_keys)), and a random secret in
/// their hash keeps callers from choosing where they fall. Calls do not wait here.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::io;
/// use seawall_core::Error;
/// use seawall_rate_limit::{KeyedRateLimiter, Quota};
///
/// let limiter = KeyedRateLimiter::<String>::new("per client", Quota::per_minute(60).burst(2));
/// let ask = async |client: &str| limiter.execute(client, || async { Ok::<_, io::Error>("asked") }).await;
/// assert!(ask("10.0.0.1").await.is_ok());
/// assert!(ask("10.0.0.1").await.is_ok());
/// assert!(matches!(ask("10.0.0.1").await, Err(Error::Rejected(_))));
/// assert!(ask("10.0.0.2").await.is_ok());
/// # }
/// ```
pub struct KeyedRateLimiter<Key, Q = SameQuota, K: Clock = DefaultClock> {
    shared: Shared<KeyedInner<Key, Q, K>>,
}

pub(super) struct KeyedInner<Key, Q, K> {
    pub(super) name: Name,
    pub(super) keyed: Keyed<Key, Q>,
    pub(super) clock: K,
    pub(super) outbox: Observers<EventKind>,
}

impl<Key: Hash + Eq> KeyedRateLimiter<Key> {
    /// A limiter with one quota for all keys.
    pub fn new(name: impl Into<Name>, quota: Quota) -> Self {
        Self::builder(name, quota).build()
    }

    /// Returns a builder of a limiter. The name, a literal or a `String`, is for people: rejections and events carry it.
    pub fn builder(name: impl Into<Name>, quota: Quota) -> Builder<Key> {
        Builder::new(name.into(), quota)
    }
}

impl<Key: Hash + Eq, K: Clock> KeyedRateLimiter<Key, SameQuota, K> {
    /// The quota that all keys have.
    pub fn quota(&self) -> Quota {
        self.shared.keyed.quotas().get()
    }

    /// Changes the quota of all keys, from now on. What a key has spent stays spent, up to the new burst.
    pub fn set_quota(&self, quota: Quota) {
        let from = self.shared.keyed.quotas().set(quota);
        self.shared.tell(EventKind::QuotaChanged { from, to: quota });
    }
}

impl<Key: Hash + Eq, Q, K: Clock> KeyedRateLimiter<Key, Q, K> {
    pub(super) fn from_shared(shared: Shared<KeyedInner<Key, Q, K>>) -> Self {
        Self { shared }
    }

    #[inline]
    pub(super) fn enter<B>(&self, key: &B, cost: u32) -> Result<Ticket<Spent>, Rejection>
    where
        Key: Borrow<B>,
        B: Hash + Eq + ToOwned<Owned = Key> + ?Sized,
        Q: Quotas<B>,
    {
        let KeyedInner { name, keyed, clock, outbox } = &*self.shared;
        match keyed.try_enter(key, cost, clock.now()) {
            Ok(()) => Ok(Ticket::new(Spent, ())),
            Err(refusal) => {
                keyed.count_refused(&ThisThread(clock));
                let rejection = RateLimited::new(name.clone(), refusal).into();
                if outbox.wants(Level::Debug) {
                    self.shared.tell(EventKind::Rejected(Rejection::clone(&rejection)));
                }
                Err(rejection)
            }
        }
    }

    /// Makes a call for `key`, if its rate allows it: `f` is run at once, and what it makes is polled by the future
    /// returned.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the limiter rejected the call; `f` was then not run. [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// As `f`, its future, or the quotas' function does.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, its share is used up.
    #[inline]
    pub fn execute<B, F, T, E>(&self, key: &B, f: impl FnOnce() -> F) -> ResponseFuture<F, WrapError>
    where
        Key: Borrow<B>,
        B: Hash + Eq + ToOwned<Owned = Key> + ?Sized,
        Q: Quotas<B>,
        F: Future<Output = Result<T, E>>,
    {
        drive(self.enter(key, 1), f, || WrapError)
    }

    /// Same as [`execute`](Self::execute), for an error type that can carry a rejection itself. The error type stays the same.
    ///
    /// # Errors
    ///
    /// The call's own error, or an error made from a [`Rejection`].
    ///
    /// # Panics
    ///
    /// Same as [`execute`](Self::execute).
    ///
    /// # Cancel safety
    ///
    /// Same as [`execute`](Self::execute).
    #[inline]
    pub fn call<B, F, T, E>(&self, key: &B, f: impl FnOnce() -> F) -> ResponseFuture<F, KeepError>
    where
        Key: Borrow<B>,
        B: Hash + Eq + ToOwned<Owned = Key> + ?Sized,
        Q: Quotas<B>,
        F: Future<Output = Result<T, E>>,
        E: FromRejection,
    {
        drive(self.enter(key, 1), f, || KeepError)
    }

    /// Makes a call that blocks.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the limiter rejected the call; `f` was then not run. [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// As `f` or the quotas' function does.
    pub fn execute_blocking<B, T, E>(&self, key: &B, f: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>>
    where
        Key: Borrow<B>,
        B: Hash + Eq + ToOwned<Owned = Key> + ?Sized,
        Q: Quotas<B>,
    {
        self.enter(key, 1)?.execute(f)
    }

    /// Takes one call's share of `key`.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] that says when to come again, where that is known.
    #[inline]
    pub fn try_acquire<B>(&self, key: &B) -> Result<(), Rejection>
    where
        Key: Borrow<B>,
        B: Hash + Eq + ToOwned<Owned = Key> + ?Sized,
        Q: Quotas<B>,
    {
        self.try_acquire_n(key, 1)
    }

    /// Takes the share of `n` calls of `key`, all or nothing.
    ///
    /// # Errors
    ///
    /// A [`Rejection`]; it says no time where `n` is above the burst, which never passes.
    #[inline]
    pub fn try_acquire_n<B>(&self, key: &B, n: u32) -> Result<(), Rejection>
    where
        Key: Borrow<B>,
        B: Hash + Eq + ToOwned<Owned = Key> + ?Sized,
        Q: Quotas<B>,
    {
        self.enter(key, n).map(drop)
    }

    /// A tower layer that guards services with this limiter; `key` says whose call a request is. It is asked once for each
    /// call, before anything else is done.
    ///
    /// Trust no header that the client can write: a key that it can choose is no limit.
    pub fn layer<X>(&self, key: X) -> KeyedRateLimitLayer<Key, Q, K, X> {
        KeyedRateLimitLayer::new(self.clone(), key)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// How many calls of `key` would pass now, at once.
    pub fn available<B>(&self, key: &B) -> u32
    where
        Key: Borrow<B>,
        B: Hash + Eq + ?Sized,
        Q: Quotas<B>,
    {
        self.shared.keyed.available(key, self.shared.clock.now())
    }

    /// How many keys are held; idle ones that have not been forgotten yet are among them.
    pub fn len(&self) -> usize {
        self.shared.keyed.len()
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many keys are held at most.
    pub fn max_keys(&self) -> usize {
        self.shared.keyed.max_keys()
    }

    /// Calls refused since the limiter was built.
    pub fn rejected(&self) -> u64 {
        self.shared.keyed.refused()
    }

    /// Forgets `key`: it has a full burst when it comes again. Whether it was held.
    pub fn forget<B>(&self, key: &B) -> bool
    where
        Key: Borrow<B>,
        B: Hash + Eq + ?Sized,
    {
        self.shared.keyed.forget(key)
    }

    /// Events of single calls that were lost since the limiter was built, because more came than its observers could be told
    /// of.
    pub fn events_lost(&self) -> u64 {
        self.shared.outbox.lost()
    }

    /// Forgets all keys that are idle now, at once; how many. Takes time with the number of keys; nobody needs it but who
    /// wants the memory back while no calls come.
    pub fn purge(&self) -> usize {
        self.shared.keyed.purge(self.shared.clock.now())
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
        self.shared.outbox.observe(least, observer, || 0)
    }

    /// Returns a handle that does not keep the limiter alive.
    pub fn downgrade(&self) -> WeakKeyedRateLimiter<Key, Q, K> {
        WeakKeyedRateLimiter::new(self.shared.downgrade())
    }
}

impl<Key, Q, K: Clock> KeyedInner<Key, Q, K> {
    #[cold]
    fn tell(&self, kind: EventKind) {
        self.outbox.tell_in_turn(Event::new(self.name.clone(), kind), &self.clock);
    }
}

// By hand: derive would ask `Clone` of the key, the quotas and the clock, which are shared.
impl<Key, Q, K: Clock> Clone for KeyedRateLimiter<Key, Q, K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<Key, Q, K: Clock> fmt::Debug for KeyedRateLimiter<Key, Q, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRateLimiter").field("name", &self.shared.name).finish_non_exhaustive()
    }
}
