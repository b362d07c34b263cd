//! A timeout's layer that bounds readiness: what waits in `poll_ready` below it ends in time, and touches nothing.

use std::time::Duration;

use crate::support::SECOND;
use seawall_core::{Rejection, time::ManualClock};
use seawall_timeout::{Timeout, TimeoutService};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::BoxError;
use tower_test::mock::{self, Handle, Mock};

const TICK: Duration = Duration::from_nanos(1);

type Guarded = TimeoutService<Mock<u32, u32>, Duration, ManualClock>;

/// The mock, which is not ready, and may take 2 s to become so.
fn guarded() -> (mock::Spawn<Guarded>, Handle<u32, u32>, ManualClock) {
    let clock = ManualClock::new();
    let timeout = Timeout::builder("inventory", 9 * SECOND).clock(clock.clone()).build();
    let (service, mut handle) = mock::spawn_layer(timeout.layer().ready_within(2 * SECOND));
    handle.allow(0);
    (service, handle, clock)
}

#[test]
fn a_service_that_is_not_ready_in_time_rejects_the_next_call_and_touches_nothing() {
    let (mut service, mut handle, clock) = guarded();
    assert_pending!(service.poll_ready());
    clock.advance(2 * SECOND - TICK);
    assert_pending!(service.poll_ready());
    clock.advance(TICK);
    assert!(service.is_woken());
    for _ in 0..3 {
        assert_ready_ok!(service.poll_ready(), "there is no second wait");
    }
    let error: BoxError = assert_ready_err!(task::spawn(service.call(1)).poll());
    assert_eq!(error.to_string(), "timeout `inventory`: the service was not ready in 2s");
    let Rejection::TimedOut(timed_out) = *error.downcast::<Rejection>().unwrap() else { panic!("it timed out") };
    assert!(timed_out.is_before_ready() && !timed_out.is_by_deadline());
    assert_eq!((timed_out.limit(), timed_out.elapsed()), (2 * SECOND, 2 * SECOND));
    assert_pending!(handle.poll_request());
    // That was one call's rejection: the next one has all of the time again.
    assert_pending!(service.poll_ready());
    clock.advance(2 * SECOND - TICK);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
    assert_pending!(task::spawn(service.call(2)).poll());
    assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, 2);
}

#[test]
fn a_service_that_becomes_ready_after_its_time_is_called_if_no_call_came_for_the_rejection() {
    let (mut service, mut handle, clock) = guarded();
    assert_pending!(service.poll_ready());
    clock.advance(2 * SECOND);
    assert_ready_ok!(service.poll_ready());
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    assert_pending!(task::spawn(service.call(1)).poll());
    assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, 1);
}

#[test]
fn the_time_to_become_ready_is_not_taken_from_the_calls_limit() {
    let (mut service, mut handle, clock) = guarded();
    assert_pending!(service.poll_ready());
    clock.advance(SECOND);
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(1));
    assert_pending!(call.poll());
    clock.advance(9 * SECOND - TICK);
    assert_pending!(call.poll());
    clock.advance(TICK);
    assert_eq!(assert_ready_err!(call.poll()).to_string(), "timeout `inventory`: not done in 9s");
}

#[test]
fn a_clone_starts_without_the_time_that_the_other_has_waited() {
    let (mut service, _handle, clock) = guarded();
    assert_pending!(service.poll_ready());
    let mut clone = service.clone();
    clock.advance(2 * SECOND);
    assert_ready_ok!(service.poll_ready());
    assert_pending!(clone.poll_ready());
    clock.advance(2 * SECOND);
    assert_ready_ok!(clone.poll_ready());
}

#[test]
fn an_error_of_poll_ready_is_passed_on() {
    let (mut service, mut handle, _clock) = guarded();
    assert_pending!(service.poll_ready());
    handle.send_error("broken");
    assert_eq!(assert_ready_err!(service.poll_ready()).to_string(), "broken");
}

#[test]
fn without_the_option_readiness_is_not_bounded() {
    let clock = ManualClock::new();
    let timeout = Timeout::builder("inventory", SECOND).clock(clock.clone()).build();
    for layer in [timeout.layer(), timeout.layer().ready_within(Duration::MAX)] {
        let (mut service, mut handle) = mock::spawn_layer::<u32, u32, _>(layer);
        handle.allow(0);
        for _ in 0..3 {
            assert_pending!(service.poll_ready());
            clock.advance(1_000 * SECOND);
        }
    }
}
