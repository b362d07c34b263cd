//! Policies with random numbers, and their state in the end.

use std::time::Duration;

use proptest::prelude::*;
use seawall::{
    Budget, Bulkhead, CircuitBreaker, ErrIsFailure, ManualClock, Quota, RateLimiter, Retry, Timeout, Trip, retry::Plan,
};

use super::run::{Call, TICK};
use crate::stack::support::exactly;

/// The random numbers. Times are in ticks.
#[derive(Debug, Clone)]
pub(super) struct Numbers {
    pub(super) calls: Vec<Call>,
    pub(super) budget: BudgetState,
    total: u32,
    each: u32,
    attempts: u32,
    delay: u32,
    most: u32,
    interval: u32,
    burst: u32,
    failures: u32,
    open_for: u32,
    probes: u32,
    slots: usize,
    queue: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BudgetState {
    Unlimited,
    /// This many retries, and never more.
    Of(u32),
    /// This many retries, and one for each two calls.
    Filled(u32),
}

pub(super) fn numbers() -> impl Strategy<Value = Numbers> {
    let purse = prop_oneof![
        Just(BudgetState::Unlimited),
        (0..4_u32).prop_map(BudgetState::Of),
        (0..3_u32).prop_map(BudgetState::Filled)
    ];
    let calls = prop::collection::vec(Call::any(), 1..7);
    let limits = (1..60_u32, 1..20_u32, 1..5_u32, 0..10_u32, 0..30_u32);
    let gates = (1..15_u32, 1..4_u32, 1..4_u32, 1..25_u32, 1..3_u32, 1..4_usize, prop::option::of(0..30_u32));
    (calls, purse, limits, gates).prop_map(|(calls, budget, limits, gates)| {
        let (total, each, attempts, delay, most) = limits;
        let (interval, burst, failures, open_for, probes, slots, queue) = gates;
        Numbers {
            calls,
            budget,
            total,
            each,
            attempts,
            delay,
            most,
            interval,
            burst,
            failures,
            open_for,
            probes,
            slots,
            queue,
        }
    })
}

/// One or two of each policy. `C` is the breakers' classifier.
pub(super) struct World<C = ErrIsFailure> {
    pub(super) total: Timeout<Duration, ManualClock>,
    pub(super) each: Timeout<Duration, ManualClock>,
    pub(super) retry: Retry<Plan, ManualClock>,
    /// Inside the other retry, without a budget.
    pub(super) quick: Retry<Plan, ManualClock>,
    pub(super) limiter: RateLimiter<ManualClock>,
    pub(super) paced: RateLimiter<ManualClock>,
    pub(super) breaker: CircuitBreaker<C, ManualClock>,
    pub(super) tougher: CircuitBreaker<C, ManualClock>,
    pub(super) bulkhead: Bulkhead<ManualClock>,
    pub(super) wider: Bulkhead<ManualClock>,
    pub(super) queued: Bulkhead<ManualClock>,
    budget: Budget,
}

impl Numbers {
    pub(super) fn world<C: Clone>(&self, clock: &ManualClock, classify: C) -> World<C> {
        let timeout = |ticks| Timeout::builder("timeout", ticks * TICK).clock(clock.clone()).build();
        let retry = |attempts, delay: u32, budget| {
            let retry = Retry::builder("retry").max_attempts(attempts).backoff(exactly(delay * TICK)).budget(budget);
            retry.max_retry_after(self.most * TICK).clock(clock.clone()).build()
        };
        let breaker = |failures| {
            let breaker = CircuitBreaker::builder("breaker").trip(Trip::consecutive(failures)).probes(self.probes);
            let breaker = breaker.open_for(exactly(self.open_for * TICK)).probe_lease(50 * TICK);
            breaker.classify(classify.clone()).clock(clock.clone()).build()
        };
        let quota = Quota::every(self.interval * TICK).burst(self.burst);
        let limiter = || RateLimiter::builder("limiter", quota).clock(clock.clone());
        let bulkhead = |slots| Bulkhead::builder("bulkhead", slots).clock(clock.clone());
        let paced = limiter().max_wait(self.queue.unwrap_or(100) * TICK);
        let mut queued = bulkhead(self.slots).max_queued(3);
        if let Some(ticks) = self.queue {
            queued = queued.max_wait(ticks * TICK);
        }
        let budget = self.budget.filled();
        World {
            total: timeout(self.total),
            each: timeout(self.each),
            retry: retry(self.attempts, self.delay, budget.clone()),
            quick: retry(2, 1, Budget::unlimited()),
            limiter: limiter().build(),
            paced: paced.build(),
            breaker: breaker(self.failures),
            tougher: breaker(self.failures + 1),
            bulkhead: bulkhead(self.slots).build(),
            wider: bulkhead(self.slots + 1).build(),
            queued: queued.build(),
            budget,
        }
    }
}

impl BudgetState {
    fn filled(self) -> Budget {
        let (budget, retries) = match self {
            Self::Unlimited => return Budget::unlimited(),
            Self::Of(retries) => (Budget::ratio(0.0).floor(0), retries),
            Self::Filled(retries) => (Budget::ratio(0.5).floor(0), retries),
        };
        (0..retries).for_each(|_| budget.refund());
        budget
    }
}

impl<C> World<C> {
    /// Returns whether every pass is back after all calls have ended.
    pub(super) fn is_at_rest(&self) -> bool {
        let held = [&self.bulkhead, &self.wider, &self.queued].map(|bulkhead| bulkhead.in_flight() + bulkhead.queued());
        let waits = [&self.limiter, &self.paced].map(|limiter| limiter.queued());
        let probes = [&self.breaker, &self.tougher].map(|breaker| breaker.snapshot().undecided_probes());
        held.iter().chain(&waits).sum::<usize>() == 0 && probes == [0, 0]
    }

    /// Returns the state of all policies.
    pub(super) fn stands(&self) -> String {
        let breaker = |breaker: &CircuitBreaker<C, ManualClock>| {
            let seen = breaker.snapshot();
            let counts = (seen.consecutive_failures(), seen.undecided_probes(), seen.rejected(), seen.stale());
            format!("{} {} since {:?} {counts:?}", seen.state(), seen.generation(), seen.since())
        };
        let bulkhead = |bulkhead: &Bulkhead<ManualClock>| {
            let seen = bulkhead.snapshot();
            (seen.in_flight(), seen.queued(), seen.rejected())
        };
        let limiter = |limiter: &RateLimiter<ManualClock>| {
            let seen = limiter.snapshot();
            (seen.available(), seen.queued(), seen.rejected())
        };
        format!(
            "breakers {} and {}, bulkheads {:?}, limiters {:?}, budget {}",
            breaker(&self.breaker),
            breaker(&self.tougher),
            [&self.bulkhead, &self.wider, &self.queued].map(bulkhead),
            [&self.limiter, &self.paced].map(limiter),
            self.budget.balance(),
        )
    }
}
