//! Calls that come by the clock, not by the answers, and what stands between them and the upstream.

use std::fmt;
use std::time::Duration;

use seawall::{Bulkhead, Error, Quota, RateLimiter};
use tokio::task::JoinSet;
use tokio::time::{self, Instant, MissedTickBehavior};
use tower::{ServiceBuilder, ServiceExt, service_fn};

use super::tally::Tally;
use super::{CAPACITY, OFFERED, PATIENCE, SERVERS};
use crate::client::{Caller, Fault};

/// What stands before the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    Bare,
    RateLimit,
    Bulkhead,
    Both,
}

impl Guard {
    pub(super) const ALL: [Self; 4] = [Self::Bare, Self::RateLimit, Self::Bulkhead, Self::Both];
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bare => "bare",
            Self::RateLimit => "rate limit",
            Self::Bulkhead => "bulkhead",
            Self::Both => "both",
        })
    }
}

/// How a call ended, and how long it took.
pub(super) type Ended = (Result<(), Error<Fault>>, Duration);

/// Offers calls for that long, and waits for the last of them.
pub(super) async fn offer(guard: Guard, caller: Caller, time: Duration, seed: u64) -> Tally {
    let gates = Gates::new();
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut calls = JoinSet::new();
    let mut ticks = time::interval(TICK);
    // A tick that is late is made up for: the load does not depend on how it is answered.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut tally = Tally::new();
    let begun = Instant::now();
    for _ in 0..time.as_millis() / TICK.as_millis() {
        ticks.tick().await;
        // On an average as many as offered, and not evenly.
        let most = 2 * OFFERED / (1_000 / TICK.as_millis() as u32);
        for _ in 0..dice.u32(0..=most) {
            let (gates, caller) = (gates.clone(), caller.clone());
            let by_tower = dice.bool();
            calls.spawn(async move {
                let begun = Instant::now();
                (gates.call(guard, by_tower, caller).await, begun.elapsed())
            });
        }
        while let Some(ended) = calls.try_join_next() {
            tally.add(ended.expect("no call panics"));
        }
    }
    while let Some(ended) = calls.join_next().await {
        tally.add(ended.expect("no call panics"));
    }
    tally.time = begun.elapsed();
    tally
}

/// The two policies; all that this program needs of seawall for them.
#[derive(Clone)]
struct Gates {
    limiter: RateLimiter,
    bulkhead: Bulkhead,
}

impl Gates {
    fn new() -> Self {
        Self {
            limiter: RateLimiter::new("upstream", Quota::per_second(CAPACITY).burst(SERVERS as u32)),
            // Twice as many as it works on, so that it never waits for the way there and back.
            bulkhead: Bulkhead::builder("upstream", 2 * SERVERS).max_queued(4 * SERVERS).max_wait(PATIENCE / 2).build(),
        }
    }

    async fn call(&self, guard: Guard, by_tower: bool, caller: Caller) -> Result<(), Error<Fault>> {
        let send = || caller.call();
        let client = service_fn(|()| caller.call());
        let client = ServiceBuilder::new().map_err(Error::Inner).service(client);
        match (guard, by_tower) {
            (Guard::Bare, _) => send().await.map_err(Error::Inner),
            (Guard::RateLimit, false) => self.limiter.execute(send).await,
            (Guard::RateLimit, true) => {
                ServiceBuilder::new().layer(self.limiter.layer()).service(client).oneshot(()).await
            }
            (Guard::Bulkhead, false) => self.bulkhead.execute(send).await,
            (Guard::Bulkhead, true) => {
                ServiceBuilder::new().layer(self.bulkhead.layer()).service(client).oneshot(()).await
            }
            (Guard::Both, false) => self.limiter.call(|| self.bulkhead.execute(send)).await,
            (Guard::Both, true) => {
                let stack = ServiceBuilder::new().layer(self.limiter.layer()).layer(self.bulkhead.layer());
                stack.service(client).oneshot(()).await
            }
        }
    }
}

const TICK: Duration = Duration::from_millis(5);
