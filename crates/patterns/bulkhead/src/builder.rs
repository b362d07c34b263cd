use std::{fmt, sync::atomic::AtomicBool, time::Duration};

use seawall_core::{
    Name, Shared, lanes,
    observe::{Level, Observers},
    slots::{Order, Slots, SlotsConfig},
    time::{Clock, DefaultClock},
};

use crate::{Bulkhead, Event, EventKind, inner::BulkheadInner};

/// A builder of a [`Bulkhead`]. [`Bulkhead::builder`] makes it.
///
/// Each value is valid, so [`build`](Self::build) cannot fail.
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder<K = DefaultClock> {
    name: Name,
    config: SlotsConfig,
    max_wait: Option<Duration>,
    clock: K,
    outbox: Observers<EventKind>,
}

impl Builder {
    pub(crate) fn new(name: Name, max_concurrent: usize) -> Self {
        Self {
            name,
            config: SlotsConfig::new(max_concurrent).lanes(lanes()),
            max_wait: None,
            clock: DefaultClock::default(),
            outbox: Observers::new(),
        }
    }
}

impl<K> Builder<K> {
    /// Sets how many callers may wait for a slot. Further callers are rejected at once. Default: 0, no caller waits.
    pub fn max_queued(self, max_queued: usize) -> Self {
        Self { config: self.config.max_queued(max_queued), ..self }
    }

    /// Sets how long a caller waits for its turn before it is rejected. Default: no bound.
    ///
    /// The time begins with the wait, at the first poll. It matters only if [`max_queued`](Self::max_queued) lets callers wait.
    pub fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait: Some(max_wait), ..self }
    }

    /// Sets the order of turns among waiting callers. Default: [`Order::Fifo`].
    pub fn order(self, order: Order) -> Self {
        Self { config: self.config.order(order), ..self }
    }

    /// Reports all events to `observer`, as [`Bulkhead::on_event`] does.
    pub fn on_event(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event_from(Level::Debug, observer)
    }

    /// Reports events from the level `least` on to `observer`, as [`Bulkhead::on_event_from`] does.
    pub fn on_event_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.outbox.observe(least, observer, || 0);
        self
    }

    /// Sets in how many lanes the threads count, from 1 to 64. A number out of range counts as the nearest. Default: four per core,
    /// from 8 to 32.
    ///
    /// With many lanes the threads do not wait for each other. One lane needs the least memory: choose it for policies
    /// that you make per key or per user. Threads that call one such policy at the same time then wait for one cache line.
    pub fn lanes(self, lanes: usize) -> Self {
        Self { config: self.config.lanes(lanes), ..self }
    }

    /// Sets the clock. Default: tokio's clock, which obeys paused time. Without the feature `tokio` it is the system's clock.
    pub fn clock<L>(self, clock: L) -> Builder<L> {
        Builder { name: self.name, config: self.config, max_wait: self.max_wait, clock, outbox: self.outbox }
    }

    /// Builds the bulkhead, with all slots free.
    pub fn build(self) -> Bulkhead<K>
    where
        K: Clock,
    {
        let Self { name, config, max_wait, clock, outbox } = self;
        let lanes = config.in_lanes();
        let slots = Slots::new(config);
        let inner = BulkheadInner { name, slots, max_wait, clock, outbox, closed: AtomicBool::new(false) };
        Bulkhead::from_shared(Shared::new(inner, lanes))
    }
}

impl<K> fmt::Debug for Builder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("config", &self.config)
            .field("max_wait", &self.max_wait)
            .finish_non_exhaustive()
    }
}
