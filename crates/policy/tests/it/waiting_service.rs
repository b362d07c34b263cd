//! A service that waits in `poll_ready`: what it holds, until when, and what it gives back.

use std::{io, time::Duration};

use crate::door::Door;
use seawall_core::{Mark, Rejection, time::ManualClock};
use seawall_policy::{GateLayer, GateService, Policy, QueueLayer};
use seawall_testkit::{
    panics::panic_message,
    service::{NOT_READY, Strict},
    time::SECOND,
};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{BoxError, Layer};
use tower_test::mock::{self, Handle, Mock, Spawn};

type Guarded = Spawn<GateService<Mock<u32, u32>, Door>>;

/// A service around a mock, behind a door whose line has a longest wait of a second.
fn guarded(
    places: usize,
    wait: fn(QueueLayer<Door>) -> GateLayer<Door>,
) -> (Guarded, Handle<u32, u32>, Door, ManualClock) {
    let clock = ManualClock::new();
    let door = Door::with_line(places, SECOND, &clock);
    let (mock, handle) = mock::pair();
    (Spawn::new(wait(door.queue_layer()).layer(mock)), handle, door, clock)
}

const WAITS: [fn(QueueLayer<Door>) -> GateLayer<Door>; 2] = [QueueLayer::backpressure, QueueLayer::waits_in_ready];

#[track_caller]
fn assert_rejected(error: BoxError) {
    assert!(error.is::<Rejection>(), "{error}");
}

#[test]
fn it_waits_for_its_turn_before_it_asks_the_inner_service() {
    for wait in WAITS {
        let (mut service, mut handle, door, _clock) = guarded(1, wait);
        handle.send_error("asked");
        let ticket = door.enter().unwrap();
        assert_pending!(service.poll_ready());
        assert_pending!(service.poll_ready());
        assert_eq!(door.taken_and_waiting(), (1, 1), "it is a single wait");
        drop(ticket);
        assert!(service.is_woken());
        assert_eq!(assert_ready_err!(service.poll_ready()).to_string(), "asked");
    }
}

#[test]
fn what_poll_ready_reserved_is_held_until_the_call_spends_it() {
    for wait in WAITS {
        let (mut service, mut handle, door, _clock) = guarded(1, wait);
        handle.allow(0);
        assert_pending!(service.poll_ready());
        assert_eq!(door.taken_and_waiting(), (1, 0), "it waits for the inner service with its place");
        handle.allow(2);
        assert_ready_ok!(service.poll_ready());
        assert_ready_ok!(service.poll_ready());
        assert_eq!(door.taken_and_waiting(), (1, 0), "to ask twice takes no second place");
        let mut call = task::spawn(service.call(1));
        assert_pending!(call.poll());
        assert_eq!(door.taken_and_waiting(), (1, 0));
        assert_ready!(handle.poll_request()).unwrap().1.send_response(2);
        assert_eq!(assert_ready_ok!(call.poll()), 2);
        assert_eq!((door.taken_and_waiting(), door.counts().succeeded), ((0, 0), 1));
    }
}

#[test]
fn an_error_of_the_inner_poll_ready_gives_the_place_back() {
    for wait in WAITS {
        let (mut service, mut handle, door, _clock) = guarded(1, wait);
        handle.send_error(io::Error::other("broken"));
        assert_eq!(assert_ready_err!(service.poll_ready()).to_string(), "broken");
        assert_eq!(door.taken_and_waiting(), (0, 0));
    }
}

#[test]
fn a_service_that_is_dropped_gives_up_its_place_or_its_wait() {
    for wait in WAITS {
        let (mut ready, mut handle, door, _clock) = guarded(1, wait);
        handle.allow(2);
        let mut waits = ready.clone();
        let mut late = ready.clone();
        assert_ready_ok!(ready.poll_ready());
        assert_pending!(waits.poll_ready());
        assert_pending!(late.poll_ready());
        assert_eq!(door.taken_and_waiting(), (1, 2), "a clone starts without the place of the other");
        drop(waits);
        assert_eq!((door.taken_and_waiting(), late.is_woken()), ((1, 1), false));
        drop(ready);
        assert!(late.is_woken());
        assert_ready_ok!(late.poll_ready());
        drop(late);
        assert_eq!(door.taken_and_waiting(), (0, 0));
    }
}

#[test]
fn backpressure_waits_for_as_long_as_it_takes_and_rejects_no_call() {
    let (mut service, _handle, door, clock) = guarded(0, QueueLayer::backpressure);
    assert_pending!(service.poll_ready());
    clock.advance(Duration::MAX);
    assert_pending!(service.poll_ready());
    assert_eq!((door.taken_and_waiting(), door.counts().rejected), ((0, 1), 0));
    door.set_places(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
}

#[test]
fn a_wait_in_vain_makes_the_service_ready_and_the_call_is_rejected_without_a_second_wait() {
    let (mut service, mut handle, door, clock) = guarded(0, QueueLayer::waits_in_ready);
    handle.allow(1);
    assert_pending!(service.poll_ready());
    clock.advance(SECOND);
    assert!(service.is_woken());
    for _ in 0..3 {
        assert_ready_ok!(service.poll_ready());
    }
    assert_eq!((door.taken_and_waiting(), door.counts().rejected), ((0, 0), 0), "to be ready is no rejection");
    assert_rejected(assert_ready_err!(task::spawn(service.call(1)).poll()));
    assert_eq!(door.counts().rejected, 1);
    assert_pending!(handle.poll_request());
    assert_pending!(service.poll_ready(), "the next call waits again");
}

#[test]
fn after_a_wait_in_vain_the_call_that_was_made_ready_for_its_rejection_is_rejected_even_if_there_is_room() {
    let (mut service, mut handle, door, clock) = guarded(0, QueueLayer::waits_in_ready);
    handle.allow(0);
    assert_pending!(service.poll_ready());
    clock.advance(SECOND);
    assert_ready_ok!(service.poll_ready());
    door.set_places(1);
    assert_rejected(assert_ready_err!(task::spawn(service.call(1)).poll()));
}

#[test]
fn after_a_wait_in_vain_room_that_has_come_is_taken_by_the_next_poll_ready() {
    let (mut service, mut handle, door, clock) = guarded(0, QueueLayer::waits_in_ready);
    handle.allow(1);
    assert_pending!(service.poll_ready());
    clock.advance(SECOND);
    assert_ready_ok!(service.poll_ready());
    door.set_places(1);
    assert_ready_ok!(service.poll_ready());
    assert_eq!(door.taken_and_waiting(), (1, 0));
    assert_pending!(task::spawn(service.call(1)).poll());
    assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, 1);
}

#[test]
fn a_call_without_poll_ready_asks_the_policy_itself() {
    for wait in WAITS {
        let (mut service, mut handle, door, _clock) = guarded(0, wait);
        assert_rejected(assert_ready_err!(task::spawn(service.call(1)).poll()));
        assert_pending!(handle.poll_request());
        assert_eq!(door.counts().rejected, 1);
    }
}

#[test]
fn a_call_while_poll_ready_still_waits_gives_the_wait_up() {
    let (mut service, _handle, door, _clock) = guarded(0, QueueLayer::waits_in_ready);
    assert_pending!(service.poll_ready());
    assert_eq!(door.taken_and_waiting(), (0, 1));
    assert_rejected(assert_ready_err!(task::spawn(service.call(1)).poll()));
    assert_eq!(door.taken_and_waiting(), (0, 0));
}

#[test]
fn admit_leaves_the_call_and_its_ticket_to_the_caller() {
    for places in [0, 1] {
        let (mut service, mut handle, door, _clock) = guarded(places, QueueLayer::at_once);
        if places == 0 {
            handle.allow(0);
        }
        assert_ready_ok!(service.poll_ready());
        match service.get_mut().admit(7) {
            Ok((_call, mut ticket)) => {
                assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, 7);
                assert_eq!(door.taken_and_waiting(), (1, 0));
                ticket.record(&Ok::<_, ()>(()), Mark::here());
                assert_eq!((door.taken_and_waiting(), door.counts().succeeded), ((0, 0), 1));
            }
            Err(rejection) => {
                assert_eq!((places, rejection.policy(), door.counts().rejected), (0, "door", 1));
                assert_pending!(handle.poll_request());
            }
        }
    }
    // Where `poll_ready` has reserved a place, `admit` spends it.
    let (mut service, mut handle, door, _clock) = guarded(1, QueueLayer::waits_in_ready);
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let (_call, ticket) = service.get_mut().admit(7).unwrap();
    assert_eq!(door.taken_and_waiting(), (1, 0));
    drop(ticket);
    assert_eq!((door.taken_and_waiting(), door.counts().abandoned), ((0, 0), 1));
}

#[test]
fn a_call_that_panics_in_admit_has_failed() {
    let door = Door::new(1);
    let mut service = door.layer().layer(Strict::default());
    let message = panic_message(|| service.admit(1).map(drop)).unwrap();
    assert!(message.contains(NOT_READY), "{message}");
    assert_eq!((door.taken_and_waiting(), door.counts().failed), ((0, 0), 1));
}

#[test]
fn the_parts_of_a_service_can_be_reached() {
    let door = Door::new(3);
    let mut service = GateService::new(Strict::default(), door.clone());
    assert_eq!((service.get_ref().polls(), service.policy().counts()), (0, door.counts()));
    *service.get_mut() = Strict::default();
    assert_eq!(format!("{:?}", service.reject()), "KeepError");
}
