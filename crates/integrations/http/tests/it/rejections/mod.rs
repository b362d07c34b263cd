//! Rejections of all kinds, by real policies.

use std::{io, time::Duration};

use futures::FutureExt;
use seawall::{Bulkhead, CircuitBreaker, ManualClock, Quota, RateLimiter, Rejection, TimedOut, Trip};
use seawall_testkit::time::exactly;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The name of all policies here, which is nobody's business.
pub(crate) const SECRET: &str = "secret";

/// By three calls a minute; the next one passes in 20 s.
pub(crate) fn rate_limited() -> Rejection {
    let quota = Quota::per_minute(3).burst(1);
    let limiter = RateLimiter::builder(SECRET, quota).clock(ManualClock::new()).build();
    limiter.try_acquire().unwrap();
    limiter.try_acquire().unwrap_err()
}

/// It costs more than there ever is at once.
pub(crate) fn too_large() -> Rejection {
    RateLimiter::new(SECRET, Quota::per_minute(3)).try_acquire_n(4).unwrap_err()
}

/// For 90.25 s more.
pub(crate) fn circuit_open() -> Rejection {
    let clock = ManualClock::new();
    let open_for = Duration::from_secs(100);
    let breaker = CircuitBreaker::builder(SECRET)
        .trip(Trip::consecutive(1))
        .open_for(exactly(open_for))
        .clock(clock.clone())
        .build();
    breaker.execute(async || Err::<(), _>(io::Error::other("down"))).now_or_never().unwrap().unwrap_err();
    clock.advance(Duration::from_millis(9_750));
    breaker.try_acquire().unwrap_err()
}

/// Nobody knows for how long.
pub(crate) fn forced_open() -> Rejection {
    let breaker = CircuitBreaker::new(SECRET);
    breaker.force_open();
    breaker.try_acquire().unwrap_err()
}

pub(crate) fn bulkhead_full() -> Rejection {
    let bulkhead = Bulkhead::new(SECRET, 1);
    let _permit = bulkhead.try_acquire().unwrap();
    bulkhead.try_acquire().unwrap_err()
}

pub(crate) fn timed_out() -> Rejection {
    TimedOut::new(SECRET.into(), SECOND, SECOND).into()
}

/// In the order of the builder's methods for their statuses.
pub(crate) fn all_four() -> [Rejection; 4] {
    [rate_limited(), circuit_open(), bulkhead_full(), timed_out()]
}
