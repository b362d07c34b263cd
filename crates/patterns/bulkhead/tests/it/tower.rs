//! The contract of a tower service where nobody waits: what `poll_ready` finds, and what `call` does with it.

use crate::support;
use std::{
    future::{self, Ready},
    io,
    task::{Context, Poll},
};

use crate::support::{Failed, Manual, Reply, assert_idle, panic_words, plain, reason};
use seawall_bulkhead::{BulkheadService, Reason};
use seawall_core::{Error, Rejection, time::ManualClock};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{BoxError, Layer, Service};
use tower_test::mock::{self, Handle};

type Spawned = mock::Spawn<BulkheadService<mock::Mock<&'static str, u32>, ManualClock>>;

/// The mock, guarded by `bulkhead`.
fn guarded(bulkhead: &Manual) -> (Spawned, Handle<&'static str, u32>) {
    mock::spawn_layer(bulkhead.layer())
}

fn refused(error: BoxError) -> Reason {
    reason(&error.downcast::<Rejection>().expect("it is refused"))
}

#[test]
fn a_service_is_ready_when_the_inner_one_is_and_takes_no_slot_for_it() {
    let bulkhead = plain(1).build();
    let (mut service, mut handle) = guarded(&bulkhead);
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
    assert_ready_ok!(service.poll_ready());
    assert_idle(&bulkhead);

    let mut call = task::spawn(service.call("one"));
    assert_pending!(call.poll());
    assert_eq!(bulkhead.in_flight(), 1);
    let (request, answer) = assert_ready!(handle.poll_request()).expect("it came through");
    assert_eq!(request, "one");
    answer.send_response(1);
    assert!(call.is_woken());
    assert_eq!(assert_ready_ok!(call.poll()), 1);
    assert_idle(&bulkhead);
}

#[test]
fn an_error_of_poll_ready_is_passed_on_and_takes_no_slot() {
    let bulkhead = plain(1).build();
    let (mut service, mut handle) = guarded(&bulkhead);
    handle.send_error("broken");
    assert_eq!(assert_ready_err!(service.poll_ready()).to_string(), "broken");
    assert_idle(&bulkhead);
}

#[test]
fn a_slot_is_free_in_the_very_poll_that_gives_the_answer_though_the_future_lives_on() {
    let bulkhead = plain(2).build();
    let (mut service, mut handle) = guarded(&bulkhead);
    let mut calls: Vec<_> = (0..2)
        .map(|_| {
            assert_ready_ok!(service.poll_ready());
            task::spawn(service.call("hello"))
        })
        .collect();
    assert_eq!(bulkhead.in_flight(), 2);
    let (_, first) = assert_ready!(handle.poll_request()).unwrap();
    let (_, second) = assert_ready!(handle.poll_request()).unwrap();
    second.send_error(io::Error::other("down"));
    first.send_response(1);
    assert_eq!(bulkhead.in_flight(), 2, "the callers have not seen it yet");
    assert_eq!(assert_ready_err!(calls[1].poll()).to_string(), "down");
    assert_eq!(bulkhead.in_flight(), 1);
    assert_eq!(assert_ready_ok!(calls[0].poll()), 1);
    assert_idle(&bulkhead);
    drop(calls);
    assert_idle(&bulkhead);
}

#[test]
fn a_clone_that_is_ready_and_idle_blocks_nobody() {
    let bulkhead = plain(1).build();
    let (mut idle, mut handle) = guarded(&bulkhead);
    handle.allow(10);
    let mut busy = idle.clone();
    assert_ready_ok!(idle.poll_ready());
    for _ in 0..3 {
        assert_ready_ok!(busy.poll_ready());
        let mut call = task::spawn(busy.call("busy"));
        assert_ready!(handle.poll_request()).unwrap().1.send_response(1);
        assert_ready_ok!(call.poll());
    }
}

#[test]
fn a_full_bulkhead_refuses_at_once_while_the_inner_service_is_not_ready() {
    let bulkhead = plain(1).build();
    let (mut service, mut handle) = guarded(&bulkhead);
    handle.allow(0);
    let _taken = bulkhead.try_acquire().unwrap();
    assert_ready_ok!(service.poll_ready());
    assert_eq!(refused(assert_ready_err!(task::spawn(service.call("no")).poll())), Reason::Full);
    assert_pending!(handle.poll_request());
}

#[test]
fn a_call_made_ready_by_a_full_bulkhead_is_refused_even_if_there_is_room_since() {
    let bulkhead = plain(1).build();
    let (mut service, mut handle) = mock::spawn_layer::<&str, u32, _>(bulkhead.layer().at_once());
    handle.allow(0);
    let taken = bulkhead.try_acquire().unwrap();
    assert_ready_ok!(service.poll_ready());
    drop(taken);
    // To call the mock, which was not made ready, would panic.
    refused(assert_ready_err!(task::spawn(service.call("no")).poll()));
    assert_pending!(handle.poll_request());
    assert_idle(&bulkhead);
    assert_pending!(service.poll_ready(), "the next one asks the inner service");
}

#[test]
fn what_poll_ready_found_is_forgotten_by_the_next_poll_ready() {
    let bulkhead = plain(1).build();
    let (mut service, mut handle) = guarded(&bulkhead);
    let taken = bulkhead.try_acquire().unwrap();
    assert_ready_ok!(service.poll_ready());
    drop(taken);
    assert_ready_ok!(service.poll_ready());
    assert_pending!(task::spawn(service.call("yes")).poll());
    assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, "yes");
}

#[test]
fn a_call_made_ready_by_a_bulkhead_with_room_is_refused_if_it_is_full_since() {
    let bulkhead = plain(1).build();
    let (mut service, mut handle) = guarded(&bulkhead);
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let taken = bulkhead.try_acquire().unwrap();
    assert_eq!(refused(assert_ready_err!(task::spawn(service.call("no")).poll())), Reason::Full);
    assert_pending!(handle.poll_request());
    // The place that was reserved in the inner service is not lost.
    drop(taken);
    assert_ready_ok!(service.poll_ready());
    assert_pending!(task::spawn(service.call("yes")).poll());
    assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, "yes");
}

#[test]
fn a_closed_bulkhead_is_ready_to_refuse() {
    for slots in [0, 1] {
        let bulkhead = plain(slots).build();
        let (mut service, mut handle) = guarded(&bulkhead);
        handle.allow(0);
        bulkhead.close();
        for _ in 0..3 {
            assert_ready_ok!(service.poll_ready());
            assert_eq!(refused(assert_ready_err!(task::spawn(service.call("no")).poll())), Reason::Closed);
        }
        assert_pending!(handle.poll_request());
    }
}

#[test]
fn refused_calls_of_a_service_are_counted_once_each() {
    let bulkhead = plain(1).build();
    let (mut service, _handle) = guarded(&bulkhead);
    assert_ready_ok!(service.poll_ready());
    let _taken = bulkhead.try_acquire().unwrap();
    drop(service.call("found room, and now full"));
    assert_eq!(bulkhead.snapshot().rejected(), 1);
    for _ in 0..3 {
        assert_ready_ok!(service.poll_ready());
    }
    assert_eq!(bulkhead.snapshot().rejected(), 1, "to ask is not to be refused");
    drop(service.call("found full"));
    assert_eq!(bulkhead.snapshot().rejected(), 2);
}

#[test]
fn a_call_without_poll_ready_is_refused_in_its_type_where_there_is_no_room() {
    let queue = support::queued(0).build();
    for layer in [queue.layer().at_once(), queue.layer().backpressure(), queue.layer().waits_in_ready()] {
        let (inner, mut handle) = mock::pair::<u32, u32>();
        let mut service = layer.layer(inner);
        for _ in 0..2 {
            assert_eq!(refused(assert_ready_err!(task::spawn(service.call(1)).poll())), Reason::Full);
        }
        assert_pending!(handle.poll_request());
    }
}

/// A service that must be polled ready before each call, itself and not a clone of it.
#[derive(Default)]
struct Strict {
    ready: bool,
    polls: u32,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<()> for Strict {
    type Response = ();
    type Error = Error<Failed>;
    type Future = Ready<Reply>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Reply> {
        (self.ready, self.polls) = (true, self.polls + 1);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "it was called, but not made ready");
        future::ready(Ok(()))
    }
}

#[test]
fn the_service_that_was_polled_ready_is_the_one_called() {
    let layers = [
        plain(1).build().layer().at_once(),
        plain(1).build().layer().backpressure(),
        support::queued(1).build().layer().waits_in_ready(),
    ];
    for layer in layers {
        let mut service = mock::Spawn::new(layer.layer(Strict::default()));
        for polls in 1..4 {
            assert_ready_ok!(service.poll_ready());
            let clone = service.clone();
            assert_ready_ok!(task::spawn(service.call(())).poll());
            assert_eq!(service.get_ref().get_ref().polls, polls);
            assert_eq!(clone.get_ref().get_ref().polls, 0);
        }
    }
}

#[test]
fn a_clone_starts_without_what_poll_ready_found() {
    let bulkhead = plain(1).build();
    let mut service = mock::Spawn::new(bulkhead.layer().at_once().layer(Strict::default()));
    let taken = bulkhead.try_acquire().unwrap();
    assert_ready_ok!(service.poll_ready());
    drop(taken);
    let mut clone = service.clone();
    // Not by the contract, but it shows that the clone does not refuse: the inner service is asked, and complains.
    let words = panic_words(|| clone.call(())).expect("the clone goes on to the inner service");
    assert!(words.contains("not made ready"), "{words}");
    assert_ready_err!(task::spawn(service.call(())).poll());
    assert_idle(&bulkhead);
}

#[test]
fn clones_and_services_of_clones_of_the_layer_share_the_slots() {
    let bulkhead = plain(2).build();
    let layer = bulkhead.layer();
    let (inner, _handle) = mock::pair::<u32, u32>();
    let first = layer.layer(inner.clone());
    let mut services = [first.clone(), first, layer.clone().layer(inner)];
    let mut refusals = 0;
    let mut calls = Vec::new();
    for service in &mut services {
        let mut task = task::spawn(());
        assert_ready_ok!(task.enter(|cx, _| service.poll_ready(cx)));
        let mut call = task::spawn(service.call(1));
        match call.poll() {
            Poll::Ready(reply) => refusals += u32::from(refused(reply.unwrap_err()) == Reason::Full),
            Poll::Pending => calls.push(call),
        }
        assert!(bulkhead.in_flight() <= 2);
    }
    assert_eq!((calls.len(), refusals), (2, 1));
    drop(calls);
    assert_idle(&bulkhead);
}
