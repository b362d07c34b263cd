use std::{fmt, sync::atomic::AtomicBool, time::Duration};

use seawall_core::{
    Name, Shared, lanes,
    observe::{Level, Observers},
    slots::{Order, Slots, SlotsConfig},
    time::{Clock, DefaultClock},
};

use crate::{Bulkhead, Event, EventKind, inner::BulkheadInner};

/// Builds a [`Bulkhead`]; from [`Bulkhead::builder`].
///
/// No wrong value can be given, so [`build`](Self::build) cannot fail.
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
    /// How many callers may wait where there is no room; more are refused at once. Default: 0, nobody waits.
    pub fn max_queued(self, max_queued: usize) -> Self {
        Self { config: self.config.max_queued(max_queued), ..self }
    }

    /// How long a caller waits for its turn, and then is refused. Default: for as long as it takes.
    ///
    /// It begins when the wait does, at the first poll, and matters only where [`max_queued`](Self::max_queued) lets
    /// somebody wait.
    pub fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait: Some(max_wait), ..self }
    }

    /// Who of those that wait is next. Default: [`Order::Fifo`].
    pub fn order(self, order: Order) -> Self {
        Self { config: self.config.order(order), ..self }
    }

    /// Tells `observer` of all that happens, in the way of [`Bulkhead::on_event`].
    pub fn on_event(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event_from(Level::Debug, observer)
    }

    /// Tells `observer` of events from `least` on, in the way of [`Bulkhead::on_event_from`].
    pub fn on_event_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.outbox.observe(least, observer, || 0);
        self
    }

    /// In how many lanes the threads count, from 1 to 64; numbers out of range count as the nearest. Default: four per core,
    /// from 8 to 32.
    ///
    /// With many lanes the threads do not wait for each other. One lane needs the least memory: choose it for policies
    /// that you make per key or per user. Threads that call one such policy at the same time then wait for one cache line.
    pub fn lanes(self, lanes: usize) -> Self {
        Self { config: self.config.lanes(lanes), ..self }
    }

    /// Where the time comes from. Default: tokio's clock, which obeys paused time; without the feature `tokio` the
    /// system's.
    pub fn clock<L>(self, clock: L) -> Builder<L> {
        Builder { name: self.name, config: self.config, max_wait: self.max_wait, clock, outbox: self.outbox }
    }

    /// The bulkhead, empty.
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
