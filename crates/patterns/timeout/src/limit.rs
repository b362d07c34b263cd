use std::time::Duration;

use seawall_core::time::{Clock, Instant};

/// A rule for the limit of a call.
///
/// A [`Duration`] is the same limit for all calls. A `Fn(&Request) -> Duration` gives a limit per request. `Duration::MAX` is no
/// limit, and with zero no call begins.
pub trait TimeoutLimit<Request: ?Sized> {
    /// The sink that gets the latencies of calls.
    type LatencySink: LatencySink;

    /// Returns the limit of a call with `request`.
    fn limit(&self, request: &Request, clock: &impl Clock) -> Duration;

    /// Returns the sink that gets the latency of a call.
    fn watch(&self) -> Self::LatencySink;
}

/// A sink for the latencies of calls.
pub trait LatencySink {
    /// Whether the sink wants latencies. Each call then costs two clock reads.
    const WATCHES: bool;

    /// Records how long a call ran until it ended or was cut off.
    fn ended(&self, latency: Duration, now: Instant);
}

impl LatencySink for () {
    const WATCHES: bool = false;

    fn ended(&self, _: Duration, _: Instant) {}
}

impl<Request: ?Sized> TimeoutLimit<Request> for Duration {
    type LatencySink = ();

    #[inline]
    fn limit(&self, _: &Request, _: &impl Clock) -> Duration {
        *self
    }

    fn watch(&self) {}
}

impl<Request: ?Sized, F: Fn(&Request) -> Duration> TimeoutLimit<Request> for F {
    type LatencySink = ();

    fn limit(&self, request: &Request, _: &impl Clock) -> Duration {
        self(request)
    }

    fn watch(&self) {}
}
