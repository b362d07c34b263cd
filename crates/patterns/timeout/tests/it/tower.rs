//! The contract of a tower service: readiness, limits, answers, and when what is below is dropped.

use std::{cell::RefCell, convert::Infallible, future, rc::Rc, sync::Arc, time::Duration};

use crate::support::{Failed, Manual, OnDrop, Reply, SECOND, cut_off, manual, ms, timed_out};
use futures::FutureExt;
use seawall_core::{Rejection, time::ManualClock};
use seawall_timeout::TimeoutService;
use tokio::sync::Semaphore;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{BoxError, Layer, Service, limit::ConcurrencyLimit, service_fn};
use tower_test::mock::{self, Handle};

type Inner = mock::Mock<&'static str, u32>;
type Spawned = mock::Spawn<TimeoutService<Inner, Duration, ManualClock>>;

/// The mock, limited by `timeout`.
fn limited(timeout: &Manual) -> (Spawned, Handle<&'static str, u32>) {
    mock::spawn_layer(timeout.layer())
}

/// That an error of a boxed kind is a call cut off.
fn assert_cut_off(error: BoxError) {
    timed_out(&error.downcast::<Rejection>().expect("it is a rejection"));
}

// ===== contract =====

#[test]
fn the_time_until_a_service_is_ready_is_not_part_of_the_call() {
    let (timeout, clock) = manual(SECOND);
    let (mut service, mut handle) = limited(&timeout);
    handle.allow(0);
    assert_pending!(service.poll_ready());
    clock.advance(10 * SECOND);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call("one"));
    assert_pending!(call.poll());
    assert_ready!(handle.poll_request()).unwrap().1.send_response(1);
    assert_eq!(assert_ready_ok!(call.poll()), 1);
}

#[test]
fn a_call_that_is_not_answered_in_time_is_cut_off_and_the_next_is_not() {
    let (timeout, clock) = manual(SECOND);
    let (mut service, mut handle) = limited(&timeout);
    assert_ready_ok!(service.poll_ready());
    let mut hangs = task::spawn(service.call("hangs"));
    assert_pending!(hangs.poll());
    let (_, unanswered) = assert_ready!(handle.poll_request()).unwrap();
    clock.advance(SECOND);
    assert_cut_off(assert_ready_err!(hangs.poll()));
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call("goes on"));
    unanswered.send_response(1);
    assert_ready!(handle.poll_request()).unwrap().1.send_response(2);
    assert_eq!(assert_ready_ok!(call.poll()), 2);
}

#[test]
fn calls_of_one_service_have_a_limit_each() {
    let (timeout, clock) = manual(SECOND);
    let (mut service, _handle) = limited(&timeout);
    let mut begin = || {
        assert_ready_ok!(service.poll_ready());
        let mut call = task::spawn(service.call("hello"));
        assert_pending!(call.poll());
        call
    };
    let mut first = begin();
    clock.advance(ms(400));
    let mut second = begin();
    clock.advance(ms(600));
    assert_cut_off(assert_ready_err!(first.poll()));
    assert_pending!(second.poll());
    clock.advance(ms(400));
    assert_cut_off(assert_ready_err!(second.poll()));
}

#[test]
fn a_clone_is_made_ready_by_itself() {
    let inner = ConcurrencyLimit::new(service_fn(|()| future::ready(Reply::Ok(()))), 1);
    let mut service = manual(SECOND).0.layer().layer(inner);
    let mut clone = service.clone();
    let (mut first, mut second) = (task::spawn(()), task::spawn(()));
    assert_ready_ok!(first.enter(|cx, _| service.poll_ready(cx)));
    assert_pending!(second.enter(|cx, _| clone.poll_ready(cx)), "what the other has is not its own");
    drop(service);
    assert!(second.is_woken());
    assert_ready_ok!(second.enter(|cx, _| clone.poll_ready(cx)));
    assert_eq!(clone.call(()).now_or_never(), Some(Ok(())));
}

#[test]
fn a_service_whose_limit_is_zero_leaves_the_inner_one_ready_and_uncalled() {
    let (mut service, mut handle) = limited(&manual(Duration::ZERO).0);
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    assert_cut_off(assert_ready_err!(task::spawn(service.call("no")).poll()));
    assert_pending!(handle.poll_request());
}

#[test]
fn the_parts_of_a_service_can_be_reached() {
    let (timeout, _) = manual(SECOND);
    let mut service = TimeoutService::new(7, timeout);
    *service.get_mut() += 1;
    assert_eq!((*service.get_ref(), service.policy().name()), (8, "manual"));
}

// ===== answers =====

#[test]
fn a_service_that_cannot_fail_answers_who_is_cut_off() {
    let (timeout, clock) = manual(SECOND);
    let layer = timeout.layer().on_reject(|rejection| rejection.to_string());
    let mut service = layer.layer(service_fn(|()| future::pending::<Result<String, Infallible>>()));
    let mut call = task::spawn(service.call(()));
    assert_pending!(call.poll());
    clock.advance(SECOND);
    let Ok(answer) = assert_ready!(call.poll());
    assert_eq!(answer, "timeout `manual`: not done in 1s");
    let refuses = manual(Duration::ZERO).0.layer().on_reject(|rejection| rejection.to_string());
    let untouched = service_fn(|()| -> future::Ready<Result<String, Infallible>> { panic!("it is called") });
    let Ok(answer) = refuses.layer(untouched).call(()).now_or_never().unwrap();
    assert_eq!(answer, "timeout `manual`: a limit of zero lets no call begin");
}

#[test]
fn a_service_that_answers_leaves_other_results_alone() {
    let (timeout, _) = manual(SECOND);
    let layer = timeout.layer().on_reject(|_| panic!("nothing is rejected"));
    for end in [Ok(7), Err(Failed)] {
        assert_eq!(layer.clone().layer(service_fn(|()| future::ready(end))).call(()).now_or_never(), Some(end));
    }
}

// ===== what is dropped, and when =====

#[test]
fn a_permit_below_is_free_in_the_very_poll_that_gives_the_error() {
    let (timeout, clock) = manual(SECOND);
    let semaphore = Arc::new(Semaphore::new(1));
    let inner = service_fn(|()| future::pending::<Reply>());
    let mut service = timeout.layer().layer(ConcurrencyLimit::with_semaphore(inner, semaphore.clone()));
    assert_ready_ok!(task::spawn(()).enter(|cx, _| service.poll_ready(cx)));
    let mut call = task::spawn(service.call(()));
    assert_pending!(call.poll());
    assert_eq!(semaphore.available_permits(), 0);
    clock.advance(SECOND);
    assert!(cut_off(&assert_ready!(call.poll())).is_some());
    assert_eq!(semaphore.available_permits(), 1, "though the future lives on");
    drop(call);
}

#[test]
fn a_permit_below_is_free_when_the_answer_is_made() {
    let (timeout, clock) = manual(SECOND);
    let semaphore = Arc::new(Semaphore::new(1));
    let free = semaphore.clone();
    let layer = timeout.layer().on_reject(move |_| free.available_permits());
    let inner = service_fn(|()| future::pending::<Result<usize, Infallible>>());
    let mut service = layer.layer(ConcurrencyLimit::with_semaphore(inner, semaphore));
    assert_ready_ok!(task::spawn(()).enter(|cx, _| service.poll_ready(cx)));
    let mut call = task::spawn(service.call(()));
    assert_pending!(call.poll());
    clock.advance(SECOND);
    assert_eq!(assert_ready!(call.poll()), Ok(1));
}

#[test]
fn all_that_is_inside_is_dropped_before_the_error_is_given() {
    let (timeout, clock) = manual(SECOND);
    let order = Rc::new(RefCell::new(Vec::new()));
    let mark = |name| {
        let order = order.clone();
        OnDrop(move || order.borrow_mut().push(name))
    };
    let marks = RefCell::new(Some((mark("outer"), mark("inner"))));
    let mut service = timeout.layer().layer(service_fn(|()| {
        let (outer, inner) = marks.take().expect("it is called once");
        async move {
            let _outer = outer;
            async move {
                let _inner = inner;
                future::pending::<Reply>().await
            }
            .await
        }
    }));
    let mut call = task::spawn(service.call(()));
    assert_pending!(call.poll());
    clock.advance(SECOND);
    assert!(cut_off(&assert_ready!(call.poll())).is_some());
    order.borrow_mut().push("given");
    drop(call);
    assert_eq!(*order.borrow(), ["inner", "outer", "given"]);
}
