use std::{fmt, sync::atomic::AtomicBool, time::Duration};

use seawall_core::{
    Name, Shared, lanes,
    observe::Outbox,
    slots::{Config, Order, Slots},
    time::{Clock, DefaultClock},
};

use crate::{Bulkhead, inner::Inner};

/// Builds a [`Bulkhead`]; from [`Bulkhead::builder`].
///
/// No wrong value can be given, so [`build`](Self::build) cannot fail.
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder<K = DefaultClock> {
    name: Name,
    config: Config,
    max_wait: Option<Duration>,
    clock: K,
}

impl Builder {
    pub(crate) fn new(name: Name, max_concurrent: usize) -> Self {
        Self { name, config: Config::new(max_concurrent), max_wait: None, clock: DefaultClock::default() }
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

    /// Where the time comes from. Default: tokio's clock, which obeys paused time; without the feature `tokio` the
    /// system's.
    pub fn clock<L>(self, clock: L) -> Builder<L> {
        Builder { name: self.name, config: self.config, max_wait: self.max_wait, clock }
    }

    /// The bulkhead, empty.
    pub fn build(self) -> Bulkhead<K>
    where
        K: Clock,
    {
        let Self { name, config, max_wait, clock } = self;
        let slots = Slots::new(config.lanes(lanes()));
        let inner = Inner { name, slots, max_wait, clock, outbox: Outbox::new(), closed: AtomicBool::new(false) };
        Bulkhead::from_shared(Shared::new(inner, lanes()))
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
