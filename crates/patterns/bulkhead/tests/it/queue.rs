//! The contract of a tower service that waits in `poll_ready`: `poll_ready` waits and reserves, `call` spends.

use crate::support::{Manual, SECOND, TICK, assert_idle, plain, queued, reason};
use seawall_bulkhead::{Bulkhead, Reason};
use seawall_core::{Rejection, time::ManualClock};
use seawall_policy::GateService;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::BoxError;
use tower_test::mock::{self, Handle};

type Spawned = mock::Spawn<GateService<mock::Mock<u32, u32>, Bulkhead<ManualClock>>>;

/// The mock, which takes any number of requests, guarded by `bulkhead`.
fn guarded(bulkhead: &Manual) -> (Spawned, Handle<u32, u32>) {
    let (service, mut handle) = mock::spawn_layer(bulkhead.layer().waits_in_ready());
    handle.allow(1_000);
    (service, handle)
}

/// The mock under all that waits: a queue, a queue with backpressure, and backpressure alone.
fn each_guarded() -> [(Manual, Spawned, Handle<u32, u32>); 3] {
    [(queued(1).build(), false), (queued(1).build(), true), (plain(1).build(), true)].map(|(bulkhead, backpressure)| {
        let layer = if backpressure { bulkhead.layer().backpressure() } else { bulkhead.layer().waits_in_ready() };
        let (service, handle) = mock::spawn_layer(layer);
        (bulkhead, service, handle)
    })
}

fn refused(service: &mut Spawned) -> Reason {
    let error: BoxError = assert_ready_err!(task::spawn(service.call(0)).poll());
    reason(&error.downcast::<Rejection>().expect("it is refused"))
}

#[test]
fn poll_ready_reserves_a_slot_and_call_spends_it() {
    for (bulkhead, mut service, mut handle) in each_guarded() {
        for _ in 0..3 {
            assert_ready_ok!(service.poll_ready());
            assert_eq!(bulkhead.in_flight(), 1, "however often it is polled");
        }
        assert!(bulkhead.try_acquire().is_err(), "it is its own");
        let mut call = task::spawn(service.call(7));
        assert_pending!(call.poll());
        assert_eq!(bulkhead.in_flight(), 1);
        let (request, answer) = assert_ready!(handle.poll_request()).unwrap();
        answer.send_response(request + 1);
        assert_eq!(assert_ready_ok!(call.poll()), 8);
        assert_idle(&bulkhead);
    }
}

#[test]
fn a_slot_is_free_in_the_very_poll_that_gives_the_answer_and_the_next_service_is_woken() {
    for (bulkhead, mut service, mut handle) in each_guarded() {
        let mut next = service.clone();
        assert_ready_ok!(service.poll_ready());
        assert_pending!(next.poll_ready());
        let mut call = task::spawn(service.call(1));
        assert_ready!(handle.poll_request()).unwrap().1.send_response(1);
        assert!(!next.is_woken());
        assert_ready_ok!(call.poll());
        assert!(next.is_woken(), "though the future lives on");
        assert_ready_ok!(next.poll_ready());
        drop(call);
        assert_eq!(bulkhead.in_flight(), 1);
    }
}

#[test]
fn a_clone_starts_without_a_slot_and_without_a_wait() {
    for (bulkhead, mut service, _handle) in each_guarded() {
        assert_ready_ok!(service.poll_ready());
        let mut clone = service.clone();
        bulkhead.resize(2);
        let idle = service.clone();
        assert_eq!(bulkhead.in_flight(), 1, "not even where there is room");
        bulkhead.resize(1);
        assert_pending!(clone.poll_ready());
        drop(idle);
        let second = clone.clone();
        assert_eq!((bulkhead.queued(), second.waker_ref_count()), (1, 1));
        drop((clone, second, service));
        assert_idle(&bulkhead);
    }
}

#[test]
fn it_waits_for_its_turn_first_and_asks_the_inner_service_only_then() {
    for (bulkhead, mut service, mut handle) in each_guarded() {
        let taken = bulkhead.try_acquire().unwrap();
        handle.send_error("asked");
        assert_pending!(service.poll_ready());
        assert_pending!(service.poll_ready());
        assert_eq!((bulkhead.queued(), service.is_woken()), (1, false));
        drop(taken);
        assert!(service.is_woken());
        assert_eq!(assert_ready_err!(service.poll_ready()).to_string(), "asked");
        assert_idle(&bulkhead);
    }
}

#[test]
fn while_the_inner_service_is_not_ready_the_slot_is_kept() {
    for (bulkhead, mut service, mut handle) in each_guarded() {
        handle.allow(0);
        for _ in 0..3 {
            assert_pending!(service.poll_ready());
            assert_eq!(bulkhead.in_flight(), 1);
        }
        handle.allow(1);
        assert!(service.is_woken());
        assert_ready_ok!(service.poll_ready());
        assert_pending!(task::spawn(service.call(1)).poll());
        assert_idle(&bulkhead);
        // Dropped while it is not ready, it is not kept.
        assert_pending!(service.poll_ready());
        drop(service);
        assert_idle(&bulkhead);
    }
}

#[test]
fn an_error_of_the_inner_poll_ready_gives_the_slot_to_the_next() {
    for (bulkhead, mut service, mut handle) in each_guarded() {
        handle.allow(0);
        assert_pending!(service.poll_ready());
        assert!(bulkhead.try_acquire().is_err());
        let mut waits = service.clone();
        assert_pending!(waits.poll_ready());
        handle.send_error("broken");
        assert_ready_err!(service.poll_ready());
        assert!(waits.is_woken());
        drop(waits);
        assert_idle(&bulkhead);
    }
}

#[test]
fn a_refusal_after_waiting_is_not_followed_by_a_second_wait() {
    let clock = ManualClock::new();
    let bulkhead = queued(1).max_wait(SECOND).clock(clock.clone()).build();
    let (mut service, mut handle) = guarded(&bulkhead);
    let taken = bulkhead.try_acquire().unwrap();
    assert_pending!(service.poll_ready());
    clock.advance(SECOND - TICK);
    assert_pending!(service.poll_ready());
    clock.advance(TICK);
    assert!(service.is_woken());
    for _ in 0..3 {
        assert_ready_ok!(service.poll_ready());
        assert_eq!((bulkhead.queued(), bulkhead.snapshot().rejected()), (0, 0), "to ask is not to be refused");
    }
    assert_eq!(refused(&mut service), Reason::TooLong);
    assert_eq!(bulkhead.snapshot().rejected(), 1);
    assert_pending!(handle.poll_request());

    // That was one call's refusal: the next one waits anew. And what would be refused takes a slot that is free again.
    assert_pending!(service.poll_ready());
    clock.advance(SECOND);
    assert_ready_ok!(service.poll_ready());
    drop(taken);
    assert_ready_ok!(service.poll_ready());
    assert_eq!(bulkhead.in_flight(), 1);
    assert_pending!(task::spawn(service.call(1)).poll());
    assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, 1);
}

#[test]
fn a_call_made_ready_by_a_refusal_is_refused_even_if_there_is_room_since() {
    let bulkhead = queued(1).max_queued(1).build();
    let (mut service, mut handle) = guarded(&bulkhead);
    let taken = bulkhead.try_acquire().unwrap();
    let mut first = service.clone();
    assert_pending!(first.poll_ready());
    assert_ready_ok!(service.poll_ready());
    drop((taken, first));
    assert_eq!(refused(&mut service), Reason::QueueFull);
    assert_pending!(handle.poll_request());
    assert_idle(&bulkhead);
}

#[test]
fn a_call_without_poll_ready_or_before_its_end_asks_at_once() {
    for (bulkhead, mut service, mut handle) in each_guarded() {
        let taken = bulkhead.try_acquire().unwrap();
        assert_eq!(refused(&mut service), Reason::Full);
        // In the midst of a wait, which then is over.
        assert_pending!(service.poll_ready());
        assert_eq!(refused(&mut service), Reason::Full);
        assert_eq!(bulkhead.queued(), 0);
        drop(taken);
        assert_idle(&bulkhead);
        assert_pending!(handle.poll_request());
        handle.allow(1);
        assert_ready_ok!(service.poll_ready());
        let call = task::spawn(service.call(1));
        assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, 1);
        drop(call);
        assert_idle(&bulkhead);
    }
}

#[test]
fn services_and_plain_callers_wait_in_one_line() {
    for backpressure in [false, true] {
        let bulkhead = queued(1).build();
        let layer = if backpressure { bulkhead.layer().backpressure() } else { bulkhead.layer().waits_in_ready() };
        let (mut service, _handle) = mock::spawn_layer::<u32, u32, _>(layer);
        let taken = bulkhead.try_acquire().unwrap();
        let (mut other, mut permit) = (service.clone(), task::spawn(bulkhead.acquire()));
        assert_pending!(service.poll_ready());
        assert_pending!(permit.poll());
        assert_pending!(other.poll_ready());
        assert_eq!(bulkhead.queued(), 3);
        drop(taken);
        assert!(service.is_woken() && !permit.is_woken() && !other.is_woken());
        drop(service);
        assert!(permit.is_woken() && !other.is_woken());
        drop(permit);
        assert!(other.is_woken());
    }
}

#[test]
fn a_close_ends_the_wait_with_a_refusal_and_leaves_what_was_reserved() {
    for (bulkhead, mut reserved, mut handle) in each_guarded() {
        let mut waits = reserved.clone();
        assert_ready_ok!(reserved.poll_ready());
        assert_pending!(waits.poll_ready());
        bulkhead.close();
        assert!(waits.is_woken());
        for _ in 0..3 {
            assert_ready_ok!(waits.poll_ready());
            assert_eq!(refused(&mut waits), Reason::Closed);
        }
        assert_pending!(handle.poll_request());
        // It counts as in flight from when it was reserved.
        assert_ready_ok!(reserved.poll_ready());
        let mut call = task::spawn(reserved.call(1));
        assert_ready!(handle.poll_request()).unwrap().1.send_response(2);
        assert_eq!(assert_ready_ok!(call.poll()), 2);
        assert_ready_ok!(reserved.poll_ready());
        assert_eq!(refused(&mut reserved), Reason::Closed);
        assert_eq!(bulkhead.in_flight(), 0);
    }
}

#[test]
fn a_slot_that_comes_free_wakes_one_service_once() {
    for (bulkhead, mut first, _handle) in each_guarded() {
        let taken = bulkhead.try_acquire().unwrap();
        let mut second = first.clone();
        assert_pending!(first.poll_ready());
        assert_pending!(second.poll_ready());
        drop(taken);
        assert!(first.is_woken() && !second.is_woken());
        assert_ready_ok!(first.poll_ready());
        for _ in 0..3 {
            assert_pending!(second.poll_ready());
            assert!(!second.is_woken(), "it does not spin");
        }
        assert_eq!((first.waker_ref_count(), bulkhead.queued()), (1, 1), "of a wait that is over nothing is kept");
    }
}
