use std::time::Duration;

use seawall_core::time::{Clock, Instant};

/// How long a call may take.
///
/// A [`Duration`] is the same for all calls, any `Fn(&Request) -> Duration` looks at the request. `Duration::MAX` is no
/// limit, and zero lets no call begin.
pub trait TimeoutLimit<Request: ?Sized> {
    /// What is told how long calls took.
    type LatencySink: LatencySink;

    /// The limit of the call of `request`.
    fn limit(&self, request: &Request, clock: &impl Clock) -> Duration;

    /// What is to be told how long the call takes.
    fn watch(&self) -> Self::LatencySink;
}

/// What is told how long calls took.
pub trait LatencySink {
    /// Whether it wants to know. A call then costs two clock reads.
    const WATCHES: bool;

    /// A call has ended, or was cut off, after so long.
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
