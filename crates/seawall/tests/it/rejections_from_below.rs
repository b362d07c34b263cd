//! A circuit breaker does not blame the callee for a rejection by a policy below, whether the policies are nested calls,
//! single layers or a stack.

use std::{cell::Cell, error, future, io, time::Duration};

use futures::FutureExt;
use seawall::{
    Budget, Bulkhead, CircuitBreaker, Classify, Deadline, ErrIsFailure, Error, FromRejection, Outcome, Retry, Stack,
    State, Timeout, Trip,
};
use tower::{Layer, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

type Boxed = Box<dyn error::Error + Send + Sync>;

/// Each way to put a breaker around another policy.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Execute,
    Call,
    Layers,
    Stack,
}

const FORMS: [Form; 4] = [Form::Execute, Form::Call, Form::Layers, Form::Stack];

fn breaker() -> CircuitBreaker {
    CircuitBreaker::builder("outer").trip(Trip::consecutive(3)).build()
}

fn full() -> Bulkhead {
    let full = Bulkhead::new("full", 1);
    std::mem::forget(full.try_acquire().unwrap());
    full
}

fn timeout(limit: Duration) -> Timeout {
    Timeout::builder("attempt", limit).build()
}

async fn down() -> Result<u8, io::Error> {
    Err(io::Error::other("down"))
}

async fn hangs() -> Result<u8, io::Error> {
    future::pending().await
}

/// Guards one call by `$breaker` around `$inner`, in the given form.
macro_rules! guard {
    ($form:expr, $breaker:expr, $inner:expr, $add:ident, $call:path) => {{
        let (breaker, inner) = (&$breaker, &$inner);
        match $form {
            Form::Execute => drop(breaker.execute(|| inner.execute(|| $call())).await),
            Form::Call => {
                let call = || async { $call().await.map_err(Error::Inner) };
                drop(breaker.call(|| inner.call(call)).await);
            }
            Form::Layers => {
                let callee = service_fn(|()| async { $call().await.map_err(Error::Inner) });
                drop(breaker.layer().layer(inner.layer().layer(callee)).oneshot(()).await);
            }
            Form::Stack => {
                let stack = Stack::new().circuit_breaker(breaker.clone()).$add(inner.clone());
                drop(stack.execute(|| $call()).await);
            }
        }
    }};
}

#[tokio::test]
async fn a_full_bulkhead_below_does_not_open_the_circuit() {
    for form in FORMS {
        let breaker = breaker();
        for _ in 0..30 {
            guard!(form, breaker, full(), bulkhead, down);
        }
        assert_eq!(breaker.state(), State::Closed, "{form:?}");
        for _ in 0..3 {
            guard!(form, breaker, Bulkhead::new("free", 1), bulkhead, down);
        }
        assert_eq!(breaker.state(), State::Open, "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_exceeds_its_own_limit_is_a_failure() {
    for form in FORMS {
        let breaker = breaker();
        for _ in 0..3 {
            guard!(form, breaker, timeout(SECOND), timeout, hangs);
        }
        assert_eq!(breaker.state(), State::Open, "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_callers_deadline_cuts_off_is_abandoned() {
    for form in FORMS {
        let breaker = breaker();
        for _ in 0..5 {
            let call = async { guard!(form, breaker, timeout(5 * SECOND), timeout, hangs) };
            Deadline::after(SECOND / 20).scope(call).await;
        }
        assert_eq!(breaker.state(), State::Closed, "{form:?}");
        // A hang that is long enough stays visible.
        let patient =
            CircuitBreaker::builder("patient").trip(Trip::consecutive(1)).abandoned_after(SECOND / 25).build();
        Deadline::after(SECOND / 20).scope(async { guard!(form, patient, timeout(5 * SECOND), timeout, hangs) }).await;
        assert_eq!(patient.state(), State::Open, "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_classifier_leaves_a_call_that_was_cut_off_to_abandoned() {
    struct Blunt;
    impl<T, E> Classify<T, E> for Blunt {
        fn classify(&self, result: &Result<T, E>) -> Outcome {
            if result.is_ok() { Outcome::Success } else { Outcome::Failure }
        }
    }
    for form in FORMS {
        let breaker = CircuitBreaker::builder("blunt").trip(Trip::consecutive(1)).classify(Blunt).build();
        Deadline::after(SECOND / 20).scope(async { guard!(form, breaker, timeout(5 * SECOND), timeout, hangs) }).await;
        assert_eq!(breaker.state(), State::Closed, "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_an_outer_timeout_is_not_the_callers_deadline() {
    let (attempt, inner) = (timeout(SECOND), timeout(5 * SECOND));
    for form in [Form::Execute, Form::Call, Form::Layers] {
        let breaker = CircuitBreaker::builder("outer").trip(Trip::consecutive(1)).build();
        let callee = || async { hangs().await.map_err(Error::Inner) };
        match form {
            Form::Execute => drop(breaker.execute(|| attempt.execute(|| inner.execute(hangs))).await),
            Form::Call => drop(breaker.call(|| attempt.call(|| inner.call(callee))).await),
            _ => {
                let below = inner.layer().layer(service_fn(|()| callee()));
                drop(breaker.layer().layer(attempt.layer().layer(below)).oneshot(()).await);
            }
        }
        assert_eq!(breaker.state(), State::Open, "{form:?}");
    }
}

#[test]
fn a_rejection_passes_through_every_policy_between() {
    let (outer, middle) = (breaker(), breaker());
    let inner = Bulkhead::new("free", 1);
    let full = full();
    for _ in 0..30 {
        let call = || middle.execute(|| inner.execute(|| full.execute(down)));
        drop(outer.execute(call).now_or_never().unwrap());
        drop(outer.execute_blocking(|| middle.execute_blocking(|| full.execute_blocking(|| Ok::<_, ()>(1)))));
    }
    assert_eq!((outer.state(), middle.state()), (State::Closed, State::Closed));
}

#[test]
fn a_permit_that_was_refused_is_a_rejection_where_it_becomes_the_error() {
    let (outer, full) = (breaker(), full());
    for _ in 0..30 {
        let call = || async {
            let _permit = full.try_acquire()?;
            down().await.map_err(Error::Inner)
        };
        drop(outer.execute(call).now_or_never().unwrap());
    }
    assert_eq!(outer.state(), State::Closed);
}

#[test]
fn an_error_after_a_rejection_that_the_call_itself_handled_is_a_failure() {
    let (outer, full) = (breaker(), full());
    for _ in 0..3 {
        let call = || async {
            full.execute(|| async { Ok::<_, io::Error>(1) }).await.unwrap_err();
            down().await.map_err(Error::Inner)
        };
        drop(outer.execute(call).now_or_never().unwrap());
    }
    assert_eq!(outer.state(), State::Open);
}

#[test]
fn an_error_that_another_policy_gave_after_the_rejection_is_a_failure() {
    let (outer, full, free) = (breaker(), full(), Bulkhead::new("free", 1));
    let boxed = || async { Err::<u8, _>(Boxed::from("down")) };
    for _ in 0..3 {
        let call = || async {
            full.call(boxed).await.unwrap_err();
            free.call(boxed).await
        };
        drop(outer.execute(call).now_or_never().unwrap());
    }
    assert_eq!(outer.state(), State::Open);
}

#[test]
fn an_old_rejection_is_not_the_reason_for_a_later_failure() {
    let (outer, full) = (breaker(), full());
    for _ in 0..3 {
        drop(full.call(|| async { Ok::<_, Boxed>(1) }).now_or_never().unwrap());
        drop(outer.execute(|| async { Err::<u8, _>(Boxed::from("down")) }).now_or_never().unwrap());
    }
    assert_eq!(outer.state(), State::Open);
}

#[test]
fn any_error_that_carries_rejections_is_known() {
    #[derive(Debug)]
    enum Own {
        Rejected,
        Io,
    }
    impl From<seawall::Rejection> for Own {
        fn from(_: seawall::Rejection) -> Self {
            Self::Rejected
        }
    }
    fn rejected_and_failed<E: FromRejection>(failure: impl Fn() -> E) -> [State; 2] {
        let (full, free) = (full(), Bulkhead::new("free", 1));
        [full, free].map(|bulkhead| {
            let breaker = breaker();
            for _ in 0..3 {
                let call = || bulkhead.call(|| async { Err::<u8, _>(failure()) });
                drop(breaker.call(call).now_or_never().unwrap());
            }
            breaker.state()
        })
    }
    assert_eq!(rejected_and_failed(|| Own::Io), [State::Closed, State::Open]);
    assert_eq!(rejected_and_failed(|| Boxed::from("down")), [State::Closed, State::Open]);
    assert_eq!(rejected_and_failed(|| Error::Inner(7)), [State::Closed, State::Open]);
}

#[test]
fn the_classifier_by_itself_knows_no_rejection() {
    let rejection = full().try_acquire().unwrap_err();
    let result: Result<u8, Error<u8>> = Err(rejection.into());
    assert_eq!(ErrIsFailure.classify(&result), Outcome::Failure);
}

/// A retry, alone or in a stack, heeds the rejection of a policy that the closure calls, with any error type.
#[tokio::test(start_paused = true)]
async fn a_retry_heeds_a_policy_that_the_closure_calls() {
    let retry = || Retry::builder("r").budget(Budget::unlimited()).build();
    let attempts = Cell::new(0);
    let full = full();
    let call = || {
        attempts.set(attempts.get() + 1);
        full.execute(down)
    };
    let alone = retry().execute(call).await;
    assert!(matches!(alone, Err(Error::Rejected(_))), "{alone:?}");
    assert_eq!(attempts.replace(0), 1, "a bulkhead does not say when it has room");
    let in_stack = Stack::new().retry(retry()).execute(call).await;
    assert!(matches!(in_stack, Err(Error::Inner(Error::Rejected(_)))), "{in_stack:?}");
    assert_eq!(attempts.replace(0), 1);
    let service = service_fn(|()| call());
    let layered = retry().layer().clone_all().any_error().layer(service).oneshot(()).await;
    assert!(matches!(layered, Err(Error::Rejected(_))), "{layered:?}");
    assert_eq!(attempts.get(), 1);
}
