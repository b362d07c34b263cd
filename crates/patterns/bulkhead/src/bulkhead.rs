use std::{fmt, future::Future};

use seawall_core::{
    Error, FromRejection, Name, Rejection, Shared,
    observe::{Level, ObserverHandle},
    slots::Refusal,
    time::{Clock, DefaultClock, Timer},
};
use seawall_policy::{Acquire, QueuePolicy, Ticket, WaitLimit, queue};
use seawall_policy::{KeepError, WrapError};

use crate::{
    Builder, BulkheadLayer, Event, Permit, Snapshot, WeakBulkhead,
    future::QueuedFuture,
    inner::{BulkheadInner, Share},
    waiting::SlotWait,
};

/// A limit on calls in flight, shared by its clones.
///
/// Clones, layers made from it and the services of those layers have one set of slots and one queue. To clone it costs two
/// reference counts.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::{future::pending, io};
/// use seawall_bulkhead::Bulkhead;
/// use seawall_core::Error;
///
/// let bulkhead = Bulkhead::new("inventory", 2);
/// let (one, two) = (bulkhead.try_acquire().unwrap(), bulkhead.try_acquire().unwrap());
/// let Err(Error::Rejected(rejection)) = bulkhead.execute(|| async { Ok::<_, io::Error>("not asked") }).await else {
///     panic!("there is no room");
/// };
/// assert_eq!(rejection.to_string(), "bulkhead `inventory` is full: 2 of 2 in flight");
///
/// drop(one);
/// assert_eq!(bulkhead.execute(|| async { Ok::<_, io::Error>("asked") }).await.unwrap(), "asked");
/// assert_eq!(bulkhead.in_flight(), 1);
/// # drop(two);
/// # let _ = pending::<()>;
/// # }
/// ```
pub struct Bulkhead<K: Clock = DefaultClock> {
    shared: Shared<BulkheadInner<K>>,
}

impl Bulkhead {
    /// A bulkhead for `max_concurrent` calls, in which nobody waits.
    pub fn new(name: impl Into<Name>, max_concurrent: usize) -> Self {
        Self::builder(name, max_concurrent).build()
    }

    /// Begins to build a bulkhead for `max_concurrent` calls: 0 lets none in, and `usize::MAX` means no limit. The name,
    /// a literal or a `String`, is for people: rejections and events carry it.
    pub fn builder(name: impl Into<Name>, max_concurrent: usize) -> Builder {
        Builder::new(name.into(), max_concurrent)
    }
}

impl<K: Clock> Bulkhead<K> {
    pub(crate) fn from_shared(shared: Shared<BulkheadInner<K>>) -> Self {
        Self { shared }
    }

    pub(crate) fn inner(&self) -> &BulkheadInner<K> {
        &self.shared
    }

    pub(crate) fn shared(&self) -> &Shared<BulkheadInner<K>> {
        &self.shared
    }

    #[inline]
    pub(crate) fn try_enter(&self, cost: u32) -> Result<Ticket<Share<K>>, Refusal> {
        self.inner().slots.try_enter(cost).map(|()| Ticket::new(self.shared.hold(), cost))
    }

    /// A place in the queue, to be taken by a poll.
    pub(crate) fn waiter(&self) -> SlotWait<Share<K>, K> {
        SlotWait::new(self.shared.hold(), 1, WaitLimit::Configured)
    }

    /// Makes a call as soon as there is a slot: where there is one now, `f` is run at once, and what it makes is polled
    /// by the future returned; else by the poll in which its turn comes.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if there was no room, in the queue neither, or not in time: `f` was not run;
    /// [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// As `f` or its future does; the slot is free again.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, it leaves the queue; dropped in flight, its slot is free again.
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
    /// As `f` or its future does; the slot is free again.
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

    /// Makes a call that blocks, or that needs no waiting. It does not wait for a slot.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if there was no room, in which case `f` was not run; [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// As `f` does; the slot is free again.
    #[inline]
    pub fn execute_blocking<T, E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>> {
        let inner = self.inner();
        inner.slots.try_enter(1).map_err(|refusal| inner.refuse(refusal))?;
        Ticket::new(inner, 1).execute(f)
    }

    /// Takes a slot, if one is free and nobody waits for it.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if there is no room.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_, K>, Rejection> {
        self.try_acquire_n(1)
    }

    /// Takes `n` slots, all or none.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if there is no room, or never can be, as `n` is more than there are.
    #[inline]
    pub fn try_acquire_n(&self, n: u32) -> Result<Permit<'_, K>, Rejection> {
        let inner = self.inner();
        match inner.slots.try_enter(n) {
            Ok(()) => Ok(Permit::new(Ticket::new(inner, n), &self.shared)),
            Err(refusal) => Err(inner.refuse(refusal)),
        }
    }

    /// Takes a slot, and waits for it where the bulkhead has a queue.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if there is no room, in the queue neither, or not in time.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, it leaves the queue, and a slot that has come to it goes on to the next. A wait that is
    /// kept without being polled keeps a slot that has come to it, as with any fair queue.
    pub async fn acquire(&self) -> Result<Permit<'_, K>, Rejection>
    where
        K: Timer,
    {
        self.acquire_n(1).await
    }

    /// Takes `n` slots, all at once, and waits for them where the bulkhead has a queue. Who comes later waits behind, small
    /// or large.
    ///
    /// # Errors
    ///
    /// As of [`acquire`](Self::acquire); at once, if `n` is more slots than there are.
    ///
    /// # Cancel safety
    ///
    /// As of [`acquire`](Self::acquire).
    pub async fn acquire_n(&self, n: u32) -> Result<Permit<'_, K>, Rejection>
    where
        K: Timer,
    {
        let inner = self.inner();
        let entered = match inner.slots.try_enter(n) {
            Ok(()) => Ok(Ticket::new(inner, n)),
            Err(refusal) if inner.may_wait(&refusal) => {
                Acquire::new(SlotWait::new(inner, n, WaitLimit::Configured)).await
            }
            Err(refusal) => Err(refusal),
        };
        match entered {
            Ok(ticket) => Ok(Permit::new(ticket, &self.shared)),
            Err(refusal) => Err(inner.refuse(refusal)),
        }
    }

    /// A tower layer that guards services with this bulkhead. If the bulkhead has a queue, calls wait in their future.
    ///
    /// Services must be `Clone`; [`at_once`](seawall_policy::QueueLayer::at_once) and the modes that wait in `poll_ready` do
    /// not ask for it.
    pub fn layer(&self) -> BulkheadLayer<K>
    where
        K: Timer,
    {
        BulkheadLayer::new(self.clone())
    }

    /// A number that tells this bulkhead from others that live: all its clones and layers have the same one.
    pub fn id(&self) -> usize {
        self.shared.id()
    }

    /// The name that it was built with.
    pub fn name(&self) -> &str {
        &self.inner().name
    }

    /// How many slots there are.
    pub fn max_concurrent(&self) -> usize {
        self.inner().slots.limit()
    }

    /// How many callers may wait.
    pub fn max_queued(&self) -> usize {
        self.inner().slots.max_queued()
    }

    /// How many slots are taken.
    pub fn in_flight(&self) -> usize {
        self.inner().slots.in_flight()
    }

    /// How many slots a caller could take now: none where others wait, or where it was closed.
    pub fn available(&self) -> usize {
        let slots = &self.inner().slots;
        // What is free while somebody waits for more is not to be had.
        if slots.would_reject(1).is_some() { 0 } else { slots.available() }
    }

    /// How many callers wait.
    pub fn queued(&self) -> usize {
        self.inner().slots.queued()
    }

    /// Its slots, its queue and its counts.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.inner().slots, self.inner().outbox.lost())
    }

    /// Changes how many slots there are, from now on: 0 lets nobody in. Calls in flight go on; who waits moves up where
    /// there is room now. Who waits for more slots than there are now is refused.
    pub fn resize(&self, max_concurrent: usize) {
        self.inner().resize(max_concurrent);
    }

    /// Refuses everybody from now on, also those who wait. Calls in flight go on. There is no way back.
    pub fn close(&self) {
        self.inner().close();
    }

    /// Tells `observer` of all that happens from now on, for as long as the bulkhead lives or until the handle's
    /// [`remove`](ObserverHandle::remove). To drop the handle changes nothing.
    ///
    /// Events come one at a time, in the order in which they happened, in the thread of a call; no lock is held. The observer
    /// may call the bulkhead: what that causes is told next. A slow observer delays the call that reports, by its own event and at
    /// most 1 ms of others' events while more come; [`Observers`](seawall_core::observe::Observers) says what is lost then. If it
    /// panics, the panic ends with the event.
    ///
    /// An observer that owns a clone of the bulkhead keeps the bulkhead alive for ever. Give it a
    /// [weak handle](Self::downgrade).
    pub fn on_event(&self, observer: impl Fn(&Event) + Send + Sync + 'static) -> ObserverHandle {
        self.on_event_from(Level::Debug, observer)
    }

    /// Same as [`on_event`](Self::on_event), for an observer that is told only of events from `least` on. A refused call
    /// ([`Level::Debug`]) costs nothing more if all observers want [`Level::Info`] or [`Level::Warn`].
    pub fn on_event_from(&self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> ObserverHandle {
        self.inner().outbox.observe(least, observer, || 0)
    }

    /// A handle that does not keep the bulkhead alive.
    pub fn downgrade(&self) -> WeakBulkhead<K> {
        WeakBulkhead::new(self.shared.downgrade())
    }
}

// By hand: derive would ask `Clone` of the clock, which is shared.
impl<K: Clock> Clone for Bulkhead<K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K: Clock> fmt::Debug for Bulkhead<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkhead")
            .field("name", &self.name())
            .field("max_concurrent", &self.max_concurrent())
            .field("in_flight", &self.in_flight())
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}
