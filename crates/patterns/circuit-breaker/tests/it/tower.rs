//! What a service counts of the inner service's answers, and what it does with the places of probes.

use crate::support;
use crate::support::{OPEN_FOR, counted, counting, fail, fragile, log_changes};
use seawall_core::{Classify, Outcome, Rejection, breaker::State, time::ManualClock};
use tokio_test::{assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::BoxError;
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
