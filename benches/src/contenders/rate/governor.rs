//! governor: a check, and a future that waits; no tower layer.

use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;

use governor::clock::{self, MonotonicClock, QuantaClock, ReasonablyRealtime};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::clock::{Clock, Upkept};
use super::{CALLS_A_SECOND, HOUR, Supply};
use crate::contenders::{AlwaysOk, Answer, Fault, Make, bodies};

/// `check`, by reference.
#[must_use]
pub fn check(supply: Supply, clock: Clock) -> Make {
    match clock {
        Clock::System => checking(supply, || MonotonicClock),
        Clock::Default | Clock::Quanta => checking(supply, QuantaClock::default),
        Clock::Coarse => checking(supply, Upkept::new),
    }
}

/// `until_ready`, polled, by reference.
#[must_use]
pub fn until_ready(clock: Clock) -> Make {
    match clock {
        Clock::System => waiting(|| MonotonicClock),
        Clock::Default | Clock::Quanta => waiting(QuantaClock::default),
        Clock::Coarse => unreachable!("it does not wait by a coarse clock"),
    }
}

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as clock::Clock>::Instant>>;

fn checking<C>(supply: Supply, clock: fn() -> C) -> Make
where
    C: clock::Clock + Send + Sync + 'static,
    C::Instant: Send + Sync,
{
    bodies(
        move || Arc::new(limiter(supply, clock())),
        move |limiter| {
            let limiter = Arc::clone(limiter);
            supply.body(move |request, seen| match &limiter.check() {
                Ok(()) => seen.result::<AlwaysOk, _>(|| AlwaysOk::answer(request)),
                Err(refusal) => seen.refusal(refusal),
            })
        },
    )
}

fn waiting<C>(clock: fn() -> C) -> Make
where
    C: clock::Clock + ReasonablyRealtime + Send + Sync + 'static,
    C::Instant: Send + Sync,
{
    bodies(
        move || Arc::new(limiter(Supply::Ample, clock())),
        |limiter| {
            let limiter = Arc::clone(limiter);
            Supply::Ample.body(move |request, seen| {
                let ready = pin!(async {
                    limiter.until_ready().await;
                    Ok::<(), Fault>(())
                });
                seen.permit::<AlwaysOk, _, _>(ready, request);
            })
        },
    )
}

fn limiter<C: clock::Clock>(supply: Supply, clock: C) -> Limiter<C> {
    let quota = match supply {
        Supply::Ample => Quota::per_second(number(CALLS_A_SECOND)).allow_burst(NonZeroU32::MAX),
        Supply::Exhausted => Quota::with_period(HOUR).expect("an hour is not nothing"),
    };
    RateLimiter::direct_with_clock(quota, clock)
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("it is not zero")
}
