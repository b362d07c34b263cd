//! What observers are told of calls that are refused.

use std::{future, task::Context};

use crate::support::{Manual, OPEN_FOR, STATES, Way, fail, fragile, log, steer, succeed};
use futures::{FutureExt, task::noop_waker_ref};
use seawall_circuit_breaker::{CircuitBreaker, EventKind};
use seawall_core::{
    Error, Rejection,
    breaker::State,
    time::{Clock, ManualClock},
};
use seawall_testkit::{
    log::Log,
    reply::{FAILED, Failed},
    wake::calling_waker,
};
use tokio_test::{assert_pending, assert_ready_ok};
use tower::{Layer, Service, service_fn};

fn log_rejections<C, K: Clock>(breaker: &CircuitBreaker<C, K>) -> Log<Rejection> {
    log(breaker, |event| match event.kind() {
        EventKind::Rejected(rejection) => Some(rejection.clone()),
        _ => None,
    })
}

/// The rejection of one call in each way that there is.
fn refused_in_each_way(breaker: &Manual) -> Vec<Rejection> {
    let rejection = |result| match result {
        Err(Error::Rejected(rejection)) => rejection,
        other => panic!("{other:?}"),
    };
    let mut rejections = Vec::new();
    for way in Way::ALL {
        let call = way.start(breaker, || future::ready(Ok(())));
        rejections.push(rejection(call.now_or_never().unwrap()));
    }
    rejections.push(rejection(breaker.execute_blocking(|| Ok::<_, Failed>(()))));
    rejections.push(breaker.try_acquire().unwrap_err());
    rejections
}

#[test]
fn each_refused_call_is_told_of_once_with_what_its_error_says() {
    for state in [State::Open, State::HalfOpen, State::ForcedOpen] {
        let clock = ManualClock::new();
        let breaker = fragile(&clock).build();
        let told = log_rejections(&breaker);
        steer(&breaker, &clock, state);
        let _probe = breaker.try_acquire().ok();
        told.lock().unwrap().clear();
        let before = breaker.snapshot().rejected();
        let refused = refused_in_each_way(&breaker);
        assert_eq!(*told.lock().unwrap(), refused, "{state}");
        assert_eq!(breaker.snapshot().rejected() - before, refused.len() as u64, "{state}");
    }
}

#[test]
fn a_call_that_was_made_ready_and_is_refused_then_is_told_of_and_to_wait_is_not() {
    let breaker = fragile(&ManualClock::new()).build();
    let told = log_rejections(&breaker);
    let mut service = breaker.layer().backpressure().layer(service_fn(|()| future::ready(FAILED)));
    let mut cx = Context::from_waker(noop_waker_ref());
    assert_ready_ok!(service.poll_ready(&mut cx));
    fail(&breaker);
    let refused = service.call(()).now_or_never().unwrap().unwrap_err();
    assert_pending!(service.poll_ready(&mut cx));
    let Error::Rejected(rejection) = refused else { panic!("{refused:?}") };
    assert_eq!(*told.lock().unwrap(), [rejection]);
}

#[test]
fn calls_that_pass_are_not_told_of() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).probes(3).build();
    for state in STATES {
        steer(&breaker, &clock, state);
        let events = log(&breaker, |event| Some(event.clone()));
        if let Ok(permit) = breaker.try_acquire() {
            permit.ignore();
            succeed(&breaker);
            assert_eq!(*events.lock().unwrap(), [], "{state}");
        }
    }
}

#[test]
fn an_event_of_a_refusal_carries_the_name_no_change_and_the_error_s_words() {
    let breaker = fragile(&ManualClock::new()).build();
    fail(&breaker);
    let events = log(&breaker, |event| Some(event.clone()));
    let rejection = breaker.try_acquire().unwrap_err();
    let events = events.lock().unwrap();
    assert_eq!((events.len(), events[0].policy(), events[0].change()), (1, "fragile", None));
    assert_eq!(events[0].to_string(), "circuit breaker `fragile` is open: a failure; next probe in 5s");
    assert_eq!(events[0].to_string(), rejection.to_string());
}

#[test]
fn a_refusal_is_not_told_before_the_change_that_caused_it() {
    let breaker = fragile(&ManualClock::new()).build();
    let order = log(&breaker, |event| match event.kind() {
        EventKind::Changed(change) => Some(format!("to {}", change.to())),
        EventKind::Rejected(Rejection::CircuitOpen(open)) => Some(format!("refused: {}", open.state())),
        other => panic!("{other:?}"),
    });
    fail(&breaker);
    let mut service = breaker.layer().backpressure().layer(service_fn(|()| future::ready(FAILED)));
    // It calls as soon as it is woken: after the change was made, before it is reported.
    let inside = breaker.clone();
    let waker = calling_waker(move || _ = inside.try_acquire().unwrap_err());
    assert_pending!(service.poll_ready(&mut Context::from_waker(&waker)));
    breaker.force_open();
    assert_eq!(*order.lock().unwrap(), ["to open", "to forced open", "refused: forced open"]);
}

#[test]
fn what_was_refused_before_the_first_observer_came_is_not_told() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).build();
    fail(&breaker);
    breaker.try_acquire().unwrap_err();
    let told = log_rejections(&breaker);
    clock.advance(OPEN_FOR);
    succeed(&breaker);
    assert_eq!(*told.lock().unwrap(), []);
}
