//! The reaction of each policy to each result of an inner policy: one table, for plain calls and services.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use seawall::{Budget, Bulkhead, CircuitBreaker, Quota, RateLimiter, Retry, Stack, Timeout};
use tokio::time::Instant;

use crate::stack::support::{Boxed, Callee, Does, SECOND, Way, exactly, open, send, some_day, trips_at, words};

/// A policy, with its counts.
struct Watched<P> {
    policy: P,
    stands: Box<dyn Fn() -> String>,
    /// What other calls hold of the policy.
    _held: Option<Box<dyn Any>>,
}

impl<P: Clone + 'static> Watched<P> {
    fn new(policy: P, stands: impl Fn(&P) -> String + 'static) -> Self {
        let seen = policy.clone();
        Self { policy, stands: Box::new(move || stands(&seen)), _held: None }
    }
}

fn watched_timeout(limit: std::time::Duration) -> Watched<Timeout> {
    let cut_off = Arc::new(AtomicU32::new(0));
    let count = cut_off.clone();
    let timeout =
        Timeout::builder("timeout", limit).on_event(move |_| _ = count.fetch_add(1, Ordering::Relaxed)).build();
    Watched::new(timeout, move |_| format!("{} cut off", cut_off.load(Ordering::Relaxed)))
}

fn watched_breaker(breaker: CircuitBreaker) -> Watched<CircuitBreaker> {
    Watched::new(breaker, |breaker| {
        let seen = breaker.snapshot();
        format!("{}, {} failed, {} refused", seen.state(), seen.consecutive_failures(), seen.rejected())
    })
}

fn watched_limiter(limiter: RateLimiter) -> Watched<RateLimiter> {
    Watched::new(limiter, |limiter| format!("{} left, {} refused", limiter.available(), limiter.snapshot().rejected()))
}

fn watched_bulkhead(bulkhead: Bulkhead) -> Watched<Bulkhead> {
    Watched::new(bulkhead, |bulkhead| {
        format!("{} in flight, {} refused", bulkhead.in_flight(), bulkhead.snapshot().rejected())
    })
}

fn watched_retry(max_attempts: u32, delay: std::time::Duration) -> Watched<Retry> {
    // No floor, so that time pays nothing in. The balance is eleven retries minus the paid retries.
    let budget = Budget::ratio(1.0).floor(0);
    (0..10).for_each(|_| budget.deposit());
    let spent = budget.clone();
    let builder = Retry::builder("retry").max_attempts(max_attempts).backoff(exactly(delay)).budget(budget);
    let retry = builder.max_rejection_wait(10 * SECOND).build();
    Watched::new(retry, move |_| format!("{} retries", 11.0 - spent.balance()))
}

/// With room for what is to come.
mod outer {
    use super::*;

    pub(super) fn timeout() -> Watched<Timeout> {
        watched_timeout(10 * SECOND)
    }

    pub(super) fn retry() -> Watched<Retry> {
        watched_retry(3, SECOND)
    }

    pub(super) fn rate_limit() -> Watched<RateLimiter> {
        watched_limiter(RateLimiter::new("limiter", Quota::per_hour(10)))
    }

    pub(super) fn circuit_breaker() -> Watched<CircuitBreaker> {
        watched_breaker(trips_at(10))
    }

    pub(super) fn bulkhead() -> Watched<Bulkhead> {
        watched_bulkhead(Bulkhead::new("bulkhead", 1))
    }
}

/// Such that the first call is rejected; the retry rejects nothing, and gives up.
mod inner {
    use super::*;

    pub(super) fn timeout() -> Watched<Timeout> {
        watched_timeout(SECOND)
    }

    pub(super) fn retry() -> Watched<Retry> {
        watched_retry(2, SECOND / 10)
    }

    pub(super) fn rate_limit() -> Watched<RateLimiter> {
        let limiter = RateLimiter::new("spent", Quota::every(2 * SECOND));
        limiter.try_acquire().unwrap();
        watched_limiter(limiter)
    }

    pub(super) fn circuit_breaker() -> Watched<CircuitBreaker> {
        watched_breaker(open())
    }

    pub(super) fn bulkhead() -> Watched<Bulkhead> {
        let bulkhead = Bulkhead::new("full", 1);
        let held = bulkhead.try_acquire().unwrap().into_owned();
        Watched { _held: Some(Box::new(held)), ..watched_bulkhead(bulkhead) }
    }
}

/// A call's result, the times of the callee's calls, the whole duration, and the counts of both policies in the end.
#[derive(Debug, PartialEq)]
struct Seen {
    reply: String,
    came: Vec<u128>,
    took: u128,
    outer: String,
    inner: String,
}

struct Row {
    name: &'static str,
    run: fn(Way) -> Boxed<Seen>,
    wanted: Seen,
}

macro_rules! row {
    ($outer:ident($stands_outer:expr), $inner:ident($stands_inner:expr), $does:expr => $reply:expr, $came:expr, in $took:expr) => {
        Row {
            name: concat!(stringify!($outer), " around ", stringify!($inner)),
            run: |way| {
                Box::pin(async move {
                    let (outer, inner, callee) = (outer::$outer(), inner::$inner(), Callee::new([$does]));
                    let stack = Stack::new().$outer(outer.policy.clone()).$inner(inner.policy.clone());
                    let began = Instant::now();
                    let reply = words(&some_day(send!(way, stack, callee)).await).into();
                    let (came, took) = (callee.came(), began.elapsed().as_millis());
                    assert_eq!(callee.in_flight(), 0);
                    Seen { reply, came, took, outer: (outer.stands)(), inner: (inner.stands)() }
                })
            },
            wanted: Seen {
                reply: $reply.into(),
                came: $came.into(),
                took: $took,
                outer: $stands_outer.into(),
                inner: $stands_inner.into(),
            },
        }
    };
}

/// The rows of a rejected call under each outer policy, except for a retry.
macro_rules! passed_on {
    ($inner:ident($stands_inner:expr), $does:expr => $reply:expr, $came:expr, in $took:expr, failed $failed:expr) => {
        [
            row!(timeout("0 cut off"), $inner($stands_inner), $does => $reply, $came, in $took),
            row!(rate_limit("9 left, 0 refused"), $inner($stands_inner), $does => $reply, $came, in $took),
            row!(circuit_breaker(concat!("closed, ", $failed, " failed, 0 refused")), $inner($stands_inner), $does => $reply, $came, in $took),
            row!(bulkhead("0 in flight, 0 refused"), $inner($stands_inner), $does => $reply, $came, in $took),
        ]
    };
}

fn table() -> Vec<Row> {
    use Does::{Answers, Fails, Hangs};
    const NONE: [u128; 0] = [];
    let mut rows = Vec::new();

    // The rejection says when calls pass: the retry waits, and then the callee is called for the first time.
    rows.push(row!(retry("1 retries"), circuit_breaker("closed, 0 failed, 1 refused"), Answers(0) => "answered", [5_000], in 5_000));
    rows.extend(
        passed_on!(circuit_breaker("open, 0 failed, 1 refused"), Answers(0) => "circuit open", NONE, in 0, failed 0),
    );

    rows.push(row!(retry("1 retries"), rate_limit("0 left, 1 refused"), Answers(0) => "answered", [2_000], in 2_000));
    rows.extend(passed_on!(rate_limit("0 left, 1 refused"), Answers(0) => "rate limited", NONE, in 0, failed 0));

    // The rejection does not know when there will be room.
    rows.push(row!(retry("0 retries"), bulkhead("1 in flight, 1 refused"), Answers(0) => "bulkhead full", NONE, in 0));
    rows.extend(passed_on!(bulkhead("1 in flight, 1 refused"), Answers(0) => "bulkhead full", NONE, in 0, failed 0));

    // An attempt that exceeded its own limit is the callee's failure.
    rows.push(row!(retry("2 retries"), timeout("3 cut off"), Hangs => "timed out", [0, 2_000, 4_000], in 5_000));
    rows.extend(passed_on!(timeout("1 cut off"), Hangs => "timed out", [0], in 1_000, failed 1));

    // To an outer policy, many attempts are one call.
    rows.push(row!(retry("2 retries"), retry("1 retries"), Fails(0) => "failed", [0, 100, 1_100, 1_200, 2_200, 2_300], in 2_300));
    rows.extend(passed_on!(retry("1 retries"), Fails(0) => "failed", [0, 100], in 100, failed 1));
    rows
}

#[tokio::test(start_paused = true)]
async fn each_policy_makes_of_what_each_says_below_it_what_it_should() {
    let rows = table();
    assert_eq!(rows.len(), 25);
    for Row { name, run, wanted } in rows {
        for way in Way::BOTH {
            assert_eq!(run(way).await, wanted, "{name}, {way:?}");
        }
    }
}
