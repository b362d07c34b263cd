use std::{fmt, time::Duration};

use seawall_core::{
    Name, Shared, lanes,
    observe::{Level, Observers},
    rate::{Algorithm, Limiter, Quota},
    time::{Clock, DefaultClock},
};

use crate::{Event, EventKind, RateLimiter, inner::LimiterInner};

/// A builder of a [`RateLimiter`]. [`RateLimiter::builder`] makes it.
///
/// Each value is valid. A [`Quota`] checks its own numbers.
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder<K = DefaultClock> {
    name: Name,
    quota: Quota,
    algorithm: Algorithm,
    max_wait: Option<Duration>,
    max_queued: Option<usize>,
    lanes: usize,
    clock: K,
    outbox: Observers<EventKind>,
}

impl Builder {
    pub(crate) fn new(name: Name, quota: Quota) -> Self {
        Self {
            name,
            quota,
            algorithm: Algorithm::Gcra,
            max_wait: None,
            max_queued: None,
            lanes: lanes(),
            clock: DefaultClock::default(),
            outbox: Observers::new(),
        }
    }
}

impl<K> Builder<K> {
    /// Sets the algorithm of the limit. Default: [`Algorithm::Gcra`].
    pub fn algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Lets calls, services and `acquire` wait for their turn, for at most `max_wait`. A call whose turn cannot come in time is
    /// rejected at once, and a call whose turn has not come in time is rejected then. Default: calls and services do not wait, and
    /// `acquire` waits without a bound.
    ///
    /// The time begins with the first poll.
    pub fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait: Some(max_wait), ..self }
    }

    /// Reports all events to `observer`, as [`RateLimiter::on_event`] does.
    pub fn on_event(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event_from(Level::Debug, observer)
    }

    /// Reports events from the level `least` on to `observer`, as [`RateLimiter::on_event_from`] does.
    pub fn on_event_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.outbox.observe(least, observer, || 0);
        self
    }

    /// Sets how many callers may wait at once. Further callers are rejected. Default: 1,024 without a [`max_wait`](Self::max_wait),
    /// and with it any number, because the time then bounds the queue: at most `rate * max_wait` wait.
    ///
    /// An endless queue has no use in an outage: its callers have given up long before their turns come, and each of them
    /// holds memory. A batch job that starts all of its calls at once gives its own number here. With 0 no caller waits.
    pub fn max_queued(self, max_queued: usize) -> Self {
        Self { max_queued: Some(max_queued), ..self }
    }

    /// Sets in how many lanes the threads count, from 1 to 64. A number out of range counts as the nearest. Default: four per core,
    /// from 8 to 32.
    ///
    /// With many lanes the threads do not wait for each other. One lane needs the least memory: choose it for policies
    /// that you make per key or per user. Threads that call one such policy at the same time then wait for one cache line.
    pub fn lanes(self, lanes: usize) -> Self {
        Self { lanes: lanes.clamp(1, 64), ..self }
    }

    /// Sets the clock. Default: tokio's clock, which obeys paused time. Without the feature `tokio` it is the system's clock.
    pub fn clock<L>(self, clock: L) -> Builder<L> {
        let Self { name, quota, algorithm, max_wait, max_queued, lanes, outbox, .. } = self;
        Builder { name, quota, algorithm, max_wait, max_queued, lanes, clock, outbox }
    }

    /// Builds the limiter, with a full burst available.
    ///
    /// # Panics
    ///
    /// If [`Algorithm::SlidingWindow`] would have to remember more than 2^24 calls.
    #[track_caller]
    pub fn build(self) -> RateLimiter<K>
    where
        K: Clock,
    {
        let Self { name, quota, algorithm, max_wait, max_queued, lanes, clock, outbox } = self;
        let default = if max_wait.is_some() { usize::MAX } else { DEFAULT_MAX_QUEUED };
        let limiter = Limiter::new(quota, algorithm, lanes, clock.now());
        let limiter = limiter.with_max_queued(max_queued.unwrap_or(default));
        let inner = LimiterInner { name, limiter, max_wait, clock, outbox };
        RateLimiter::from_shared(Shared::new(inner, lanes))
    }
}

impl<K> fmt::Debug for Builder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("quota", &self.quota)
            .field("algorithm", &self.algorithm)
            .field("max_wait", &self.max_wait)
            .field("max_queued", &self.max_queued)
            .finish_non_exhaustive()
    }
}

/// At most rates, a caller behind this many others waits for longer than callers do.
const DEFAULT_MAX_QUEUED: usize = 1_024;
