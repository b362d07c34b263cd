//! The effect of a rejection on the outer policies: what a circuit breaker counts, and what is given back.

use std::time::Duration;

use seawall::{
    Bulkhead, CircuitBreaker, Deadline, Outcome, Quota, RateLimiter, Retry, Stack, State, Timeout, Trip,
    circuit_breaker::Builder, retry::Plan,
};
use tokio::time::{self, Instant};

use crate::stack::support::{
    Callee, Does, MILLISECOND, SECOND, Way, exactly, open, send, some_day, three, trips_at, words,
};

/// Half-open: the next call is the probe.
async fn half_open() -> CircuitBreaker {
    let breaker = open();
    time::sleep(5 * SECOND).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    breaker
}

fn spent() -> RateLimiter {
    let limiter = RateLimiter::new("spent", Quota::every(3600 * SECOND));
    limiter.try_acquire().unwrap();
    limiter
}

macro_rules! after {
    ($way:expr, $stack:expr, $does:expr => $reply:expr) => {{
        let callee = Callee::new([$does]);
        assert_eq!(words(&some_day(send!($way, $stack, callee)).await), $reply, "{:?}", $way);
        assert_eq!(callee.in_flight(), 0, "{:?}", $way);
        callee
    }};
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_a_policy_below_refuses_gives_its_place_back() {
    for way in Way::BOTH {
        let breaker = half_open().await;
        let free = |breaker: &CircuitBreaker| {
            let seen = breaker.snapshot();
            assert_eq!((seen.state(), seen.undecided_probes()), (State::HalfOpen, 0), "{way:?}");
        };
        let stack = Stack::new().circuit_breaker(breaker.clone());
        after!(way, stack.clone().circuit_breaker(open()), Does::Answers(0) => "circuit open");
        free(&breaker);
        after!(way, stack.clone().rate_limit(spent()), Does::Answers(0) => "rate limited");
        free(&breaker);
        let full = Bulkhead::new("full", 1);
        let held = full.try_acquire().unwrap();
        after!(way, stack.clone().bulkhead(full.clone()), Does::Answers(0) => "bulkhead full");
        free(&breaker);
        drop(held);
        after!(way, stack.clone().bulkhead(full), Does::Answers(0) => "answered");
        assert_eq!(breaker.state(), State::Closed, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_takes_longer_than_its_limit_has_failed_and_one_that_the_callers_time_cut_off_has_not() {
    for way in Way::BOTH {
        let breaker = half_open().await;
        let stack = Stack::new().circuit_breaker(breaker.clone()).timeout(Timeout::new("timeout", 2 * SECOND));
        let call = Deadline::after(SECOND).scope(send!(way, stack, Callee::new([Does::Hangs])));
        assert_eq!(words(&some_day(call).await), "out of time", "{way:?}");
        let seen = breaker.snapshot();
        assert_eq!((seen.state(), seen.undecided_probes()), (State::HalfOpen, 0), "{way:?}");
        after!(way, stack, Does::Hangs => "timed out");
        assert_eq!(breaker.state(), State::Open, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn rejections_from_below_never_open_a_circuit_however_many_there_are() {
    for way in Way::BOTH {
        let breaker = trips_at(1);
        let around = Stack::new().circuit_breaker(breaker.clone());
        let full = Bulkhead::new("full", 1);
        let _held = full.try_acquire().unwrap();
        for _ in 0..50 {
            after!(way, around.clone().circuit_breaker(open()), Does::Answers(0) => "circuit open");
            after!(way, around.clone().rate_limit(spent()), Does::Answers(0) => "rate limited");
            after!(way, around.clone().bulkhead(full.clone()), Does::Answers(0) => "bulkhead full");
        }
        let seen = breaker.snapshot();
        assert_eq!((seen.state(), seen.consecutive_failures(), seen.rejected()), (State::Closed, 0, 0), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_no_success_either_the_run_of_failures_goes_on() {
    for way in Way::BOTH {
        let breaker = trips_at(10);
        let around = Stack::new().circuit_breaker(breaker.clone());
        after!(way, around.clone(), Does::Fails(0) => "failed");
        after!(way, around.clone().rate_limit(spent()), Does::Answers(0) => "rate limited");
        assert_eq!(breaker.snapshot().consecutive_failures(), 1, "{way:?}");
    }
}

fn tripping(set: impl FnOnce(Builder) -> Builder) -> CircuitBreaker {
    set(CircuitBreaker::builder("breaker").trip(Trip::consecutive(10))).build()
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_an_outer_deadline_cut_off_counts_as_one_that_was_dropped() {
    let breakers = [
        (tripping(|builder| builder), 0),
        (tripping(|builder| builder.abandoned(Outcome::Failure)), 1),
        (tripping(|builder| builder.abandoned_after(SECOND)), 1),
        (tripping(|builder| builder.abandoned_after(SECOND + MILLISECOND)), 0),
    ];
    for (breaker, wanted) in breakers {
        for way in Way::BOTH {
            let stack = Stack::new()
                .timeout(Timeout::new("timeout", SECOND))
                .circuit_breaker(breaker.clone())
                .timeout(Timeout::new("timeout", 2 * SECOND));
            breaker.reset();
            // To the outer timeout it was its own limit.
            after!(way, stack, Does::Hangs => "timed out");
            assert_eq!(breaker.snapshot().consecutive_failures(), wanted, "{way:?}");
            // The same, without an inner timeout that could report it.
            breaker.reset();
            let stack = Stack::new().timeout(Timeout::new("timeout", SECOND)).circuit_breaker(breaker.clone());
            after!(way, stack, Does::Hangs => "timed out");
            assert_eq!(breaker.snapshot().consecutive_failures(), wanted, "{way:?}");
            // And with the deadline around the whole stack.
            breaker.reset();
            let stack = Stack::new().circuit_breaker(breaker.clone()).timeout(Timeout::new("timeout", 2 * SECOND));
            let call = Deadline::after(SECOND).scope(send!(way, stack, Callee::new([Does::Hangs])));
            assert_eq!(words(&some_day(call).await), "out of time", "{way:?}");
            assert_eq!(breaker.snapshot().consecutive_failures(), wanted, "{way:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_there_was_no_time_to_begin_is_nobodys_failure() {
    for way in Way::BOTH {
        let breaker = trips_at(1);
        let stack = Stack::new().circuit_breaker(breaker.clone()).timeout(Timeout::new("timeout", SECOND));
        let callee = Callee::new([Does::Answers(0)]);
        let call = async { send!(way, stack, callee).await };
        let late = Deadline::after(Duration::ZERO).scope(call);
        assert_eq!(words(&some_day(late).await), "out of time", "{way:?}");
        assert_eq!((callee.calls(), breaker.snapshot().consecutive_failures()), (0, 0), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn jitter_comes_on_top_of_what_a_rejection_says_so_no_attempt_is_in_vain() {
    for way in Way::BOTH {
        for _ in 0..100 {
            let (breaker, began) = (open(), Instant::now());
            let stack = Stack::new().retry(three().backoff(SECOND).build()).circuit_breaker(breaker.clone());
            let callee = after!(way, stack, Does::Answers(0) => "answered");
            assert_eq!((callee.calls(), breaker.snapshot().rejected()), (1, 1), "{way:?}");
            assert!((5 * SECOND..=6 * SECOND + MILLISECOND).contains(&began.elapsed()), "{:?}", began.elapsed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_asks_its_function_about_the_callees_results_alone() {
    let retry =
        || three().retry_if(|_: &seawall::Attempt, result: &Result<u32, _>| result.is_err_and(|_| false)).build();
    for way in Way::BOTH {
        let callee = after!(way, Stack::new().retry(retry()).circuit_breaker(open()), Does::Fails(0) => "failed");
        assert_eq!(callee.came(), [5_000], "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_opens_under_a_retry_is_waited_out() {
    for way in Way::BOTH {
        let (breaker, retry) = (trips_at(2), three().max_attempts(4).build());
        let stack = Stack::new().retry(retry).circuit_breaker(breaker.clone());
        let callee = Callee::new([Does::Fails(0), Does::Fails(0), Does::Answers(0)]);
        assert_eq!(some_day(send!(way, stack, callee)).await, Ok(3), "{way:?}");
        // Two attempts fail and open the circuit at 1 s. One is rejected at 2 s, for 4 s more.
        assert_eq!((callee.came(), breaker.snapshot().rejected()), (vec![0, 1_000, 6_000], 1), "{way:?}");
        assert_eq!(breaker.state(), State::Closed, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_is_held_open_ends_the_call() {
    for way in Way::BOTH {
        let breaker = trips_at(2);
        breaker.force_open();
        let callee = after!(way, Stack::new().retry(three().build()).circuit_breaker(breaker.clone()), Does::Answers(0) => "circuit open");
        assert_eq!((callee.calls(), breaker.snapshot().rejected()), (0, 1), "{way:?}");
    }
}

/// MX-01 to MX-03: a retry waits for rejections that say when, up to `max_rejection_wait`. A rejection that says later ends the
/// call, with the error of the last attempt that was sent.
#[tokio::test(start_paused = true)]
async fn mx_cases() {
    let retry = |attempts| -> Retry<Plan> {
        three().max_attempts(attempts).backoff(exactly(Duration::ZERO)).max_rejection_wait(SECOND).build()
    };
    for way in Way::BOTH {
        for (trip, attempts) in [(3, 7), (1, 3)] {
            let breaker = trips_at(trip);
            let stack = Stack::new().retry(retry(attempts)).circuit_breaker(breaker.clone());
            let callee = after!(way, stack, Does::Fails(0) => "failed");
            assert_eq!((callee.calls(), breaker.snapshot().rejected()), (trip as usize, 1), "MX-01, {way:?}");
        }
        let breaker = trips_at(3);
        let callee =
            after!(way, Stack::new().circuit_breaker(breaker.clone()).retry(retry(3)), Does::Fails(0) => "failed");
        let seen = (breaker.state(), breaker.snapshot().consecutive_failures());
        assert_eq!((callee.calls(), seen), (3, (State::Closed, 1)), "MX-02, {way:?}");

        let limiter = RateLimiter::new("limiter", Quota::per_hour(3));
        let callee = after!(way, Stack::new().retry(retry(7)).rate_limit(limiter.clone()), Does::Fails(0) => "failed");
        assert_eq!((callee.calls(), limiter.snapshot().rejected()), (3, 1), "MX-03, {way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_is_a_failure_though_a_longer_limit_inside_was_cut_to_its_own() {
    for way in Way::BOTH {
        let breaker = trips_at(10);
        let stack = Stack::new()
            .timeout(Timeout::new("timeout", 10 * SECOND))
            .circuit_breaker(breaker.clone())
            .timeout(Timeout::new("timeout", SECOND))
            .timeout(Timeout::new("timeout", 2 * SECOND));
        after!(way, stack, Does::Hangs => "timed out");
        assert_eq!(breaker.snapshot().consecutive_failures(), 1, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_took_longer_than_all_attempts_may_is_a_failure_though_the_last_attempt_was_cut_short() {
    for way in Way::BOTH {
        let (attempts, calls) = (trips_at(10), trips_at(10));
        let stack = Stack::new()
            .circuit_breaker(calls.clone())
            .timeout(Timeout::builder("all", 4 * SECOND).build())
            .retry(three().build())
            .circuit_breaker(attempts.clone())
            .timeout(Timeout::new("timeout", 2 * SECOND));
        let callee = Callee::new([Does::Hangs]);
        let reply = some_day(send!(way, stack, callee)).await;
        assert_eq!(reply.unwrap_err().rejection().unwrap().to_string(), "timeout `all`: not done in 4s", "{way:?}");
        assert_eq!(callee.came(), [0, 3_000], "{way:?}");
        let failed = |breaker: &CircuitBreaker| breaker.snapshot().consecutive_failures();
        assert_eq!((failed(&calls), failed(&attempts)), (1, 1), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_for_which_there_is_no_time_at_all_is_nobodys_failure() {
    for (limit, reply) in [(Duration::ZERO, "timed out"), (SECOND, "out of time")] {
        for way in Way::BOTH {
            let breaker = tripping(|builder| builder.abandoned(Outcome::Failure));
            let stack = Stack::new().circuit_breaker(breaker.clone()).timeout(Timeout::new("timeout", limit));
            let callee = Callee::new([Does::Answers(0)]);
            let late = Deadline::after(if limit.is_zero() { SECOND } else { Duration::ZERO });
            assert_eq!(words(&some_day(late.scope(send!(way, stack, callee))).await), reply, "{way:?}");
            assert_eq!((callee.calls(), breaker.snapshot().consecutive_failures()), (0, 0), "{way:?}, {limit:?}");
        }
    }
}
