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
/// Clones, layers made from the bulkhead and the services of these layers share its slots and its queue. A clone costs two
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
    /// Creates a bulkhead for `max_concurrent` calls, without a queue.
    pub fn new(name: impl Into<Name>, max_concurrent: usize) -> Self {
        Self::builder(name, max_concurrent).build()
    }

    /// Returns a builder of a bulkhead for `max_concurrent` calls. With 0 it admits no call, and `usize::MAX` means no limit. The
    /// name, a literal or a `String`, is for people: rejections and events carry it.
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

    /// Returns a place in the queue. The first poll enters the queue.
    pub(crate) fn waiter(&self) -> SlotWait<Share<K>, K> {
        SlotWait::new(self.shared.hold(), 1, WaitLimit::Configured)
    }

    /// Makes a call when there is a slot. If a slot is free now, `f` runs at once. Otherwise `f` runs in the poll in which the call's
    /// turn comes. The returned future polls the call.
    ///
    /// # Errors
    ///
    /// - [`Error::Rejected`] if no slot was free, or the queue was full, or no slot came free in time. `f` was not run.
    /// - [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// If `f` or its future panics. The slot is then free again.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped while it waits, it leaves the queue. If it is dropped in flight, its slot is free again.
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
    /// If `f` or its future panics. The slot is then free again.
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

    /// Makes a call that blocks. It does not wait for a slot.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if no slot was free; `f` was then not run. [`Error::Inner`] if the call failed.
    ///
    /// # Panics
    ///
    /// If `f` panics. The slot is then free again.
    #[inline]
    pub fn execute_blocking<T, E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>> {
        let inner = self.inner();
        inner.slots.try_enter(1).map_err(|refusal| inner.refuse(refusal))?;
        Ticket::new(inner, 1).execute(f)
    }

    /// Takes a slot, if a slot is free and no call waits for it.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if no slot is free.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_, K>, Rejection> {
        self.try_acquire_n(1)
    }

    /// Takes `n` slots, all or none.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if not enough slots are free, or if `n` is more than the limit.
    #[inline]
    pub fn try_acquire_n(&self, n: u32) -> Result<Permit<'_, K>, Rejection> {
        let inner = self.inner();
        match inner.slots.try_enter(n) {
            Ok(()) => Ok(Permit::new(Ticket::new(inner, n), &self.shared)),
            Err(refusal) => Err(inner.refuse(refusal)),
        }
    }

    /// Takes a slot. If the bulkhead has a queue, the caller waits for the slot.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] if no slot is free, and the queue is full or no slot comes free in time.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped while it waits, it leaves the queue, and a slot that it has got passes to the next caller. A future
    /// that is kept and not polled keeps such a slot, as in each fair queue.
    pub async fn acquire(&self) -> Result<Permit<'_, K>, Rejection>
    where
        K: Timer,
    {
        self.acquire_n(1).await
    }

    /// Takes `n` slots at once. If the bulkhead has a queue, the caller waits for them, and all later callers wait behind it.
    ///
    /// # Errors
    ///
    /// Same as [`acquire`](Self::acquire). If `n` is more than the limit, the error comes at once.
    ///
    /// # Cancel safety
    ///
    /// Same as [`acquire`](Self::acquire).
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

    /// Returns a tower layer that guards services with this bulkhead. If the bulkhead has a queue, calls wait in their future.
    ///
    /// Services must be `Clone`; [`at_once`](seawall_policy::QueueLayer::at_once) and the modes that wait in `poll_ready` do
    /// not ask for it.
    pub fn layer(&self) -> BulkheadLayer<K>
    where
        K: Timer,
    {
        BulkheadLayer::new(self.clone())
    }

    /// Returns a number that differs from the number of each other living bulkhead. Clones and layers have the same number.
    pub fn id(&self) -> usize {
        self.shared.id()
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.inner().name
    }

    /// Returns the limit.
    pub fn max_concurrent(&self) -> usize {
        self.inner().slots.limit()
    }

    /// Returns how many callers may wait.
    pub fn max_queued(&self) -> usize {
        self.inner().slots.max_queued()
    }

    /// Returns how many slots are taken.
    pub fn in_flight(&self) -> usize {
        self.inner().slots.in_flight()
    }

    /// Returns how many slots a caller could take now. It is 0 if other callers wait, or if the bulkhead is closed.
    pub fn available(&self) -> usize {
        let slots = &self.inner().slots;
        // A newcomer cannot take free slots while a caller waits for more.
        if slots.would_reject(1).is_some() { 0 } else { slots.available() }
    }

    /// Returns how many callers wait.
    pub fn queued(&self) -> usize {
        self.inner().slots.queued()
    }

    /// Returns a snapshot of the slots, the queue and the counts.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.inner().slots, self.inner().outbox.lost())
    }

    /// Changes the limit. With 0 the bulkhead admits no call. Calls in flight go on, and waiting callers get new slots. A caller
    /// that waits for more slots than the new limit is rejected.
    pub fn resize(&self, max_concurrent: usize) {
        self.inner().resize(max_concurrent);
    }

    /// Rejects all new and all waiting callers from now on, for ever. Calls in flight go on.
    pub fn close(&self) {
        self.inner().close();
    }

    /// Reports all events from now on to `observer`, until the end of the bulkhead or the handle's
    /// [`remove`](ObserverHandle::remove). Dropping the handle changes nothing.
    ///
    /// The observer gets a single event at a time, in the order of the events, in the thread of a call, and under no lock. It may
    /// call the bulkhead; the events of this call come next. A slow observer delays the call that reports: by its own event, and by
    /// at most 1 ms of other calls' events. [`Observers`](seawall_core::observe::Observers) says which events are then lost. A panic
    /// of the observer ends with the event.
    ///
    /// An observer that owns a clone of the bulkhead keeps the bulkhead alive for ever. Give it a
    /// [weak handle](Self::downgrade).
    pub fn on_event(&self, observer: impl Fn(&Event) + Send + Sync + 'static) -> ObserverHandle {
        self.on_event_from(Level::Debug, observer)
    }

    /// Same as [`on_event`](Self::on_event), for an observer that gets only events from the level `least` on. A rejected call
    /// ([`Level::Debug`]) costs no more than without observers if all observers want [`Level::Info`] or [`Level::Warn`].
    pub fn on_event_from(&self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> ObserverHandle {
        self.inner().outbox.observe(least, observer, || 0)
    }

    /// Returns a handle that does not keep the bulkhead alive.
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
