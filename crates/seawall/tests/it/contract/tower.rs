//! The contract of a tower service: what `poll_ready` reserves, what `call` uses, and which calls use a clone.

use std::{io, task::Poll, time::Duration};

use seawall::{
    Bulkhead, CircuitBreaker, ErrIsFailure, Error, ManualClock, Quota, RateLimiter, Retry, Stack, StackService,
    Timeout, Trip,
    retry::{CloneAll, Plan},
};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::BoxError;
use tower_test::mock::{self, Handle, Mock, Spawn};

use super::support::SECOND;
use seawall_testkit::time::exactly;

type Manual = ManualClock;
type Attempted = (Retry<Plan, Manual>, (CircuitBreaker<ErrIsFailure, Manual>, (Bulkhead<Manual>, ())));
type Policies = (RateLimiter<Manual>, (Timeout<Duration, Manual>, Attempted));
type Inner = Mock<&'static str, u32>;
type Guarded = StackService<Inner, Policies, CloneAll>;

/// Five policies. Only the retry waits.
struct World {
    clock: Manual,
    limiter: RateLimiter<Manual>,
    breaker: CircuitBreaker<ErrIsFailure, Manual>,
    bulkhead: Bulkhead<Manual>,
    stack: Stack<Policies>,
}

const BURST: u32 = 10;

impl World {
    /// With a queue of that length before its single slot.
    fn new(max_queued: usize) -> Self {
        let clock = Manual::new();
        let limiter = RateLimiter::builder("rate", Quota::per_hour(1).burst(BURST)).clock(clock.clone()).build();
        let breaker = CircuitBreaker::builder("circuit").clock(clock.clone()).build();
        let bulkhead = Bulkhead::builder("slots", 1).max_queued(max_queued).clock(clock.clone()).build();
        let stack = Stack::new()
            .rate_limit(limiter.clone())
            .timeout(Timeout::builder("total", 60 * SECOND).clock(clock.clone()).build())
            .retry(Retry::builder("again").backoff(Duration::ZERO).clock(clock.clone()).build())
            .circuit_breaker(breaker.clone())
            .bulkhead(bulkhead.clone());
        Self { clock, limiter, breaker, bulkhead, stack }
    }

    /// Returns a mock inside the stack that is ready `ready` times.
    fn mock(&self, ready: u64) -> (Spawn<Guarded>, Handle<&'static str, u32>) {
        let (service, mut handle) = mock::spawn_layer(self.stack.layer().clone_all());
        handle.allow(ready);
        (service, handle)
    }

    /// Asserts that every pass is back, and that `passed` calls have passed the limiter.
    #[track_caller]
    fn assert_idle(&self, passed: u32) {
        let held = (self.bulkhead.in_flight(), self.bulkhead.queued(), self.limiter.available());
        assert_eq!(held, (0, 0, BURST - passed));
        assert_eq!(self.breaker.snapshot().undecided_probes(), 0);
    }
}

#[track_caller]
fn assert_refused(reply: Poll<Result<u32, Error<BoxError>>>) {
    assert!(matches!(assert_ready_err!(reply), Error::Rejected(_)));
}

#[test]
fn it_is_as_ready_as_the_inner_service_and_holds_nothing_of_the_policies() {
    let world = World::new(0);
    let (mut service, mut handle) = world.mock(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert!(service.is_woken());
    (0..3).for_each(|_| assert_ready_ok!(service.poll_ready()));
    world.assert_idle(0);
    let mut call = task::spawn(service.call("one"));
    let (request, answer) = assert_ready!(handle.poll_request()).expect("it was sent by what was ready");
    assert_eq!((request, world.bulkhead.in_flight()), ("one", 1));
    assert_pending!(call.poll());
    answer.send_response(1);
    assert!(call.is_woken());
    assert_eq!(assert_ready_ok!(call.poll()), 1);
    world.assert_idle(1);
}

#[test]
fn a_service_that_is_ready_and_dropped_loses_nothing() {
    let world = World::new(0);
    let (mut service, mut handle) = world.mock(2);
    let mut other = service.clone();
    assert_ready_ok!(service.poll_ready());
    drop(service);
    world.assert_idle(0);
    assert_ready_ok!(other.poll_ready());
    drop(task::spawn(other.call("yes")));
    assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, "yes");
    world.assert_idle(1);
}

#[test]
fn an_error_of_poll_ready_is_passed_on_and_nothing_is_taken_or_counted() {
    let world = World::new(0);
    let (mut service, mut handle) = world.mock(0);
    handle.send_error("broken");
    let Error::Inner(error) = assert_ready_err!(service.poll_ready()) else { panic!("it was no rejection") };
    assert_eq!(error.to_string(), "broken");
    world.assert_idle(0);
    assert_eq!(world.breaker.snapshot().rules()[0].counts.calls, 0);
}

/// How a policy gets to reject calls.
type Refusal = (&'static str, fn(&World));

const REFUSALS: [Refusal; 3] = [
    ("the limiter", |world| world.limiter.try_acquire_n(BURST).unwrap()),
    ("the circuit", |world| world.breaker.force_open()),
    ("the bulkhead", |world| world.bulkhead.close()),
];

#[test]
fn a_call_that_would_be_refused_is_ready_for_that_and_never_touches_the_inner_service() {
    for (what, refuse) in REFUSALS {
        for ready in [0, 1] {
            let world = World::new(0);
            let (mut service, mut handle) = world.mock(ready);
            refuse(&world);
            for _ in 0..3 {
                assert_ready_ok!(service.poll_ready(), "{what}");
                assert_refused(task::spawn(service.call("no")).poll());
            }
            assert_pending!(handle.poll_request(), "{what}");
            assert_eq!((world.bulkhead.in_flight(), world.bulkhead.queued()), (0, 0), "{what}");
        }
    }
}

#[test]
fn a_call_that_is_refused_by_a_policy_that_could_not_know_leaves_what_was_ready_for_the_next_one() {
    for (what, refuse) in REFUSALS {
        let world = World::new(0);
        let (mut service, mut handle) = world.mock(1);
        assert_ready_ok!(service.poll_ready());
        refuse(&world);
        assert_refused(task::spawn(service.call("no")).poll());
        assert_pending!(handle.poll_request(), "{what}");
        if what == "the circuit" {
            world.breaker.reset();
            assert_ready_ok!(service.poll_ready(), "it is ready still");
            drop(task::spawn(service.call("yes")));
            assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, "yes");
        }
    }
}

#[test]
fn a_call_made_ready_to_be_refused_makes_a_clone_ready_if_it_is_let_in_after_all() {
    let world = World::new(0);
    let (mut service, mut handle) = world.mock(0);
    world.breaker.force_open();
    assert_ready_ok!(service.poll_ready());
    world.breaker.reset();
    let mut call = task::spawn(service.call("late"));
    assert_pending!(call.poll());
    assert_pending!(handle.poll_request());
    assert_eq!(world.bulkhead.in_flight(), 1, "to become ready is part of the attempt");
    handle.allow(1);
    assert!(call.is_woken());
    assert_pending!(call.poll());
    let (request, answer) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(request, "late");
    answer.send_response(7);
    assert_eq!(assert_ready_ok!(call.poll()), 7);
    world.assert_idle(1);
}

#[test]
fn what_was_found_is_forgotten_by_the_next_poll_ready_by_a_call_and_by_a_clone() {
    let world = World::new(0);
    let (mut service, mut handle) = world.mock(1);
    world.breaker.force_open();
    assert_ready_ok!(service.poll_ready());
    world.breaker.reset();
    assert_ready_ok!(service.poll_ready());
    let mut clone = service.clone();
    // The call uses the service that was polled ready; no clone must become ready.
    let mut first = task::spawn(service.call("first"));
    let (request, answer) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(request, "first");
    answer.send_response(1);
    assert_ready_ok!(first.poll());
    // Neither service is ready. Each sends by a clone that waits until it is ready.
    for service in [&mut service, &mut clone] {
        let mut call = task::spawn(service.call("second"));
        assert_pending!(call.poll());
        assert_pending!(handle.poll_request());
        handle.allow(1);
        assert_pending!(call.poll());
        assert_ready!(handle.poll_request()).unwrap().1.send_response(2);
        assert_eq!(assert_ready_ok!(call.poll()), 2);
    }
    world.assert_idle(3);
}

#[test]
fn a_further_attempt_makes_a_clone_ready_first_and_an_error_of_that_is_its_result() {
    let world = World::new(0);
    let (mut service, mut handle) = world.mock(1);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call("again"));
    assert_ready!(handle.poll_request()).unwrap().1.send_error(io::Error::other("down"));
    assert_pending!(call.poll());
    assert_pending!(handle.poll_request());
    assert_eq!(world.bulkhead.in_flight(), 1, "to become ready is part of the attempt");
    handle.allow(1);
    assert!(call.is_woken());
    assert_pending!(call.poll());
    let (request, answer) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(request, "again");
    answer.send_error(io::Error::other("down"));
    handle.send_error("broken");
    let Error::Inner(error) = assert_ready_err!(call.poll()) else { panic!("it was no rejection") };
    assert_eq!(error.to_string(), "broken");
    let counts = world.breaker.snapshot().rules()[0].counts;
    assert_eq!((counts.calls, counts.failures), (3, 3));
    world.assert_idle(1);
}

#[test]
fn a_call_that_waits_for_a_slot_leaves_what_was_ready_and_makes_a_clone_ready_when_its_turn_has_come() {
    let world = World::new(1);
    let (mut service, mut handle) = world.mock(1);
    let taken = world.bulkhead.try_acquire().unwrap();
    assert_ready_ok!(service.poll_ready());
    handle.allow(0);
    let mut waits = task::spawn(service.call("waits"));
    assert_pending!(waits.poll());
    drop(taken);
    assert!(waits.is_woken());
    assert_pending!(waits.poll(), "its clone is not ready");
    assert_pending!(handle.poll_request());
    drop(waits);
    world.assert_idle(1);
    assert_ready_ok!(service.poll_ready(), "what was made ready is so still");
    // A mock counts calls, not readiness.
    handle.allow(1);
    drop(task::spawn(service.call("next")));
    assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, "next");
    world.clock.advance(SECOND);
    world.assert_idle(2);
}

#[test]
fn a_call_that_is_refused_at_once_and_again_let_in_later_is_sent_by_a_clone() {
    let clock = Manual::new();
    let breaker = CircuitBreaker::builder("circuit")
        .trip(Trip::consecutive(1))
        .open_for(exactly(SECOND))
        .clock(clock.clone())
        .build();
    let stack =
        Stack::new().retry(Retry::builder("again").clock(clock.clone()).build()).circuit_breaker(breaker.clone());
    let (mut service, mut handle) = mock::spawn_layer(stack.layer().clone_all());
    for was_ready in [false, true] {
        handle.allow(was_ready.into());
        breaker.try_acquire().unwrap().failure();
        assert_ready_ok!(service.poll_ready());
        let mut call = task::spawn(service.call("later"));
        assert_pending!(call.poll());
        handle.allow(0);
        clock.advance(60 * SECOND);
        assert!(call.is_woken());
        assert_pending!(call.poll(), "its clone is not ready");
        assert_pending!(handle.poll_request());
        handle.allow(1);
        assert!(call.is_woken());
        assert_pending!(call.poll());
        let (request, answer) = assert_ready!(handle.poll_request()).unwrap();
        assert_eq!(request, "later");
        answer.send_response(1);
        assert_eq!(assert_ready_ok!(call.poll()), 1);
    }
}
