//! What several of these tests set up.

mod late_clock;

use std::{pin::Pin, time::Duration};

use futures::FutureExt;
use seawall_core::{
    Error, Rejection,
    time::{ManualClock, Timer},
};
use seawall_rate_limit::{Algorithm, Quota, RateLimiter};
use tokio_test::task::{self, Spawn};
use tower::{ServiceBuilder, ServiceExt, service_fn};

pub(crate) use late_clock::{Late, LateClock, TICK as MILLI};

pub(crate) type Manual = RateLimiter<ManualClock>;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const TICK: Duration = Duration::from_nanos(1);

/// The ways in which a call can come; all of one kind of limiter must go the same way.
pub(crate) const WAYS: [Way; 5] = [Way::TryAcquire, Way::Blocking, Way::Execute, Way::Call, Way::Tower];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    TryAcquire,
    Blocking,
    Execute,
    Call,
    Tower,
}

impl Way {
    /// Makes a call, which is let in at once or not at all.
    pub(crate) fn ask(self, limiter: &Manual) -> Result<(), Rejection> {
        let answer = || async { Ok::<(), Error<()>>(()) };
        let result = match self {
            Self::TryAcquire => return limiter.try_acquire(),
            Self::Blocking => return rejection(limiter.execute_blocking(|| Ok::<(), ()>(()))),
            Self::Execute => {
                let executed = limiter.execute(|| async { Ok::<(), ()>(()) }).now_or_never();
                return rejection(executed.expect("it does not wait"));
            }
            Self::Call => limiter.call(answer).now_or_never(),
            Self::Tower => {
                let service = ServiceBuilder::new().layer(limiter.layer()).service(service_fn(move |()| answer()));
                service.oneshot(()).now_or_never()
            }
        };
        rejection(result.expect("it does not wait"))
    }
}

fn rejection(result: Result<(), Error<impl Sized>>) -> Result<(), Rejection> {
    match result {
        Ok(()) => Ok(()),
        Err(Error::Rejected(rejection)) => Err(rejection),
        Err(Error::Inner(_)) => unreachable!("the call does not fail"),
    }
}

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

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
