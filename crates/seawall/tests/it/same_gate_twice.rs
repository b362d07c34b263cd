//! A gate that is in a stack twice: a call needs two of its permits. `check` says so.

use std::{io, time::Duration};

use futures::FutureExt;
use seawall::{
    Bulkhead, CircuitBreaker, Error, ManualClock, Quota, RateLimiter, Stack, State, Trip,
    stack::ConcernKind::SameGateTwice,
};
use seawall_testkit::time::exactly;

const SECOND: Duration = Duration::from_secs(1);

macro_rules! is_named {
    ($stack:expr) => {
        $stack.check().iter().filter(|concern| concern.kind() == SameGateTwice).count()
    };
}

#[test]
fn each_gate_that_is_there_twice_is_named_and_a_gate_of_the_same_name_is_not() {
    let (bulkhead, breaker) = (Bulkhead::new("h", 4), CircuitBreaker::new("b"));
    let limiter = RateLimiter::new("l", Quota::per_second(9));
    let new = Stack::new;
    assert_eq!(
        is_named!(new().bulkhead(bulkhead.clone()).circuit_breaker(breaker.clone()).bulkhead(bulkhead.clone())),
        1
    );
    assert_eq!(is_named!(new().circuit_breaker(breaker.clone()).circuit_breaker(breaker.clone())), 1);
    assert_eq!(is_named!(new().rate_limit(limiter.clone()).bulkhead(bulkhead.clone()).rate_limit(limiter.clone())), 1);
    assert_eq!(is_named!(new().bulkhead(bulkhead.clone()).bulkhead(bulkhead.clone()).bulkhead(bulkhead.clone())), 3);
    assert_eq!(is_named!(new().bulkhead(bulkhead.clone()).bulkhead(Bulkhead::new("h", 4))), 0);
    assert_eq!(is_named!(new().circuit_breaker(breaker).circuit_breaker(CircuitBreaker::new("b"))), 0);
    let stack = new().bulkhead(bulkhead.clone()).bulkhead(bulkhead);
    let concern = stack.check().into_iter().find(|concern| concern.kind() == SameGateTwice).unwrap();
    assert_eq!(
        concern.to_string(),
        "bulkhead `h`: 4 in flight is in the stack twice: a call needs two permits of it, and can wait for its own or be \
         rejected by it; keep one"
    );
}

#[test]
fn what_is_named_is_so_a_bulkhead_waits_for_itself() {
    let bulkhead = Bulkhead::builder("h", 1).max_queued(1).build();
    let stack = Stack::new().bulkhead(bulkhead.clone()).bulkhead(bulkhead.clone());
    assert!(stack.execute(|| async { Ok::<_, io::Error>(()) }).now_or_never().is_none());
}

#[test]
fn what_is_named_is_so_a_half_open_circuit_cannot_close() {
    let clock = ManualClock::new();
    let breaker =
        CircuitBreaker::builder("b").trip(Trip::consecutive(1)).open_for(exactly(SECOND)).clock(clock.clone()).build();
    let stack = Stack::new().circuit_breaker(breaker.clone()).circuit_breaker(breaker.clone());
    breaker.try_acquire().unwrap().failure();
    clock.advance(SECOND);
    let reply = stack.execute(|| async { Ok::<_, io::Error>(()) }).now_or_never().unwrap();
    assert!(matches!(reply, Err(Error::Rejected(_))));
    assert_eq!(breaker.state(), State::HalfOpen);
}
