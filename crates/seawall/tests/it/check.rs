//! A stack's drawing, and the check of its order.
use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::FutureExt;
use seawall::{
    Budget, Bulkhead, CircuitBreaker, Error, Outcome, Quota, RateLimiter, Retry, Stack, Timeout, Trip,
    stack::{
        self,
        ConcernKind::{self, *},
    },
};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn timeout(seconds: u64) -> Timeout {
    Timeout::new("timeout", s(seconds))
}

fn limiter() -> RateLimiter {
    RateLimiter::new("l", Quota::per_second(10))
}

fn waiting() -> RateLimiter {
    RateLimiter::builder("l", Quota::per_second(10)).max_wait(s(1)).build()
}

fn retry() -> Retry {
    Retry::new("r")
}

fn breaker() -> CircuitBreaker {
    CircuitBreaker::new("b")
}

fn bulkhead() -> Bulkhead {
    Bulkhead::new("h", 4)
}

macro_rules! kinds {
    ($stack:expr) => {
        $stack.check().iter().map(|concern| concern.kind()).collect::<Vec<ConcernKind>>()
    };
}

#[test]
fn the_standard_stack_gives_no_concern() {
    assert_eq!(Stack::standard("inventory").check(), []);
    assert_eq!(Stack::new().check(), []);
}

#[test]
fn each_order_that_is_probably_wrong_is_named() {
    let new = Stack::new;
    assert_eq!(kinds!(new().retry(retry()).circuit_breaker(breaker())), [NoTimeout]);
    assert_eq!(kinds!(new().timeout(timeout(9)).retry(retry())), [NoAttemptTimeout]);
    assert_eq!(kinds!(new().retry(retry()).timeout(timeout(1))), [NoTotalTimeout]);
    assert_eq!(kinds!(new().timeout(timeout(2)).retry(retry()).timeout(timeout(1))), [AttemptsDoNotFit]);
    assert_eq!(kinds!(new().timeout(timeout(3)).retry(retry()).timeout(timeout(1))), []);
    assert_eq!(kinds!(new().timeout(timeout(2)).timeout(timeout(2))), [TimeoutNeverReached]);
    assert_eq!(kinds!(new().timeout(timeout(2)).rate_limit(waiting())), [QueueCountsAsCall]);
    assert_eq!(kinds!(new().timeout(timeout(2)).rate_limit(limiter())), []);
    assert_eq!(
        kinds!(new().timeout(timeout(9)).circuit_breaker(breaker()).retry(retry()).timeout(timeout(1))),
        [BreakerAroundRetry]
    );
    assert_eq!(kinds!(new().timeout(timeout(2)).circuit_breaker(breaker())), [HangsDoNotCount]);
    assert_eq!(
        kinds!(new().timeout(timeout(9)).retry(retry()).rate_limit(limiter()).timeout(timeout(1))),
        [LimiterInRetry]
    );
    assert_eq!(
        kinds!(new().bulkhead(bulkhead()).timeout(timeout(9)).retry(retry()).timeout(timeout(1))),
        [BulkheadAroundRetry]
    );
    assert_eq!(kinds!(new().bulkhead(bulkhead()).rate_limit(waiting()).timeout(timeout(1))), [BulkheadAroundWait]);
    let unbounded = Retry::builder("r").budget(Budget::unlimited()).build();
    assert_eq!(kinds!(new().timeout(timeout(9)).retry(unbounded).timeout(timeout(1))), [NoBudget]);
    assert_eq!(kinds!(new().timeout(timeout(99)).retry(retry()).retry(retry()).timeout(timeout(1))), [RetryInRetry]);
}

#[test]
fn a_retry_that_hammers_or_waits_for_an_open_circuit_is_named() {
    let stack =
        |retry, breaker| Stack::new().timeout(timeout(9)).retry(retry).circuit_breaker(breaker).timeout(timeout(1));
    let retry = |wait| Retry::builder("r").max_rejection_wait(wait);
    let open_for = |time| CircuitBreaker::builder("b").open_for(time).build();
    assert_eq!(kinds!(stack(Retry::builder("r").build(), breaker())), []);
    assert_eq!(kinds!(stack(Retry::builder("r").build(), open_for(s(1)))), [WaitsForOpenCircuit]);
    assert_eq!(kinds!(stack(retry(s(5)).build(), open_for(s(5)))), [WaitsForOpenCircuit]);
    assert_eq!(kinds!(stack(retry(s(4)).build(), open_for(s(5)))), []);
    assert_eq!(kinds!(stack(retry(Duration::MAX).build(), open_for(s(5)))), [WaitsForOpenCircuit]);
    let hammers = || Retry::builder("r").heed_rejections(false);
    assert_eq!(kinds!(stack(hammers().build(), breaker())), [RejectionsNotHeeded]);
    assert_eq!(kinds!(stack(hammers().max_attempts(1).build(), breaker())), []);
    let inside = Stack::new().timeout(timeout(9)).retry(hammers().build()).bulkhead(bulkhead()).timeout(timeout(1));
    assert_eq!(kinds!(inside), [RejectionsNotHeeded]);
}

#[test]
fn what_is_meant_gives_no_concern() {
    let abandoned = CircuitBreaker::builder("b").abandoned(Outcome::Failure).build();
    assert_eq!(kinds!(Stack::new().timeout(timeout(2)).circuit_breaker(abandoned)), []);
    let long = CircuitBreaker::builder("b").abandoned_after(s(1)).build();
    assert_eq!(kinds!(Stack::new().timeout(timeout(2)).circuit_breaker(long)), []);
    let once = Retry::builder("r").max_attempts(1).build();
    assert_eq!(kinds!(Stack::new().timeout(timeout(2)).retry(once)), []);
    assert_eq!(kinds!(Stack::new().circuit_breaker(breaker()).timeout(timeout(2))), []);
    // A limit that is a function of the request has no known length.
    let by_request = Timeout::builder("t", |(): &()| s(1)).build();
    assert_eq!(kinds!(Stack::new().timeout(timeout(1)).timeout(by_request)), []);
}

#[test]
fn a_concern_names_both_policies_and_what_to_do() {
    let said = Stack::new().circuit_breaker(breaker()).retry(retry()).timeout(timeout(1)).check();
    let said: Vec<_> = said.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "circuit breaker `b` is around retry `r`: 3 attempts, within a budget: it sees one result of several attempts \
             and opens late; put it inside",
            "retry `r`: 3 attempts, within a budget has no timeout around it: a call takes as long as all attempts and the \
             waits between; add one outermost",
        ]
    );
}

#[test]
fn a_stack_is_drawn_outermost_first() {
    assert_eq!(
        Stack::standard("inventory").set_rate_limit(waiting()).describe().to_string(),
        "rate limit `l`: 10 in 1s, 10 at once, waits up to 1s\n  \
           timeout `inventory`: 10s\n    \
             retry `inventory`: 3 attempts, within a budget\n      \
               circuit breaker `inventory`\n        \
                 bulkhead `inventory`: 100 in flight, 100 waiting\n          \
                   timeout `inventory.attempt`: 3s\n            \
                     the call"
    );
    assert_eq!(format!("{:?}", Stack::new().retry(retry())), r#"["retry `r`: 3 attempts, within a budget"]"#);
}

#[tokio::test(start_paused = true)]
async fn who_comes_to_an_open_circuit_of_the_standard_stack_is_told_so_at_once() {
    let breaker = CircuitBreaker::builder("s").open_for(s(5)).trip(Trip::consecutive(1)).build();
    let permit = breaker.try_acquire().unwrap();
    permit.failure();
    let stack = Stack::standard("s").set_circuit_breaker(breaker);
    let (began, mut calls) = (tokio::time::Instant::now(), 0);
    let refused = stack.execute(|| {
        calls += 1;
        async { Ok::<_, io::Error>(()) }
    });
    assert!(matches!(refused.await, Err(Error::Rejected(_))));
    assert_eq!((calls, began.elapsed()), (0, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn the_standard_stack_has_no_rate_limit_unless_one_is_given() {
    let admitted = async |admits: &dyn Fn() -> bool| {
        let mut admitted = 0;
        for _ in 0..12 {
            admitted += (0..750).filter(|_| admits()).count();
            tokio::time::sleep(s(1) / 4).await;
        }
        admitted
    };
    let passes = || async { Ok::<_, io::Error>(()) };
    let stack = Stack::standard("s");
    assert_eq!(admitted(&|| stack.execute(passes).now_or_never().is_some_and(|reply| reply.is_ok())).await, 9_000);
    let stack = stack.set_rate_limit(RateLimiter::new("s", Quota::per_second(1_000).burst(1_000)));
    assert_eq!(admitted(&|| stack.execute(passes).now_or_never().is_some_and(|reply| reply.is_ok())).await, 3_750);
}

#[tokio::test(start_paused = true)]
async fn the_two_timeouts_of_the_standard_stack_have_two_names() {
    let hangs = || std::future::pending::<io::Result<()>>();
    let said = async |stack: &Stack<stack::Standard>| stack.execute(hangs).await.unwrap_err().to_string();
    let retries_never = || Retry::builder("s").max_attempts(1).build();
    let stack = Stack::standard("s").set_retry(retries_never());
    assert_eq!(said(&stack).await, "timeout `s.attempt`: not done in 3s");
    let stack = stack.set_attempt_timeout(timeout(60));
    assert_eq!(said(&stack).await, "timeout `s`: not done in 10s");
}

#[tokio::test(start_paused = true)]
async fn each_policy_of_the_standard_stack_can_be_changed() {
    let stack = Stack::standard("s")
        .set_rate_limit(RateLimiter::new("s", Quota::per_minute(3)))
        .set_timeout(timeout(7))
        .set_retry(
            Retry::builder("s").max_attempts(2).retry_if(|_, result: &Result<(), io::Error>| result.is_err()).build(),
        )
        .set_circuit_breaker(
            CircuitBreaker::builder("s").classify(|_: &Result<(), io::Error>| Outcome::Ignored).build(),
        )
        .set_bulkhead(Bulkhead::new("s", 1))
        .set_attempt_timeout(timeout(2));
    let drawn = stack.describe().to_string();
    let numbers = ["3 in 60s", ": 7s", "2 attempts", "1 in flight", ": 2s"];
    assert!(numbers.iter().all(|number| drawn.contains(number)), "{drawn}");

    let mut calls = 0;
    let failed = stack.execute(|| {
        calls += 1;
        async { Err::<(), _>(io::Error::other("down")) }
    });
    assert!(matches!(failed.await, Err(Error::Inner(_))));
    assert_eq!(calls, 2);
}

#[tokio::test(start_paused = true)]
async fn one_observer_hears_of_every_policy_of_a_stack() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = told.clone();
    let stack = Stack::new()
        .retry(Retry::builder("r").max_attempts(2).build())
        .circuit_breaker(CircuitBreaker::builder("b").trip(Trip::consecutive(1)).build())
        .timeout(Timeout::builder("t", s(1)).build())
        .observed(move |event| log.lock().unwrap().push(event.to_string()));
    let hangs = stack.execute(std::future::pending::<Result<(), io::Error>>).await;
    assert!(matches!(hangs, Err(Error::Rejected(_))));
    let told = told.lock().unwrap();
    let begins =
        ["timeout `t`: not done in 1s", "circuit breaker `b`: closed -> open", "retry `r`: attempt 1: it failed"];
    assert!(told.iter().zip(begins).all(|(told, begin)| told.starts_with(begin)) && told.len() > 3, "{told:#?}");
}
