//! seawall: the bare check, the plain call with a future, the tower service.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use seawall::time::{self, DefaultClock, FastClock, SystemClock};
use seawall::{Algorithm, Error, Quota, RateLimiter};
use tower::{Layer, ServiceBuilder};

use super::clock::{Clock, Quanta};
use super::{CALLS_A_MILLISECOND, CALLS_A_SECOND, HOUR, MILLISECOND, Supply};
use crate::contenders::{AlwaysOk, Answer, Echo, Make, Run, bodies};

/// `try_acquire`, by reference.
#[must_use]
pub fn check(supply: Supply, clock: Clock) -> Make {
    let quota = quota(supply);
    match clock {
        Clock::Default => checking(supply, move || gcra(quota, DefaultClock::default())),
        Clock::System => checking(supply, move || gcra(quota, SystemClock)),
        Clock::Quanta => checking(supply, move || gcra(quota, Quanta::default())),
        Clock::Coarse => checking(supply, move || gcra(quota, FastClock)),
    }
}

/// `try_acquire` of an exact window, by reference.
#[must_use]
pub fn check_window(supply: Supply) -> Make {
    let quota = match supply {
        Supply::Ample => Quota::new(CALLS_A_MILLISECOND, MILLISECOND),
        Supply::Exhausted => Quota::every(HOUR),
    };
    checking(supply, move || RateLimiter::builder("bench", quota).algorithm(Algorithm::SlidingWindow).build())
}

/// `execute_blocking`, by reference.
#[must_use]
pub fn blocking(supply: Supply) -> Make {
    bodies(
        move || Arc::new(default_gcra(supply)),
        move |limiter| {
            let limiter = Arc::clone(limiter);
            supply.body(move |request, seen| {
                seen.result::<AlwaysOk, _>(|| limiter.execute_blocking(|| AlwaysOk::answer(request)));
            })
        },
    )
}

/// `acquire`, polled, by reference.
#[must_use]
pub fn acquire() -> Make {
    bodies(
        || Arc::new(default_gcra(Supply::Ample)),
        |limiter| {
            let limiter = Arc::clone(limiter);
            Supply::Ample.body(move |request, seen| {
                seen.permit::<AlwaysOk, _, _>(pin!(limiter.acquire()), request);
            })
        },
    )
}

/// `execute`; each thread has a clones own.
#[must_use]
pub fn execute(supply: Supply) -> Make {
    bodies(
        move || default_gcra(supply),
        move |limiter| {
            let limiter = limiter.clone();
            supply.body(move |request, seen| {
                seen.future::<AlwaysOk, _>(pin!(limiter.execute(|| async move { AlwaysOk::answer(request) })));
            })
        },
    )
}

/// The tower service; each thread has a clones own.
#[must_use]
pub fn service(supply: Supply) -> Make {
    guarded(supply, default_gcra)
}

/// The tower service of a limiter whose calls may wait, though they need not here.
#[must_use]
pub fn waiting_service() -> Make {
    guarded(Supply::Ample, |supply| {
        RateLimiter::builder("bench", quota(supply)).max_wait(Duration::from_secs(1)).build()
    })
}

/// The tower service over an inner service with an error type that can carry a rejection.
#[must_use]
pub fn service_own_error(supply: Supply) -> Make {
    bodies(
        move || default_gcra(supply),
        move |limiter| {
            let mut service = limiter.layer().layer(Echo::<AlwaysOk>::new());
            supply.body(move |request, seen| seen.service::<AlwaysOk, _>(&mut service, request))
        },
    )
}

fn guarded(supply: Supply, limiter: fn(Supply) -> RateLimiter) -> Make {
    bodies(
        move || limiter(supply),
        move |limiter| {
            let echo = Echo::<AlwaysOk>::new();
            let mut service = ServiceBuilder::new().layer(limiter.layer()).map_err(Error::Inner).service(echo);
            supply.body(move |request, seen| seen.service::<AlwaysOk, _>(&mut service, request))
        },
    )
}

fn checking<K>(supply: Supply, limiter: impl Fn() -> RateLimiter<K> + 'static) -> Make
where
    K: time::Clock + Send + Sync + 'static,
{
    let body = move |limiter: &Arc<RateLimiter<K>>| -> Run {
        let limiter = Arc::clone(limiter);
        supply.body(move |request, seen| match &limiter.try_acquire() {
            Ok(()) => seen.result::<AlwaysOk, _>(|| AlwaysOk::answer(request)),
            Err(rejection) => seen.refusal(rejection),
        })
    };
    bodies(move || Arc::new(limiter()), body)
}

fn quota(supply: Supply) -> Quota {
    match supply {
        Supply::Ample => Quota::per_second(CALLS_A_SECOND).burst(u32::MAX),
        Supply::Exhausted => Quota::every(HOUR),
    }
}

fn gcra<K: time::Clock>(quota: Quota, clock: K) -> RateLimiter<K> {
    RateLimiter::builder("bench", quota).clock(clock).build()
}

pub(in crate::contenders) fn default_gcra(supply: Supply) -> RateLimiter {
    RateLimiter::new("bench", quota(supply))
}
