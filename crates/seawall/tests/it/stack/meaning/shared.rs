//! A policy has one state, in every stack that has the policy.

use seawall::{Bulkhead, Error, Quota, RateLimiter, Stack, State, Timeout};
use tower::{Layer, ServiceBuilder, ServiceExt};

use crate::stack::support::{Callee, Does, Failed, Reply, SECOND, Way, send, trips_at, words};

#[tokio::test(start_paused = true)]
async fn a_breaker_counts_what_comes_through_stacks_plain_calls_and_other_layers() {
    let (breaker, callee) = (trips_at(6), Callee::new([Does::Fails(0)]));
    let one = Stack::new().timeout(Timeout::new("timeout", SECOND)).circuit_breaker(breaker.clone());
    let other = Stack::new().circuit_breaker(breaker.clone()).bulkhead(Bulkhead::new("b", 1));
    let layer = ServiceBuilder::new().layer(breaker.layer()).map_err(Error::Inner).service(callee.clone());
    let failed: Reply = Err(Error::Inner(Failed));
    for way in Way::BOTH {
        assert_eq!(send!(way, one, callee).await, failed);
        assert_eq!(send!(way, other, callee).await, failed);
    }
    assert_eq!(breaker.execute(|| callee.send()).await, failed);
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(layer.clone().oneshot(()).await, failed);
    assert_eq!(breaker.state(), State::Open);
    for way in Way::BOTH {
        assert_eq!(words(&send!(way, one, callee).await), "circuit open");
        assert_eq!(words(&send!(way, other, callee).await), "circuit open");
    }
    assert_eq!(words(&layer.oneshot(()).await), "circuit open");
    assert_eq!((callee.calls(), breaker.snapshot().rejected()), (6, 5));
}

#[tokio::test(start_paused = true)]
async fn limits_are_shared_by_clones_of_a_stack_and_by_all_layers_made_from_it() {
    let (limiter, bulkhead) = (RateLimiter::new("l", Quota::per_hour(6)), Bulkhead::new("b", 4));
    let stack = Stack::new().rate_limit(limiter.clone()).bulkhead(bulkhead.clone());
    let callee = Callee::new([Does::Hangs]);
    let (layer, other) = (stack.layer().clone_all(), stack.clone());
    let service = layer.layer(callee.clone());
    let mut calls = vec![
        tokio_test::task::spawn(service.clone().oneshot(())),
        tokio_test::task::spawn(layer.clone().layer(callee.clone()).oneshot(())),
        tokio_test::task::spawn(other.layer().clone_all().layer(callee.clone()).oneshot(())),
    ];
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    let mut plain = tokio_test::task::spawn(stack.execute(|| callee.send()));
    assert!(plain.poll().is_pending());
    assert_eq!((limiter.available(), bulkhead.in_flight(), callee.in_flight()), (2, 4, 4));
    assert_eq!(words(&service.clone().oneshot(()).await), "bulkhead full");
    assert_eq!(words(&other.execute(|| callee.send()).await), "bulkhead full");
    assert_eq!(words(&service.oneshot(()).await), "rate limited");
    drop((calls, plain));
    assert_eq!((limiter.available(), bulkhead.in_flight(), callee.in_flight()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_policy_may_stand_twice_in_a_stack() {
    for way in Way::BOTH {
        let (breaker, bulkhead) = (trips_at(9), Bulkhead::new("b", 1));
        let stack = Stack::new().circuit_breaker(breaker.clone()).circuit_breaker(breaker.clone());
        assert_eq!(words(&send!(way, stack, Callee::new([Does::Fails(0)])).await), "failed");
        assert_eq!(breaker.snapshot().consecutive_failures(), 2, "{way:?}");
        // In its own way; but it gives the first slot back.
        let stack = Stack::new().bulkhead(bulkhead.clone()).bulkhead(bulkhead.clone());
        assert_eq!(words(&send!(way, stack, Callee::new([Does::Answers(0)])).await), "bulkhead full");
        assert_eq!(bulkhead.in_flight(), 0, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_refused_by_a_limit_inside_is_not_the_breakers_last() {
    let (breaker, limiter) = (trips_at(1), RateLimiter::new("l", Quota::every(4 * SECOND)));
    let stack = Stack::new().circuit_breaker(breaker.clone()).rate_limit(limiter.clone());
    let callee = Callee::new([Does::Fails(0), Does::Answers(0)]);
    assert_eq!(words(&send!(Way::Plain, stack, callee).await), "failed");
    tokio::time::sleep(5 * SECOND).await;
    limiter.try_acquire().unwrap();
    assert_eq!(words(&send!(Way::Plain, stack, callee).await), "rate limited");
    assert_eq!(breaker.state(), State::HalfOpen);
    tokio::time::sleep(4 * SECOND).await;
    let service = stack.layer().clone_all().layer(callee.clone());
    assert_eq!(service.oneshot(()).await, Ok(2));
    assert_eq!(breaker.state(), State::Closed);
}
