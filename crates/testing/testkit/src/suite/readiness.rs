//! A service that asks its policy in `poll_ready` and reserves nothing.
//!
//! While the policy rejects, the service is ready at once, and the next call is rejected. Otherwise it is as ready as its inner
//! service.

use seawall_core::Rejection;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::BoxError;
use tower_test::mock::Spawn;

use super::{non_empty, tower::guarded};
use crate::{
    Gated, Tally,
    panics::panic_message,
    service::{NOT_READY, Strict},
};

#[track_caller]
fn assert_rejected(error: BoxError, row: &str) {
    assert!(error.is::<Rejection>(), "{row}: {error}");
}

/// A policy that rejects makes its service ready at once, while the inner service is not ready, and rejects the call.
pub fn a_policy_that_rejects_does_so_at_once_while_the_inner_service_is_not_ready<S: Gated>() {
    for (kind, subject) in non_empty(S::gated()) {
        let (mut service, mut handle) = guarded(&subject);
        handle.allow(0);
        subject.shut();
        assert_ready_ok!(service.poll_ready(), "{kind}");
        assert_rejected(assert_ready_err!(task::spawn(service.call(1)).poll(), "{kind}"), &kind);
        assert_pending!(handle.poll_request(), "{kind}");
    }
}

/// A call that a rejection made ready is rejected, even if the policy admits calls by then.
///
/// If calls ask again, it is admitted instead, and waits for the inner service.
pub fn a_call_that_a_rejection_made_ready_is_rejected_even_if_there_is_room_since<S: Gated>() {
    for (kind, subject) in non_empty(S::gated()) {
        let (mut service, mut handle) = guarded(&subject);
        handle.allow(0);
        subject.shut();
        assert_ready_ok!(service.poll_ready(), "{kind}");
        subject.open();
        if S::ASKS_AGAIN {
            let mut call = task::spawn(service.call(1));
            assert_pending!(call.poll(), "{kind}");
            assert_pending!(handle.poll_request(), "{kind}");
            subject.assert_in_flight(1);
            handle.allow(1);
            assert!(call.is_woken(), "{kind}");
            assert_pending!(call.poll(), "{kind}");
            assert_eq!(assert_ready!(handle.poll_request(), "{kind}").expect("the service lives").0, 1, "{kind}");
            continue;
        }
        // A mock that was not made ready panics if it is called.
        assert_rejected(assert_ready_err!(task::spawn(service.call(1)).poll(), "{kind}"), &kind);
        assert_pending!(handle.poll_request(), "{kind}");
        subject.assert_idle();
        assert_pending!(service.poll_ready(), "{kind}: the next call asks the inner service");
    }
}

/// What `poll_ready` found is forgotten by the next `poll_ready`.
pub fn what_poll_ready_found_is_forgotten_by_the_next_poll_ready<S: Gated>() {
    for (kind, subject) in non_empty(S::gated()) {
        let (mut service, mut handle) = guarded(&subject);
        handle.allow(1);
        subject.shut();
        assert_ready_ok!(service.poll_ready(), "{kind}");
        subject.open();
        assert_ready_ok!(service.poll_ready(), "{kind}");
        assert_pending!(task::spawn(service.call(5)).poll(), "{kind}");
        assert_eq!(assert_ready!(handle.poll_request(), "{kind}").expect("the service lives").0, 5, "{kind}");
    }
}

/// A call that was made ready is rejected if the policy rejects since. The inner service's readiness is not lost.
pub fn a_call_that_was_made_ready_is_rejected_if_there_is_no_room_since<S: Gated>() {
    for (kind, subject) in non_empty(S::gated()) {
        let (mut service, mut handle) = guarded(&subject);
        handle.allow(1);
        assert_ready_ok!(service.poll_ready(), "{kind}");
        subject.shut();
        assert_rejected(assert_ready_err!(task::spawn(service.call(1)).poll(), "{kind}"), &kind);
        assert_pending!(handle.poll_request(), "{kind}");
        subject.open();
        assert_ready_ok!(service.poll_ready(), "{kind}");
        assert_pending!(task::spawn(service.call(5)).poll(), "{kind}");
        assert_eq!(assert_ready!(handle.poll_request(), "{kind}").expect("the service lives").0, 5, "{kind}");
    }
}

/// Each rejected call of a service is counted once, and `poll_ready` counts nothing.
pub fn each_rejected_call_of_a_service_is_counted_once_and_poll_ready_is_not<S: Gated>() {
    for (kind, subject) in non_empty(S::gated()) {
        let (mut service, _handle) = guarded(&subject);
        assert_ready_ok!(service.poll_ready(), "{kind}");
        subject.shut();
        let before = subject.rejected();
        drop(service.call(1));
        assert_eq!(subject.rejected() - before, 1, "{kind}: the policy admitted calls at `poll_ready`");
        for _ in 0..3 {
            assert_ready_ok!(service.poll_ready(), "{kind}");
        }
        assert_eq!(subject.rejected() - before, 1, "{kind}: to ask is no call");
        drop(service.call(2));
        assert_eq!(subject.rejected() - before, 2, "{kind}");
    }
}

/// A clone starts without what `poll_ready` found.
pub fn a_clone_starts_without_what_poll_ready_found<S: Gated>() {
    for (kind, subject) in non_empty(S::gated()) {
        let mut service = Spawn::new(subject.guard(Strict::default()));
        subject.shut();
        assert_ready_ok!(service.poll_ready(), "{kind}");
        subject.open();
        let mut clone = service.clone();
        if S::ASKS_AGAIN {
            for service in [&mut clone, &mut service] {
                assert_eq!(assert_ready_ok!(task::spawn(service.call(1)).poll(), "{kind}"), 2, "{kind}");
            }
            continue;
        }
        // The contract forbids this call. It shows that the clone does not reject: the inner service complains.
        let message = panic_message(|| task::spawn(clone.call(1)).poll()).expect("the inner service is called");
        assert!(message.contains(NOT_READY), "{kind}: {message}");
        // For some policies a panic is a failure, which shuts them.
        subject.open();
        assert_rejected(assert_ready_err!(task::spawn(service.call(1)).poll(), "{kind}"), &kind);
    }
}

/// A clone that is ready and idle takes nothing from other clones.
pub fn a_clone_that_is_ready_and_idle_takes_nothing<S: Gated>() {
    for (kind, subject) in non_empty(S::gated()) {
        let (mut idle, mut handle) = guarded(&subject);
        handle.allow(10);
        let mut busy = idle.clone();
        assert_ready_ok!(idle.poll_ready(), "{kind}");
        subject.assert_idle();
        for _ in 0..3 {
            assert_ready_ok!(busy.poll_ready(), "{kind}");
            let mut call = task::spawn(busy.call(1));
            assert_pending!(call.poll(), "{kind}");
            assert_ready!(handle.poll_request(), "{kind}").expect("the service lives").1.send_response(2);
            assert_eq!(assert_ready_ok!(call.poll(), "{kind}"), 2, "{kind}");
        }
        subject.assert_idle();
        subject.assert_counted(Tally { succeeded: 3, ..Tally::default() });
    }
}
