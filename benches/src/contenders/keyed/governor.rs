//! governor's limiter by key: over dashmap, its default, or over a `HashMap` under one lock.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{self, MonotonicClock, QuantaClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::{DashMapStateStore, ShrinkableKeyedStateStore};
use governor::{Quota, RateLimiter};

use super::{BURST, Clock, Draw, HOUR, Supply, holding};
use crate::contenders::rate::clock::Upkept;
use crate::contenders::{AlwaysOk, Answer, Make, bodies};

/// `check_key`, by reference, over dashmap.
#[must_use]
pub fn check(supply: Supply, clock: Clock, keys: u64) -> Make {
    match clock {
        Clock::System => checking(supply, keys, move || dashmap(supply, MonotonicClock)),
        Clock::Default | Clock::Quanta => checking(supply, keys, move || dashmap(supply, QuantaClock::default())),
        Clock::Coarse => checking(supply, keys, move || dashmap(supply, Upkept::new())),
    }
}

/// `check_key`, by reference, over one `HashMap`; quanta's clock.
#[must_use]
pub fn check_hashmap(supply: Supply, keys: u64) -> Make {
    checking(supply, keys, move || RateLimiter::hashmap_with_clock(quota(supply), QuantaClock::default()))
}

/// The limiter over dashmap with its keys.
#[must_use]
pub fn held(keys: u64) -> Make {
    let make = move || filled(dashmap(Supply::Ample, QuantaClock::default()), keys);
    holding(make, move |limiter| limiter.len() as u64 == keys)
}

type Limiter<S, C> = RateLimiter<u64, S, C, NoOpMiddleware<<C as clock::Clock>::Instant>>;

fn dashmap<C: clock::Clock>(supply: Supply, clock: C) -> Limiter<DashMapStateStore<u64>, C> {
    RateLimiter::dashmap_with_clock(quota(supply), clock)
}

fn checking<S, C>(supply: Supply, keys: u64, limiter: impl Fn() -> Limiter<S, C> + 'static) -> Make
where
    S: ShrinkableKeyedStateStore<u64> + Send + Sync + 'static,
    C: clock::Clock + Send + Sync + 'static,
    C::Instant: Send + Sync,
{
    bodies(
        move || Arc::new(filled(limiter(), keys)),
        move |limiter| {
            let (limiter, mut draw) = (Arc::clone(limiter), Draw::new(keys));
            supply.body(move |request, seen| match &limiter.check_key(&draw.next()) {
                Ok(()) => seen.result::<AlwaysOk, _>(|| AlwaysOk::answer(request)),
                Err(refusal) => seen.refusal(refusal),
            })
        },
    )
}

fn filled<S, C>(limiter: Limiter<S, C>, keys: u64) -> Limiter<S, C>
where
    S: ShrinkableKeyedStateStore<u64>,
    C: clock::Clock,
{
    (0..keys).for_each(|key| assert!(limiter.check_key(&key).is_ok(), "it is the key's first call"));
    limiter
}

fn quota(supply: Supply) -> Quota {
    let quota = Quota::with_period(HOUR).expect("an hour is not nothing");
    match supply {
        Supply::Ample => quota.allow_burst(NonZeroU32::new(BURST).expect("it is not zero")),
        Supply::Exhausted => quota,
    }
}
