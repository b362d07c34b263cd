//! The stack.

use std::{fmt::Display, iter, time::Duration};

use seawall::{
    Attempt, Backoff, Budget, Bulkhead, CircuitBreaker, Hint, Jitter, ManualClock, Outcome, Quota, RateLimiter, Retry,
    Stack, Timeout, Trip, Window,
    retry::{HintBy, Plan, RetryIf},
    time::{Clock, Instant},
};

use super::{
    Boxed, Reply, SECOND, Way,
    seen::{self, Place, alive, step_on, told},
};
use seawall_testkit::time::exactly;

type Manual = ManualClock;
type Decider = Plan<RetryIf<fn(&Attempt, &Reply) -> bool>, HintBy<fn(&Attempt, &Reply) -> Hint>>;
type Judge = fn(&Reply) -> Outcome;
type Attempted = (CircuitBreaker<Judge, Manual>, (Bulkhead<Manual>, (Timeout<Duration, Manual>, ())));

/// The total limit and the rate outermost, then the retry, then the policies of each attempt.
pub(crate) type Whole = Stack<(RateLimiter<Manual>, (Timeout<Duration, Manual>, (Retry<Decider, Manual>, Attempted)))>;

/// All the policies, and handles to them.
pub(crate) struct World {
    pub(crate) clock: Manual,
    pub(crate) limiter: RateLimiter<Manual>,
    pub(crate) budget: Budget,
    pub(crate) breaker: CircuitBreaker<Judge, Manual>,
    pub(crate) bulkhead: Bulkhead<Manual>,
    pub(crate) stack: Whole,
    since: Instant,
}

/// What a breaker of a [`World`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Circuit {
    Closed,
    /// With all places for probes free, and open again if all have failed.
    HalfOpen,
    /// Opens if a call fails, or is dropped.
    Fragile,
}

pub(crate) const CIRCUITS: [Circuit; 2] = [Circuit::Closed, Circuit::HalfOpen];

/// The budget's balance. Only refunds are paid in.
pub(crate) const SAVED: u32 = 10;
/// The limiter's burst; its rate is one call a second.
pub(crate) const BURST: u32 = 3;
pub(crate) const PROBES: u32 = 4;
/// The wait between two attempts.
pub(crate) const WAIT: Duration = SECOND;
pub(crate) const TOTAL: Duration = Duration::from_secs(60);
pub(crate) const EACH: Duration = Duration::from_secs(20);

pub(crate) fn limiter(clock: &Manual) -> RateLimiter<Manual> {
    RateLimiter::builder("rate", Quota::per_second(1).burst(BURST)).max_wait(TOTAL).clock(clock.clone()).build()
}

pub(crate) fn breaker(clock: &Manual, circuit: Circuit) -> CircuitBreaker<Judge, Manual> {
    let judge: Judge = |reply| {
        step_on(Place::Classifier);
        if reply.is_ok() { Outcome::Success } else { Outcome::Failure }
    };
    let builder = CircuitBreaker::builder("circuit").open_for(exactly(SECOND)).probes(PROBES).reopen_at(1.0);
    let builder = match circuit {
        Circuit::Closed => builder.trip(Trip::failure_rate(1.0).over(Window::calls(1_000)).min_calls(1_000)),
        Circuit::HalfOpen => builder.trip(Trip::consecutive(1)),
        Circuit::Fragile => builder.trip(Trip::consecutive(1)).abandoned(Outcome::Failure),
    };
    let breaker = builder.clock(clock.clone()).classify(judge).build();
    if circuit == Circuit::HalfOpen {
        breaker.try_acquire().unwrap().failure();
        clock.advance(SECOND);
        breaker.try_acquire().unwrap().ignore();
    }
    breaker
}

impl World {
    pub(crate) fn new(circuit: Circuit) -> Self {
        seen::reset();
        let clock = Manual::new();
        let budget = Budget::ratio(0.0).floor(0);
        (0..SAVED).for_each(|_| budget.refund());
        let breaker = breaker(&clock, circuit);
        let limiter = limiter(&clock);
        let bulkhead = Bulkhead::builder("slots", 1).max_queued(10).max_wait(TOTAL).clock(clock.clone()).build();
        breaker.on_event(told);
        limiter.on_event(told);
        bulkhead.on_event(told);
        let repeat: fn(&Attempt, &Reply) -> bool = |_, reply| {
            step_on(Place::RetryIf);
            reply.is_err()
        };
        let hint: fn(&Attempt, &Reply) -> Hint = |_, _| {
            step_on(Place::Hint);
            Hint::None
        };
        let retry = Retry::builder("again").backoff(Backoff::constant(WAIT).jitter(Jitter::None));
        let retry = retry.budget(budget.clone()).clock(clock.clone()).retry_if(repeat).hint(hint).on_event(told);
        let stack = Stack::new()
            .rate_limit(limiter.clone())
            .timeout(Timeout::builder("total", TOTAL).clock(clock.clone()).on_event(told).build())
            .retry(retry.build())
            .circuit_breaker(breaker.clone())
            .bulkhead(bulkhead.clone())
            .timeout(Timeout::builder("each", EACH).clock(clock.clone()).on_event(told).build());
        Self { since: clock.now(), clock, limiter, budget, breaker, bulkhead, stack }
    }

    /// Makes a call. Each attempt is pending for `pending` polls, and the first `fails` attempts fail.
    pub(crate) fn begin(&self, way: Way, pending: u32, fails: u32) -> Boxed<'_> {
        way.start(&self.stack, move || seen::attempt(&self.bulkhead, pending, fails))
    }

    /// Asserts that every pass is back, and that no call waits.
    #[track_caller]
    pub(crate) fn assert_idle(&self, row: impl Display) {
        let held = (self.bulkhead.in_flight(), self.bulkhead.queued(), self.limiter.queued(), alive());
        assert_eq!(held, (0, 0, 0, 0), "{row}: in flight, queued there, queued at the limiter, alive");
    }

    /// Returns the limiter's remaining burst, after one call at the world's beginning.
    pub(crate) fn shares(&self) -> u32 {
        let later = self.clock.now().saturating_duration_since(self.since);
        BURST.min(BURST - 1 + later.as_secs() as u32)
    }

    /// Returns how many calls the circuit admits at once.
    pub(crate) fn places(&self) -> usize {
        let permits: Vec<_> = iter::from_fn(|| self.breaker.try_acquire().ok()).take(100).collect();
        permits.len()
    }
}
