//! seawall's limiter by key.

use std::sync::Arc;

use seawall::rate_limit::keyed::SameQuota;
use seawall::time::{self, DefaultClock, FastClock, SystemClock};
use seawall::{KeyedRateLimiter, Quota};

use super::{BURST, Clock, Draw, HOUR, Supply, holding};
use crate::contenders::rate::clock::Quanta;
use crate::contenders::{AlwaysOk, Answer, Make, bodies};

/// `try_acquire`, by reference.
#[must_use]
pub fn check(supply: Supply, clock: Clock, keys: u64) -> Make {
    match clock {
        Clock::Default => checking(supply, keys, DefaultClock::default),
        Clock::System => checking(supply, keys, || SystemClock),
        Clock::Quanta => checking(supply, keys, Quanta::default),
        Clock::Coarse => checking(supply, keys, || FastClock),
    }
}

/// The limiter with its keys.
#[must_use]
pub fn held(keys: u64) -> Make {
    let make = move || filled(Supply::Ample, keys, DefaultClock::default());
    holding(make, move |limiter| limiter.len() as u64 == keys)
}

type Limiter<K> = KeyedRateLimiter<u64, SameQuota, K>;

fn checking<K>(supply: Supply, keys: u64, clock: fn() -> K) -> Make
where
    K: time::Clock + Send + Sync + 'static,
{
    bodies(
        move || Arc::new(filled(supply, keys, clock())),
        move |limiter: &Arc<Limiter<K>>| {
            let (limiter, mut draw) = (Arc::clone(limiter), Draw::new(keys));
            supply.body(move |request, seen| match &limiter.try_acquire(&draw.next()) {
                Ok(()) => seen.result::<AlwaysOk, _>(|| AlwaysOk::answer(request)),
                Err(rejection) => seen.refusal(rejection),
            })
        },
    )
}

fn filled<K: time::Clock>(supply: Supply, keys: u64, clock: K) -> Limiter<K> {
    let burst = match supply {
        Supply::Ample => BURST,
        Supply::Exhausted => 1,
    };
    let quota = Quota::every(HOUR).burst(burst);
    // Twice as many may come, as at the cap some would be forgotten; and not fewer than by default.
    let max_keys = (2 * keys as usize).max(100_000);
    let limiter = KeyedRateLimiter::builder("bench", quota).max_keys(max_keys).clock(clock).build();
    (0..keys).for_each(|key| limiter.try_acquire(&key).expect("it is the key's first call"));
    limiter
}
