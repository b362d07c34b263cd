//! A stack that makes its call once, without a retry to keep the request and without a limit of its own for an attempt.

use std::{
    cell::Cell,
    future::{self, Future},
    io,
    pin::Pin,
    time::Duration,
};

use seawall::{Bulkhead, CircuitBreaker, ErrIsFailure, Error, ManualClock, Stack, Timeout};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{Layer, Service, service_fn};
use tower_test::mock;

use super::support::SECOND;

type Manual = ManualClock;
type Policies = (Timeout<Duration, Manual>, (CircuitBreaker<ErrIsFailure, Manual>, (Bulkhead<Manual>, ())));

struct World {
    clock: Manual,
    breaker: CircuitBreaker<ErrIsFailure, Manual>,
    bulkhead: Bulkhead<Manual>,
    stack: Stack<Policies>,
}

impl World {
    fn new() -> Self {
        let clock = Manual::new();
        let breaker = CircuitBreaker::builder("circuit").clock(clock.clone()).build();
        let bulkhead = Bulkhead::builder("slots", 1).max_queued(1).clock(clock.clone()).build();
        let stack = Stack::new()
            .timeout(Timeout::builder("total", 10 * SECOND).clock(clock.clone()).build())
            .circuit_breaker(breaker.clone())
            .bulkhead(bulkhead.clone());
        Self { clock, breaker, bulkhead, stack }
    }
}

/// Asks what is in flight when it is dropped.
struct Asks<'a>(&'a Bulkhead<Manual>, &'a Cell<Option<usize>>);

impl Drop for Asks<'_> {
    fn drop(&mut self) {
        self.1.set(Some(self.0.in_flight()));
    }
}

async fn hangs(_asks: Asks<'_>) -> io::Result<u32> {
    future::pending().await
}

#[test]
fn a_call_that_is_cut_off_from_outside_gives_all_back_after_it_is_gone_and_counts_for_nothing() {
    for is_service in [false, true] {
        let (world, seen) = (World::new(), Cell::new(None));
        let make = || hangs(Asks(&world.bulkhead, &seen));
        let call: Pin<Box<dyn Future<Output = Result<u32, Error<io::Error>>>>> = if is_service {
            let mut service = world.stack.layer().clone_all().layer(service_fn(|()| make()));
            assert_ready_ok!(task::spawn(()).enter(|cx, _| service.poll_ready(cx)));
            Box::pin(service.call(()))
        } else {
            Box::pin(world.stack.execute(make))
        };
        let mut call = task::spawn(call);
        assert_pending!(call.poll());
        assert_eq!((world.bulkhead.in_flight(), seen.get()), (1, None));
        world.clock.advance(10 * SECOND);
        assert!(call.is_woken());
        let Error::Rejected(rejection) = assert_ready_err!(call.poll()) else { panic!("it was cut off") };
        assert_eq!(rejection.to_string(), "timeout `total`: not done in 10s");
        assert_eq!((world.bulkhead.in_flight(), seen.get()), (0, Some(1)), "as a service: {is_service}");
        drop(call);
        assert_eq!(world.bulkhead.in_flight(), 0);
        assert_eq!(world.breaker.snapshot().rules()[0].counts.calls, 0, "nobody knows how it would have ended");
    }
}

#[test]
fn a_request_that_waits_for_a_slot_is_kept_until_its_turn_and_sent_by_a_clone() {
    let world = World::new();
    let (mut service, mut handle) = mock::spawn_layer::<&str, u32, _>(world.stack.layer().clone_all());
    handle.allow(1);
    let taken = world.bulkhead.try_acquire().unwrap();
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call("waits"));
    assert_pending!(call.poll());
    assert_pending!(handle.poll_request());
    drop(taken);
    assert!(call.is_woken());
    assert_pending!(call.poll());
    let (request, answer) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(request, "waits");
    answer.send_response(7);
    assert_eq!(assert_ready_ok!(call.poll()), 7);
    assert_eq!((world.bulkhead.in_flight(), world.bulkhead.queued()), (0, 0));
}
