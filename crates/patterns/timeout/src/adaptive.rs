use std::{fmt, time::Duration};

use seawall_core::{
    Held, Shared, lanes,
    latency::{Adaptive, LatencyLimit},
    time::{Clock, Instant},
};

use crate::{LatencySink, TimeoutLimit};

/// A limit that follows the latencies of recent calls, shared by its clones. [`Timeout::adaptive`](crate::Timeout::adaptive) makes
/// it.
///
/// A successful call counts with its latency. A call that the limit cut off counts with the time that it ran. A failed call does
/// not count, because it may be fast for the wrong reason. A call that an earlier deadline cut off does not count.
#[derive(Clone)]
pub struct AdaptiveTimeout(Shared<LatencyLimit>);

impl AdaptiveTimeout {
    pub(crate) fn new(config: Adaptive) -> Self {
        Self(Shared::new(LatencyLimit::new(config), lanes()))
    }

    /// Returns the limit of a call that begins at `now`.
    pub fn at(&self, now: Instant) -> Duration {
        self.0.limit(now)
    }
}

impl<Request: ?Sized> TimeoutLimit<Request> for AdaptiveTimeout {
    type LatencySink = Held<LatencyLimit>;

    fn limit(&self, _: &Request, clock: &impl Clock) -> Duration {
        self.at(clock.now())
    }

    fn watch(&self) -> Self::LatencySink {
        self.0.hold()
    }
}

impl LatencySink for Held<LatencyLimit> {
    const WATCHES: bool = true;

    fn ended(&self, latency: Duration, now: Instant) {
        self.record(latency, now);
    }
}

impl fmt::Debug for AdaptiveTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AdaptiveTimeout").field(&self.0.config()).finish()
    }
}
