//! What several of these tests set up.

mod late_clock;

use std::{pin::Pin, time::Duration};

use seawall_core::{
    Rejection,
    time::{ManualClock, Timer},
};
use seawall_rate_limit::{Algorithm, Quota, RateLimiter};
use tokio_test::task::{self, Spawn};

pub(crate) use late_clock::{Late, LateClock, TICK as MILLI};

pub(crate) type Manual = RateLimiter<ManualClock>;

/// A limiter, and the clock that it goes by.
pub(crate) fn manual(quota: Quota, algorithm: Algorithm) -> (Manual, ManualClock) {
    let clock = ManualClock::new();
    (RateLimiter::builder("t", quota).algorithm(algorithm).clock(clock.clone()).build(), clock)
}

pub(crate) fn gcra(quota: Quota) -> (Manual, ManualClock) {
    manual(quota, Algorithm::Gcra)
}

pub(crate) fn window(quota: Quota) -> (Manual, ManualClock) {
    manual(quota, Algorithm::SlidingWindow)
}

/// A limiter whose calls may wait for so long, by a clock that wakes only who is due.
pub(crate) fn patient(quota: Quota, algorithm: Algorithm, max_wait: Duration) -> (RateLimiter<LateClock>, LateClock) {
    let clock = LateClock::new(Late::Never);
    (RateLimiter::builder("t", quota).algorithm(algorithm).max_wait(max_wait).clock(clock.clone()).build(), clock)
}

pub(crate) type Wait = Spawn<Pin<Box<dyn Future<Output = Result<(), Rejection>>>>>;

pub(crate) fn wait<K: Timer + Send + Sync + 'static>(limiter: &RateLimiter<K>, n: u32) -> Wait {
    let limiter = limiter.clone();
    task::spawn(Box::pin(async move { limiter.acquire_n(n).await }))
}
