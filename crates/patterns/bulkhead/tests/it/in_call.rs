//! The contract of a tower service that waits in the call: `poll_ready` reserves nothing of the bulkhead, and a call that waits
//! holds nothing of the inner service.

use crate::support::{Manual, SECOND, TICK, assert_idle, plain, queued, reason};
use futures::FutureExt;
use seawall_bulkhead::{Bulkhead, BulkheadService, Reason};
use seawall_core::{Rejection, time::ManualClock};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{BoxError, Layer, Service, ServiceExt, limit::ConcurrencyLimitLayer, service_fn};
use tower_test::mock::{self, Handle};

type Spawned = mock::Spawn<BulkheadService<mock::Mock<u32, u32>, ManualClock>>;

/// The mock, which takes `ready` requests, guarded by `bulkhead`.
fn guarded(bulkhead: &Manual, ready: u64) -> (Spawned, Handle<u32, u32>) {
    let (service, mut handle) = mock::spawn_layer(bulkhead.layer());
    handle.allow(ready);
    (service, handle)
}

fn refused(error: BoxError) -> Reason {
    reason(&error.downcast::<Rejection>().expect("the bulkhead refused the call"))
}

#[test]
fn a_full_bulkhead_with_a_queue_is_ready_and_the_call_waits_without_asking_the_inner_service() {
    let bulkhead = queued(1).build();
    let (mut service, mut handle) = guarded(&bulkhead, 0);
    let taken = bulkhead.try_acquire().unwrap();
    // Each of them would be told by the mock if it were polled.
    handle.send_error("the inner service was polled");
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(7));
    assert_pending!(call.poll());
    assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (1, 1));
    drop(taken);
    assert!(call.is_woken());
    assert_eq!(assert_ready_err!(call.poll()).to_string(), "the inner service was polled", "and only now");
    assert_idle(&bulkhead);
}

#[test]
fn a_call_that_waited_is_sent_by_a_clone_that_is_made_ready_after_it_was_let_in() {
    let bulkhead = queued(1).build();
    let (mut service, mut handle) = guarded(&bulkhead, 0);
    let taken = bulkhead.try_acquire().unwrap();
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(7));
    assert_pending!(call.poll());
    drop(taken);
    assert_pending!(call.poll());
    assert_eq!(bulkhead.in_flight(), 1, "to become ready is part of the call");
    assert_pending!(handle.poll_request());
    handle.allow(1);
    assert!(call.is_woken());
    assert_pending!(call.poll());
    let (request, answer) = assert_ready!(handle.poll_request()).unwrap();
    answer.send_response(request + 1);
    assert_eq!(assert_ready_ok!(call.poll()), 8);
    assert_idle(&bulkhead);
}

#[test]
fn a_call_that_waits_takes_no_capacity_of_the_inner_service() {
    let bulkhead = queued(1).build();
    let inner = service_fn(|n: u32| std::future::ready(Ok::<_, Rejection>(n)));
    let limited = ConcurrencyLimitLayer::new(1).layer(inner);
    let service = bulkhead.layer().layer(limited.clone());
    let taken = bulkhead.try_acquire().unwrap();
    let mut waits = task::spawn(service.oneshot(1));
    assert_pending!(waits.poll());
    let mut beside = task::spawn(limited.oneshot(2));
    assert_eq!(assert_ready_ok!(beside.poll()), 2, "the only place of the inner service is free");
    drop(taken);
    assert_eq!(assert_ready_ok!(waits.poll()), 1);
    assert_idle(&bulkhead);
}

#[test]
fn a_call_that_waits_leaves_what_was_polled_ready_to_the_next_call() {
    let bulkhead = queued(1).build();
    let (mut service, mut handle) = guarded(&bulkhead, 1);
    assert_ready_ok!(service.poll_ready());
    let taken = bulkhead.try_acquire().unwrap();
    handle.allow(0);
    let mut waits = task::spawn(service.call(1));
    assert_pending!(waits.poll());
    drop(taken);
    assert_pending!(waits.poll(), "its clone is not ready");
    assert_pending!(handle.poll_request());
    drop(waits);
    assert_idle(&bulkhead);
    // A mock counts calls, not which clone is ready.
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let next = task::spawn(service.call(2));
    assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, 2);
    drop(next);
    assert_idle(&bulkhead);
}

#[test]
fn a_call_made_ready_by_a_full_bulkhead_goes_by_a_clone_if_there_is_room_since() {
    for bulkhead in [plain(1).build(), queued(1).build()] {
        let (mut service, mut handle) = guarded(&bulkhead, 0);
        let taken = bulkhead.try_acquire().unwrap();
        assert_ready_ok!(service.poll_ready());
        drop(taken);
        let mut call = task::spawn(service.call(3));
        assert_eq!(bulkhead.in_flight(), 1);
        // To call the mock, which was not made ready, would panic.
        assert_pending!(call.poll());
        handle.allow(1);
        assert!(call.is_woken());
        assert_pending!(call.poll());
        assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, 3);
        drop(call);
        assert_idle(&bulkhead);
    }
}

#[test]
fn an_error_of_the_clone_is_the_calls_result_and_gives_the_slot_to_the_next() {
    let bulkhead = queued(1).build();
    let (mut service, mut handle) = guarded(&bulkhead, 0);
    let taken = bulkhead.try_acquire().unwrap();
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(1));
    assert_pending!(call.poll());
    let mut next = task::spawn(bulkhead.acquire());
    assert_pending!(next.poll());
    drop(taken);
    assert_pending!(call.poll());
    handle.send_error("broken");
    assert_eq!(assert_ready_err!(call.poll()).to_string(), "broken");
    assert!(next.is_woken(), "though the future lives on");
    drop(next);
    assert_idle(&bulkhead);
}

#[test]
fn a_call_that_is_dropped_while_it_waits_or_becomes_ready_gives_its_place_back() {
    for admitted in [false, true] {
        let bulkhead = queued(1).build();
        let (mut service, mut handle) = guarded(&bulkhead, 0);
        let taken = bulkhead.try_acquire().unwrap();
        assert_ready_ok!(service.poll_ready());
        let mut call = task::spawn(service.call(1));
        assert_pending!(call.poll());
        let mut taken = Some(taken);
        if admitted {
            taken = None;
            assert_pending!(call.poll());
            assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (1, 0));
        }
        drop(call);
        assert_eq!(bulkhead.queued(), 0);
        drop(taken);
        assert_idle(&bulkhead);
        assert_pending!(handle.poll_request());
    }
}

#[test]
fn a_wait_is_refused_at_its_longest_and_by_a_full_queue_and_by_closing() {
    let clock = ManualClock::new();
    let bulkhead = queued(1).max_queued(1).max_wait(SECOND).clock(clock.clone()).build();
    let (mut service, mut handle) = guarded(&bulkhead, 0);
    let _taken = bulkhead.try_acquire().unwrap();
    let mut call = |number| {
        assert_ready_ok!(service.poll_ready());
        task::spawn(service.call(number))
    };
    let mut waits = call(1);
    assert_pending!(waits.poll());
    assert_eq!(refused(assert_ready_err!(call(2).poll())), Reason::QueueFull);
    clock.advance(SECOND - TICK);
    assert_pending!(waits.poll());
    clock.advance(TICK);
    assert!(waits.is_woken());
    assert_eq!(refused(assert_ready_err!(waits.poll())), Reason::TooLong);
    let mut waits = call(3);
    assert_pending!(waits.poll());
    bulkhead.close();
    assert!(waits.is_woken());
    assert_eq!(refused(assert_ready_err!(waits.poll())), Reason::Closed);
    assert_eq!(refused(assert_ready_err!(call(4).poll())), Reason::Closed);
    assert_eq!(bulkhead.snapshot().rejected(), 4);
    assert_pending!(handle.poll_request(), "no request was sent");
}

#[test]
fn a_service_without_a_clone_is_guarded_by_the_modes_that_need_none() {
    struct Unique;
    impl Service<u32> for Unique {
        type Response = u32;
        type Error = Rejection;
        type Future = std::future::Ready<Result<u32, Rejection>>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Rejection>> {
            std::task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: u32) -> Self::Future {
            std::future::ready(Ok(request))
        }
    }
    let layer = queued(1).build().layer();
    for layer in [layer.clone().at_once(), layer.clone().waits_in_ready(), layer.backpressure()] {
        let mut service = mock::Spawn::new(layer.layer(Unique));
        assert_ready_ok!(service.poll_ready());
        assert_eq!(assert_ready_ok!(task::spawn(service.call(5)).poll()), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn the_service_is_ready_at_once_so_a_limit_on_the_call_bounds_the_wait() {
    let bulkhead = Bulkhead::builder("t", 1).max_queued(9).build();
    let _taken = bulkhead.try_acquire().unwrap();
    let mut service = bulkhead.layer().layer(service_fn(|n: u32| std::future::ready(Ok::<_, Rejection>(n))));
    let call = service.ready().now_or_never().expect("it is ready at once").unwrap().call(1);
    assert!(tokio::time::timeout(SECOND, call).await.is_err());
    assert_eq!(bulkhead.queued(), 0);
}
