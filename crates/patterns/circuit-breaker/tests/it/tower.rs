//! The contract of a tower service: what `poll_ready` finds, and what `call` does with it.

use crate::support;
use std::{
    future::{self, Ready},
    io,
    task::{Context, Poll},
};

use crate::support::{Failed, OPEN_FOR, Reply, counted, counting, fail, fragile, log_changes};
use seawall_core::{Classify, Outcome, Rejection, breaker::State, time::ManualClock};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{BoxError, Layer, Service};
use tower_test::mock::{self, Handle};

type Spawned<C = seawall_core::ErrIsFailure> =
    mock::Spawn<seawall_circuit_breaker::CircuitBreakerService<mock::Mock<&'static str, u32>, C, ManualClock>>;

/// The mock, guarded by `breaker`.
fn guarded<C>(breaker: &support::Manual<C>) -> (Spawned<C>, Handle<&'static str, u32>)
where
    C: Classify<u32, BoxError>,
{
    mock::spawn_layer(breaker.layer())
}

fn rejection(error: BoxError) -> Rejection {
    *error.downcast::<Rejection>().expect("it is refused")
}

#[test]
fn a_service_is_ready_when_the_inner_one_is() {
    let (mut service, mut handle) = guarded(&fragile(&ManualClock::new()).build());
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());

    let mut call = task::spawn(service.call("one"));
    assert_pending!(call.poll());
    assert_pending!(service.poll_ready(), "one was allowed, and one was sent");
    let (request, answer) = assert_ready!(handle.poll_request()).expect("it came through");
    assert_eq!(request, "one");
    answer.send_response(1);
    assert!(call.is_woken());
    assert_eq!(assert_ready_ok!(call.poll()), 1);
}

#[test]
fn an_error_of_poll_ready_is_passed_on_and_not_counted() {
    let breaker = counting(&ManualClock::new()).build();
    let (mut service, mut handle) = guarded(&breaker);
    assert_ready_ok!(service.poll_ready());
    handle.send_error("broken");
    assert_eq!(assert_ready_err!(service.poll_ready()).to_string(), "broken");
    assert_eq!(counted(&breaker), (0, 0));
}

#[test]
fn an_answer_and_an_error_are_counted_when_they_come() {
    let breaker = counting(&ManualClock::new()).build();
    let (mut service, mut handle) = guarded(&breaker);
    let mut calls: Vec<_> = (0..2)
        .map(|_| {
            assert_ready_ok!(service.poll_ready());
            task::spawn(service.call("hello"))
        })
        .collect();
    assert_eq!(counted(&breaker), (0, 0));
    let (_, first) = assert_ready!(handle.poll_request()).unwrap();
    let (_, second) = assert_ready!(handle.poll_request()).unwrap();
    second.send_error(io::Error::other("down"));
    assert_eq!(assert_ready_err!(calls[1].poll()).to_string(), "down");
    assert_eq!(counted(&breaker), (1, 1));
    first.send_response(1);
    assert_eq!(counted(&breaker), (1, 1), "the caller has not seen it yet");
    assert_eq!(assert_ready_ok!(calls[0].poll()), 1);
    assert_eq!(counted(&breaker), (2, 1));
}

#[test]
fn the_classifier_sees_what_the_inner_service_answered() {
    let by_number = |result: &Result<u32, BoxError>| match result {
        Ok(500..) => Outcome::Failure,
        _ => Outcome::Ignored,
    };
    let breaker = counting(&ManualClock::new()).classify(by_number).build();
    let (mut service, mut handle) = guarded(&breaker);
    for (answer, expected) in [(404, (0, 0)), (503, (1, 1))] {
        assert_ready_ok!(service.poll_ready());
        let mut call = task::spawn(service.call("get"));
        assert_ready!(handle.poll_request()).unwrap().1.send_response(answer);
        assert_eq!(assert_ready_ok!(call.poll()), answer);
        assert_eq!(counted(&breaker), expected, "{answer}");
    }
}

#[test]
fn a_clone_that_is_ready_and_idle_blocks_nobody() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).build();
    let (mut idle, mut handle) = guarded(&breaker);
    handle.allow(10);
    for state in [State::Closed, State::HalfOpen] {
        let mut busy = idle.clone();
        assert_ready_ok!(idle.poll_ready());
        if state == State::HalfOpen {
            fail(&breaker);
            clock.advance(OPEN_FOR);
            assert_ready_ok!(idle.poll_ready());
        }
        assert_eq!((breaker.state(), breaker.snapshot().undecided_probes()), (state, 0));
        assert_ready_ok!(busy.poll_ready());
        let mut call = task::spawn(busy.call("busy"));
        assert_ready!(handle.poll_request()).unwrap().1.send_response(1);
        assert_eq!(assert_ready_ok!(call.poll()), 1);
        assert_eq!(breaker.state(), State::Closed);
    }
}

#[test]
fn an_open_circuit_refuses_at_once_while_the_inner_service_is_not_ready() {
    let breaker = fragile(&ManualClock::new()).build();
    let (mut service, mut handle) = guarded(&breaker);
    handle.allow(0);
    fail(&breaker);
    assert_ready_ok!(service.poll_ready());
    let refused = rejection(assert_ready_err!(task::spawn(service.call("no")).poll()));
    assert_eq!((refused.policy(), refused.retry_after()), ("fragile", Some(OPEN_FOR)));
    assert_pending!(handle.poll_request());
}

#[test]
fn a_call_made_ready_by_an_open_circuit_is_refused_even_if_it_has_closed_since() {
    let breaker = fragile(&ManualClock::new()).build();
    let (mut service, mut handle) = guarded(&breaker);
    handle.allow(0);
    fail(&breaker);
    assert_ready_ok!(service.poll_ready());
    breaker.reset();
    // To call the mock, which was not made ready, would panic.
    rejection(assert_ready_err!(task::spawn(service.call("no")).poll()));
    assert_pending!(handle.poll_request());
    assert_pending!(service.poll_ready(), "the next one asks the inner service");
}

#[test]
fn what_poll_ready_found_is_forgotten_by_the_next_poll_ready() {
    let breaker = fragile(&ManualClock::new()).build();
    let (mut service, mut handle) = guarded(&breaker);
    handle.allow(1);
    fail(&breaker);
    assert_ready_ok!(service.poll_ready());
    breaker.reset();
    assert_ready_ok!(service.poll_ready());
    assert_pending!(task::spawn(service.call("yes")).poll());
    assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, "yes");
}

#[test]
fn a_call_made_ready_by_a_closed_circuit_is_refused_if_it_has_opened_since() {
    let breaker = fragile(&ManualClock::new()).build();
    let (mut service, mut handle) = guarded(&breaker);
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    fail(&breaker);
    rejection(assert_ready_err!(task::spawn(service.call("no")).poll()));
    assert_pending!(handle.poll_request());
    // The place that was reserved in the inner service is not lost.
    breaker.reset();
    assert_ready_ok!(service.poll_ready());
    assert_pending!(task::spawn(service.call("yes")).poll());
    assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, "yes");
}

#[test]
fn poll_ready_reserves_no_place_of_a_probe_and_begins_no_period() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).build();
    let (mut service, _handle) = guarded(&breaker);
    fail(&breaker);
    clock.advance(OPEN_FOR);
    let changes = log_changes(&breaker);
    assert_ready_ok!(service.poll_ready());
    let probe = breaker.try_acquire().expect("the place is free");
    rejection(assert_ready_err!(task::spawn(service.call("late")).poll()));
    assert_eq!(*changes.lock().unwrap(), [(State::Open, State::HalfOpen)]);
    probe.success();
}

#[test]
fn refused_calls_of_a_service_are_counted_once_each() {
    let breaker = fragile(&ManualClock::new()).build();
    let (mut service, _handle) = guarded(&breaker);
    assert_ready_ok!(service.poll_ready());
    fail(&breaker);
    drop(service.call("found closed, and now open"));
    assert_eq!(breaker.snapshot().rejected(), 1);
    for _ in 0..3 {
        assert_ready_ok!(service.poll_ready());
    }
    assert_eq!(breaker.snapshot().rejected(), 1, "to ask is not to be refused");
    drop(service.call("found open"));
    assert_eq!(breaker.snapshot().rejected(), 2);
}

#[test]
fn a_place_is_free_the_moment_the_answer_is_there_though_the_future_lives_on() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).probes(2).build();
    let (mut service, mut handle) = guarded(&breaker);
    fail(&breaker);
    clock.advance(OPEN_FOR);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call("probe"));
    assert_eq!(breaker.snapshot().undecided_probes(), 1);
    assert_ready!(handle.poll_request()).unwrap().1.send_response(1);
    assert_ready_ok!(call.poll());
    assert_eq!(breaker.snapshot().undecided_probes(), 0);
    drop(call);
    assert_eq!((breaker.state(), breaker.snapshot().undecided_probes()), (State::HalfOpen, 0));
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
    type Error = seawall_core::Error<Failed>;
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
    let breaker = fragile(&ManualClock::new()).build();
    let mut service = mock::Spawn::new(breaker.layer().layer(Strict::default()));
    for polls in 1..4 {
        assert_ready_ok!(service.poll_ready());
        let clone = service.clone();
        assert_ready_ok!(task::spawn(service.call(())).poll());
        assert_eq!(service.get_ref().get_ref().polls, polls);
        assert_eq!(clone.get_ref().get_ref().polls, 0);
    }
}

#[test]
fn a_clone_starts_without_what_poll_ready_found() {
    let breaker = fragile(&ManualClock::new()).build();
    let mut service = mock::Spawn::new(breaker.layer().layer(Strict::default()));
    fail(&breaker);
    assert_ready_ok!(service.poll_ready());
    breaker.reset();
    let mut clone = service.clone();
    // Not by the contract, but it shows that the clone does not refuse: the inner service is asked, and complains.
    let words = support::panic_words(|| clone.call(())).expect("the clone goes on to the inner service");
    assert!(words.contains("not made ready"), "{words}");
    breaker.reset();
    assert_ready_err!(task::spawn(service.call(())).poll());
}
