use std::{fmt, sync::Arc};

use seawall_core::{
    Name,
    observe::{Level, Observers},
    time::DefaultClock,
};

use crate::{Event, EventKind, Timeout};

/// Builds a [`Timeout`]; from [`Timeout::builder`].
///
/// No wrong value can be given, so [`build`](Self::build) cannot fail.
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
    /// Tells `observer` of each call that is cut off, or for which there was no time.
    ///
    /// Events come one at a time, in the thread of one of the calls; no lock is held. A slow observer delays the call that
    /// reports, by its own event and at most 1 ms of others' events while more come;
    /// [`Observers`](seawall_core::observe::Observers) says what is lost then. If it panics, the panic ends with the event.
    pub fn on_event(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event_from(Level::Debug, observer)
    }

    /// Same as [`on_event`](Self::on_event), for an observer that is told only of events from `least` on. All events of a
    /// timeout are [`Level::Debug`].
    pub fn on_event_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let outbox = observed(self.outbox.as_deref(), least, observer);
        Self { outbox: Some(outbox), ..self }
    }

    /// Where the time comes from, and the waiting. Default: tokio's clock and timer, which obey paused time; without the
    /// feature `tokio` there is no default that can wait, and a [`Timer`](seawall_core::time::Timer) has to be given.
    pub fn clock<M>(self, clock: M) -> Builder<L, M> {
        Builder { name: self.name, limit: self.limit, clock, outbox: self.outbox }
    }

    /// The timeout.
    pub fn build(self) -> Timeout<L, K> {
        Timeout { name: self.name, limit: self.limit, clock: self.clock, outbox: self.outbox }
    }
}

/// Tells `observer` too of what comes to `before`, without any change to that.
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
