use std::{fmt, sync::Arc};

use seawall_core::{
    Name,
    observe::{Level, Observers},
    time::DefaultClock,
};

use crate::{Event, EventKind, Timeout};

/// A builder of a [`Timeout`]. [`Timeout::builder`] makes it.
///
/// Each value is valid, so [`build`](Self::build) cannot fail.
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder<L, K = DefaultClock> {
    name: Name,
    limit: L,
    clock: K,
    outbox: Option<Arc<Observers<EventKind>>>,
}

impl<L> Builder<L> {
    pub(crate) fn new(name: Name, limit: L) -> Self {
        Self { name, limit, clock: DefaultClock::default(), outbox: None }
    }
}

impl<L, K> Builder<L, K> {
    /// Reports to `observer` each call that is cut off, and each call for which there was no time.
    ///
    /// The observer gets a single event at a time, in the thread of one of the calls, and under no lock. A slow observer delays the
    /// call that reports: by its own event, and by at most 1 ms of other calls' events.
    /// [`Observers`](seawall_core::observe::Observers) says which events are then lost. A panic of the observer ends with the event.
    pub fn on_event(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event_from(Level::Debug, observer)
    }

    /// Same as [`on_event`](Self::on_event), for an observer that gets only events from the level `least` on. All events of a timeout
    /// have [`Level::Debug`].
    pub fn on_event_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let outbox = observed(self.outbox.as_deref(), least, observer);
        Self { outbox: Some(outbox), ..self }
    }

    /// Sets the clock and its timers. Default: tokio's clock, which obeys paused time. Without the feature `tokio` the default clock
    /// has no timers, so a timeout needs a [`Timer`](seawall_core::time::Timer) of yours.
    pub fn clock<M>(self, clock: M) -> Builder<L, M> {
        Builder { name: self.name, limit: self.limit, clock, outbox: self.outbox }
    }

    /// Builds the timeout.
    pub fn build(self) -> Timeout<L, K> {
        Timeout { name: self.name, limit: self.limit, clock: self.clock, outbox: self.outbox }
    }
}

/// Returns the observers of `before` with a further one. It does not change `before`.
pub(crate) fn observed(
    before: Option<&Observers<EventKind>>,
    least: Level,
    observer: impl Fn(&Event) + Send + Sync + 'static,
) -> Arc<Observers<EventKind>> {
    let outbox = before.map_or_else(Observers::new, Observers::fork);
    outbox.observe(least, observer, || 0);
    Arc::new(outbox)
}

impl<L, K> fmt::Debug for Builder<L, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("name", &self.name).finish_non_exhaustive()
    }
}
