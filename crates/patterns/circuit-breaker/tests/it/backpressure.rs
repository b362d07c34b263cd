//! A service that is not ready while its circuit refuses calls: who is woken, when, and what is left behind.

use std::time::Duration;

use crate::support::{Manual, OPEN_FOR, fail, fragile, steer, succeed};
use seawall_circuit_breaker::{CircuitBreaker, CircuitBreakerService};
use seawall_core::{
    Rejection,
    breaker::{State, Trip},
    time::ManualClock,
};
use seawall_testkit::time::{SECOND, TICK, YEAR, exactly, some_day};
use tokio::time::{Instant, advance, timeout};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_test::mock::{self, Handle, Mock};

type Guarded = CircuitBreakerService<Mock<u32, u32>, seawall_core::ErrIsFailure, ManualClock>;

/// A service that waits, over the mock, on a clock that stands still.
fn waiting(probes: u32) -> (mock::Spawn<Guarded>, Handle<u32, u32>, Manual, ManualClock) {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).probes(probes).probe_lease(30 * SECOND).build();
    let (service, handle) = mock::spawn_layer(breaker.layer().backpressure());
    (service, handle, breaker, clock)
}

#[test]
fn an_open_circuit_is_not_ready_and_does_not_ask_the_inner_service() {
    let (mut service, mut handle, breaker, clock) = waiting(1);
    handle.allow(1);
    fail(&breaker);
    handle.send_error("asked");
    assert_pending!(service.poll_ready());
    clock.advance(OPEN_FOR);
    assert_eq!(assert_ready_err!(service.poll_ready()).to_string(), "asked");
}

#[test]
fn a_closed_circuit_is_as_ready_as_the_inner_service() {
    let (mut service, mut handle, _breaker, _clock) = waiting(1);
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
    assert_pending!(task::spawn(service.call(1)).poll());
    assert_eq!(assert_ready!(handle.poll_request()).unwrap().0, 1);
}

#[test]
fn the_task_is_woken_when_the_open_period_is_over_and_not_before() {
    let (mut service, _handle, breaker, clock) = waiting(1);
    fail(&breaker);
    assert_pending!(service.poll_ready());
    clock.advance(OPEN_FOR - TICK);
    assert_pending!(service.poll_ready());
    clock.advance(TICK);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
}

#[test]
fn a_hand_that_lets_calls_in_wakes_the_task() {
    let controls: [fn(&Manual); 3] = [|b| b.reset(), |b| b.force_closed(), |b| b.metrics_only()];
    for control in controls {
        for from in [State::Open, State::ForcedOpen] {
            let (mut service, _handle, breaker, clock) = waiting(1);
            steer(&breaker, &clock, from);
            assert_pending!(service.poll_ready());
            assert!(!service.is_woken());
            control(&breaker);
            assert!(service.is_woken(), "{from} -> {}", breaker.state());
            assert_ready_ok!(service.poll_ready());
        }
    }
}

#[test]
fn a_circuit_forced_open_is_not_ready_however_long_it_takes() {
    let (mut service, _handle, breaker, clock) = waiting(1);
    fail(&breaker);
    assert_pending!(service.poll_ready());
    breaker.force_open();
    assert!(service.is_woken(), "it looks again: what it waited for has changed");
    assert_pending!(service.poll_ready());
    clock.advance(YEAR);
    assert_pending!(service.poll_ready());
    breaker.reset();
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
}

#[test]
fn a_place_given_back_wakes_the_task() {
    let (mut service, _handle, breaker, clock) = waiting(2);
    steer(&breaker, &clock, State::HalfOpen);
    let _undecided = breaker.try_acquire().unwrap();
    let dropped = breaker.try_acquire().unwrap();
    assert_pending!(service.poll_ready());
    assert!(!service.is_woken());
    drop(dropped);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
}

#[test]
fn a_probe_that_decides_wakes_the_task() {
    let (mut service, _handle, breaker, clock) = waiting(1);
    steer(&breaker, &clock, State::HalfOpen);
    let probe = breaker.try_acquire().unwrap();
    assert_pending!(service.poll_ready());
    probe.failure();
    assert!(service.is_woken());
    assert_pending!(service.poll_ready(), "it is open again");
    clock.advance(OPEN_FOR);
    assert!(service.is_woken());
    let probe = breaker.try_acquire().unwrap();
    assert_pending!(service.poll_ready(), "someone else was faster");
    probe.success();
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
}

#[test]
fn the_end_of_the_lease_wakes_the_task() {
    let (mut service, _handle, breaker, clock) = waiting(1);
    steer(&breaker, &clock, State::HalfOpen);
    let _silent = breaker.try_acquire().unwrap();
    assert_pending!(service.poll_ready());
    clock.advance(30 * SECOND - TICK);
    assert_pending!(service.poll_ready());
    clock.advance(TICK);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
}

#[test]
fn a_call_is_refused_if_the_circuit_opened_after_it_was_made_ready() {
    let (mut service, mut handle, breaker, _clock) = waiting(1);
    assert_ready_ok!(service.poll_ready());
    fail(&breaker);
    let error: BoxError = assert_ready_err!(task::spawn(service.call(1)).poll());
    assert!(error.is::<Rejection>());
    assert_pending!(handle.poll_request());
}

#[test]
fn a_dropped_service_leaves_nothing_parked() {
    for forced in [false, true] {
        let (service, _handle, breaker, clock) = waiting(1);
        let mut service = service.into_inner();
        if forced {
            breaker.force_open()
        } else {
            fail(&breaker)
        }
        let mut task = task::spawn(());
        assert_pending!(task.enter(|cx, _| service.poll_ready(cx)));
        assert!(task.waker_ref_count() > 1);
        drop(service);
        // The clock lets go of its sleepers when it is next told to go on.
        clock.advance(Duration::ZERO);
        assert_eq!(task.waker_ref_count(), 1, "forced: {forced}");
    }
}

#[test]
fn a_service_that_is_ready_again_leaves_nothing_parked() {
    for by_hand in [false, true] {
        let (mut service, _handle, breaker, clock) = waiting(1);
        fail(&breaker);
        for _ in 0..3 {
            assert_pending!(service.poll_ready());
        }
        if by_hand {
            breaker.reset()
        } else {
            clock.advance(OPEN_FOR)
        }
        assert_ready_ok!(service.poll_ready());
        clock.advance(Duration::ZERO);
        assert_eq!(service.waker_ref_count(), 1, "by hand: {by_hand}");
    }
}

#[test]
fn two_waiting_clones_are_both_woken() {
    let (mut first, _handle, breaker, clock) = waiting(1);
    fail(&breaker);
    assert_pending!(first.poll_ready());
    let mut second = first.clone();
    assert_eq!(second.waker_ref_count(), 1, "the clone of one that waits does not wait");
    assert_pending!(second.poll_ready());
    clock.advance(OPEN_FOR);
    assert!(first.is_woken() && second.is_woken());

    // By a change, too, and when the one that came first has gone.
    breaker.force_open();
    let mut third = first.clone();
    assert_pending!(first.poll_ready());
    assert_pending!(second.poll_ready());
    assert_pending!(third.poll_ready());
    drop(first);
    breaker.reset();
    assert!(second.is_woken() && third.is_woken());
    assert_ready_ok!(second.poll_ready());
}

#[test]
fn the_task_that_polled_last_is_the_one_woken() {
    for forced in [false, true] {
        let (service, _handle, breaker, clock) = waiting(1);
        let mut service = service.into_inner();
        if forced {
            breaker.force_open()
        } else {
            fail(&breaker)
        }
        let (mut first, mut last) = (task::spawn(()), task::spawn(()));
        assert_pending!(first.enter(|cx, _| service.poll_ready(cx)));
        assert_pending!(last.enter(|cx, _| service.poll_ready(cx)));
        if forced {
            breaker.reset()
        } else {
            clock.advance(OPEN_FOR)
        }
        assert!(last.is_woken(), "forced: {forced}");
        assert_ready_ok!(last.enter(|cx, _| service.poll_ready(cx)));
    }
}

#[tokio::test(start_paused = true)]
async fn by_the_default_clock_it_is_ready_exactly_at_the_end_of_the_open_period() {
    let breaker = CircuitBreaker::builder("t").trip(Trip::consecutive(1)).open_for(exactly(OPEN_FOR)).build();
    let (inner, mut handle) = mock::pair::<u32, u32>();
    let mut service = breaker.layer().backpressure().layer(inner);
    fail(&breaker);
    let opened = Instant::now();
    // Time goes on by itself while all are idle.
    let call = some_day(service.ready()).await.unwrap().call(1);
    // Tokio's timer is good to a millisecond.
    assert!(
        opened.elapsed() >= OPEN_FOR && opened.elapsed() < OPEN_FOR + Duration::from_millis(2),
        "{:?}",
        opened.elapsed()
    );
    handle.next_request().await.unwrap().1.send_response(2);
    assert_eq!(call.await.unwrap(), 2);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn by_the_default_clock_a_hand_wakes_it_before_the_period_is_over() {
    let breaker = CircuitBreaker::builder("t").trip(Trip::consecutive(1)).open_for(exactly(OPEN_FOR)).build();
    let (inner, _handle) = mock::pair::<u32, u32>();
    let mut service = breaker.layer().backpressure().layer(inner);
    for _ in 0..2 {
        breaker.force_open();
        let waits = timeout(YEAR, service.ready()).await;
        assert!(waits.is_err(), "forced open, it waits for ever");
        let by_hand = breaker.clone();
        tokio::spawn(async move {
            advance(SECOND).await;
            by_hand.reset();
        });
        let began = Instant::now();
        some_day(service.ready()).await.unwrap();
        assert!(began.elapsed() < 2 * SECOND, "{:?}", began.elapsed());
    }
    succeed(&breaker);
}

#[tokio::test(start_paused = true)]
async fn by_the_default_clock_a_probe_that_fails_moves_the_time_of_waking_forward() {
    let breaker = CircuitBreaker::builder("t").trip(Trip::consecutive(1)).open_for(exactly(OPEN_FOR)).build();
    let (inner, _handle) = mock::pair::<u32, u32>();
    let mut service = breaker.layer().backpressure().layer(inner);
    fail(&breaker);
    advance(OPEN_FOR).await;
    let probe = breaker.try_acquire().unwrap();
    let mut ready = task::spawn(service.ready());
    // It waits for the end of the lease, which is 30 s away; then for the end of another open period, which is not.
    assert_pending!(ready.poll());
    probe.failure();
    assert_pending!(ready.poll());
    advance(OPEN_FOR + Duration::from_millis(1)).await;
    assert!(ready.is_woken());
    assert_ready_ok!(ready.poll());
}
