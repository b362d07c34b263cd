//! Services whose calls last as long as the bodies of their responses: the contract of a tower service, and what a bulkhead
//! and a breaker make of it.

use std::{
    future::{self, Ready},
    io,
    task::{Context, Poll},
};

use crate::body_support::{
    Script, Step, broken, data,
    gate::{FAILURE, Log},
    panic_words, poll,
};
use futures::task::noop_waker_ref;
use http::Response;
use seawall::{Bulkhead, CircuitBreaker, Error, Outcome, Rejection, State, Trip};
use seawall_http::{HeldBody, HoldBody, HoldBodyService, hold_body};
use seawall_policy::GateLayer;
use seawall_policy::WithResponse;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{BoxError, Layer, Service, service_fn};
use tower_test::mock::{self, Handle, Mock};

type Inner = Mock<&'static str, Response<Script>>;
type Remote = Handle<&'static str, Response<Script>>;
type Held<L> = HoldBodyService<<L as Layer<Inner>>::Service>;

/// The mock, guarded by that layer.
fn guarded<L: Layer<Inner>>(layer: HoldBody<L>) -> (mock::Spawn<Held<L>>, Remote) {
    mock::spawn_layer(layer)
}

#[test]
fn a_service_is_as_ready_as_the_gate_and_the_inner_one() {
    let bulkhead = Bulkhead::new("t", 1);
    let (mut service, mut handle) = guarded(hold_body(bulkhead.layer()));
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
    assert_eq!(bulkhead.in_flight(), 0);

    let mut call = task::spawn(service.call("one"));
    assert_pending!(call.poll());
    assert_eq!(bulkhead.in_flight(), 1);
    let (request, answer) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(request, "one");
    answer.send_response(Response::new(Script::pieces(&["a"])));
    let mut body = assert_ready_ok!(call.poll()).into_body();
    drop(call);
    assert_eq!(bulkhead.in_flight(), 1, "the response is here, and not read");

    // There is no room: ready at once, to refuse, though the inner service is not.
    handle.allow(0);
    assert_ready_ok!(service.poll_ready());
    let error: BoxError = assert_ready_err!(task::spawn(service.call("two")).poll());
    assert!(matches!(*error.downcast::<Rejection>().unwrap(), Rejection::BulkheadFull(_)));
    assert_pending!(handle.poll_request(), "the inner service was not called");
    assert_eq!([poll(&mut body), poll(&mut body)], ["a", "end"]);
    assert_eq!(bulkhead.in_flight(), 0);

    handle.send_error("broken");
    assert_eq!(assert_ready_err!(service.poll_ready()).to_string(), "broken");
}

#[test]
fn a_refusal_that_poll_ready_has_found_stands() {
    let bulkhead = Bulkhead::new("t", 1);
    let (mut service, mut handle) = guarded(hold_body(bulkhead.layer().at_once()));
    handle.allow(0);
    let taken = bulkhead.try_acquire().unwrap();
    assert_ready_ok!(service.poll_ready());
    drop(taken);
    let error: BoxError = assert_ready_err!(task::spawn(service.call("one")).poll());
    assert!(error.is::<Rejection>(), "the inner service was not made ready for it");
    assert_eq!((bulkhead.in_flight(), bulkhead.snapshot().rejected()), (0, 1));
}

#[test]
fn with_backpressure_a_slot_is_waited_for_and_comes_free_with_the_body() {
    let bulkhead = Bulkhead::new("t", 1);
    let (mut service, mut handle) = guarded(hold_body(bulkhead.layer().backpressure()));
    handle.allow(2);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call("one"));
    assert_ready!(handle.poll_request()).unwrap().1.send_response(Response::new(Script::pieces(&["a"])));
    let body = assert_ready_ok!(call.poll()).into_body();
    assert_pending!(service.poll_ready());
    drop(body);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
    assert_eq!(bulkhead.in_flight(), 1, "reserved");
    let call = service.call("two");
    assert_eq!(bulkhead.in_flight(), 1, "spent");
    drop(call);
    assert_eq!(bulkhead.in_flight(), 0);
}

#[test]
fn a_call_that_is_dropped_before_its_response_gives_the_slot_back() {
    for polls in 0..3 {
        let bulkhead = Bulkhead::new("t", 1);
        let (mut service, mut handle) = guarded(hold_body(bulkhead.layer()));
        handle.allow(1);
        assert_ready_ok!(service.poll_ready());
        let mut call = task::spawn(service.call("one"));
        assert_eq!(bulkhead.in_flight(), 1);
        (0..polls).for_each(|_| assert_pending!(call.poll()));
        drop(call);
        assert_eq!(bulkhead.in_flight(), 0, "after {polls}");
    }
}

#[test]
fn an_error_of_the_call_is_passed_on_and_told() {
    let log = Log::default();
    let mut service = hold_body(GateLayer::new(log.clone()))
        .layer(service_fn(|()| future::ready(Err::<Response<Script>, Error<io::Error>>(Error::Inner(broken())))));
    let error = assert_ready_err!(task::spawn(service.call(())).poll());
    assert_eq!(error.to_string(), broken().to_string());
    assert_eq!(log.ends(), [FAILURE]);
}

#[test]
fn a_panic_in_the_call_is_a_failure_and_goes_on() {
    let log = Log::default();
    let layer = hold_body(GateLayer::new(log.clone()));
    type Answer = Ready<Result<Response<Script>, Error<io::Error>>>;
    let mut service = layer.layer(service_fn(|()| -> Answer { panic!("the call panics") }));
    assert_eq!(panic_words(|| drop(service.call(()))).unwrap(), "the call panics");
    assert_eq!(log.ends(), [FAILURE]);

    let mut service = layer.layer(service_fn(|()| async {
        if true {
            panic!("its future panics")
        }
        Ok::<Response<Script>, Error<io::Error>>(Response::new(Script::empty()))
    }));
    let mut call = Box::pin(service.call(()));
    let poll = || drop(call.as_mut().poll(&mut Context::from_waker(noop_waker_ref())));
    assert_eq!(panic_words(poll).unwrap(), "its future panics");
    assert_eq!(log.ends(), [FAILURE]);
}

#[test]
fn a_rejection_can_be_answered_with_a_response_which_holds_nothing() {
    let bulkhead = Bulkhead::new("t", 0);
    let answer = |_: Rejection| Response::builder().status(503).body(Script::pieces(&["full"])).unwrap();
    let refuse = |service: &mut dyn FnMut() -> Poll<Result<Response<HeldBody<Script, _>>, io::Error>>| {
        let response = assert_ready_ok!(service());
        assert_eq!(response.status(), 503);
        let mut body = response.into_body();
        assert!(!body.is_held());
        assert_eq!([poll(&mut body), poll(&mut body)], ["full", "end"]);
    };
    type Answer = Ready<io::Result<Response<Script>>>;
    // The error type has no place for a rejection, and needs none; from inside and from outside.
    let inner = || service_fn(|()| -> Answer { unreachable!("there is no room") });
    let mut inside = hold_body(bulkhead.layer().on_reject(answer)).layer(inner());
    refuse(&mut || task::spawn(inside.call(())).poll());
    let mut outside = hold_body(bulkhead.layer()).with_response(answer).layer(inner());
    refuse(&mut || task::spawn(outside.call(())).poll());
    assert_eq!(bulkhead.snapshot().rejected(), 2);
}

// ===== breakers =====

#[test]
fn a_breaker_counts_streams_that_break_off_as_failures_and_whole_ones_as_successes() {
    let breaker = CircuitBreaker::builder("t").trip(Trip::consecutive(2)).build();
    let call = |steps: &[Step]| {
        let mut response = Some(Ok::<_, Error<io::Error>>(Response::new(Script::new(steps.to_vec()))));
        let inner = service_fn(move |()| future::ready(response.take().unwrap()));
        let mut service = hold_body(breaker.layer()).layer(inner);
        let mut body = assert_ready_ok!(task::spawn(service.call(())).poll()).into_body();
        steps.iter().for_each(|_| drop(poll(&mut body)));
        if !matches!(steps.last(), Some(Step::Error)) {
            assert_eq!(poll(&mut body), "end");
        }
    };
    call(&[data("a"), Step::Error]);
    assert_eq!(breaker.snapshot().consecutive_failures(), 1);
    call(&[data("a"), data("b")]);
    assert_eq!(breaker.snapshot().consecutive_failures(), 0, "a whole one between them");
    call(&[data("a"), Step::Error]);
    call(&[Step::Error]);
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn a_breaker_takes_a_dropped_body_for_what_it_takes_a_dropped_call() {
    for (abandoned, opens) in [(Outcome::Ignored, false), (Outcome::Failure, true)] {
        let breaker = CircuitBreaker::builder("t").trip(Trip::consecutive(1)).abandoned(abandoned).build();
        let inner = service_fn(|()| future::ready(Ok::<_, Error<io::Error>>(Response::new(Script::pieces(&["a"])))));
        let mut service = hold_body(breaker.layer()).layer(inner);
        drop(assert_ready_ok!(task::spawn(service.call(())).poll()));
        assert_eq!(breaker.state() == State::Open, opens, "{abandoned:?}");
    }
}
