//! The contract of `tower::Service`: what `poll_ready` says, which service is called, and what clones share.

use std::io;

use tokio::{runtime, task::yield_now};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{
    Service, ServiceExt,
    buffer::Buffer,
    util::{BoxCloneService, BoxService},
};
use tower_test::mock::{self, Handle, Mock, Spawn};

use super::{MANY_POLLS, non_empty, poll_to_end};
use crate::{Subject, Tally, service::Strict, time::some_day};

/// The service of a subject around a mock.
type GuardedMock<S> = Spawn<<S as Subject>::Guarded<Mock<u32, u32>>>;

/// A mock that `subject` guards, and the handle that answers its requests.
pub(super) fn guarded<S: Subject>(subject: &S) -> (GuardedMock<S>, Handle<u32, u32>) {
    let (mock, handle) = mock::pair();
    (Spawn::new(subject.guard(mock)), handle)
}

/// The service is as ready as its inner service, and its call reaches the inner service.
pub fn a_service_is_ready_when_its_inner_service_is<S: Subject>() {
    for (kind, subject) in non_empty(S::admitting()) {
        let (mut service, mut handle) = guarded(&subject);
        handle.allow(0);
        assert_pending!(service.poll_ready(), "{kind}");
        handle.allow(1);
        assert!(service.is_woken(), "{kind}");
        assert_ready_ok!(service.poll_ready(), "{kind}");
        assert_ready_ok!(service.poll_ready(), "{kind}: to ask twice is allowed");
        let mut call = task::spawn(service.call(7));
        assert_pending!(call.poll(), "{kind}");
        subject.assert_in_flight(1);
        assert_pending!(service.poll_ready(), "{kind}: a single call was allowed");
        let (request, answer) = assert_ready!(handle.poll_request(), "{kind}").expect("the service lives");
        assert_eq!(request, 7, "{kind}");
        answer.send_response(8);
        assert!(call.is_woken(), "{kind}");
        assert_eq!(assert_ready_ok!(call.poll(), "{kind}"), 8, "{kind}");
        drop((call, service));
        subject.assert_idle();
    }
}

/// An error of the inner `poll_ready` is passed on, counts as no call, and leaves nothing taken.
pub fn an_error_of_poll_ready_is_passed_on_and_counts_as_no_call<S: Subject>() {
    for (kind, subject) in non_empty(S::admitting()) {
        let (mut service, mut handle) = guarded(&subject);
        assert_ready_ok!(service.poll_ready(), "{kind}");
        handle.send_error("broken");
        assert_eq!(assert_ready_err!(service.poll_ready(), "{kind}").to_string(), "broken", "{kind}");
        subject.assert_idle();
        subject.assert_counted(Tally::default());
    }
}

/// What the inner service answers is counted in the poll that returns it, although the future lives on.
///
/// Two calls are in flight, and their answers come in the other order.
pub fn an_answer_is_counted_in_the_poll_that_returns_it<S: Subject>() {
    for (kind, subject) in non_empty(S::admitting()) {
        let (mut service, mut handle) = guarded(&subject);
        let mut calls = [1, 2].map(|request| {
            assert_ready_ok!(service.poll_ready(), "{kind}");
            let mut call = task::spawn(service.call(request));
            assert_pending!(call.poll(), "{kind}");
            call
        });
        let answers = [0, 1].map(|_| assert_ready!(handle.poll_request(), "{kind}").expect("the service lives").1);
        for (answer, response) in answers.into_iter().zip(3..) {
            answer.send_response(response);
        }
        for (succeeded, index) in [(0, 1), (1, 0)] {
            // The callers have not seen the other answers yet.
            subject.assert_in_flight(2 - succeeded);
            let succeeded = if S::COUNTS_WHEN_ADMITTED { 2 } else { succeeded };
            subject.assert_counted(Tally { succeeded, ..Tally::default() });
            assert_eq!(assert_ready_ok!(calls[index].poll(), "{kind}"), [3, 4][index], "{kind}");
        }
        subject.assert_in_flight(0);
        subject.assert_counted(Tally { succeeded: 2, ..Tally::default() });
        drop(calls);
        subject.assert_idle();
        subject.assert_counted(Tally { succeeded: 2, ..Tally::default() });
    }
}

/// An error of the inner service is passed on, and counted once.
pub fn an_error_of_a_call_is_passed_on_and_counted_once<S: Subject>() {
    for (kind, subject) in non_empty(S::admitting()) {
        let (mut service, mut handle) = guarded(&subject);
        assert_ready_ok!(service.poll_ready(), "{kind}");
        let mut call = task::spawn(service.call(1));
        let mut polls = 0;
        let error = loop {
            if let std::task::Poll::Ready(reply) = call.poll() {
                break reply.unwrap_err();
            }
            // A retry sends the request again.
            if let std::task::Poll::Ready(Some((_, answer))) = handle.poll_request() {
                answer.send_error(io::Error::other("down"));
            }
            polls += 1;
            assert!(polls < MANY_POLLS, "{kind}: the call does not end");
        };
        assert_eq!(error.downcast_ref::<io::Error>().map(ToString::to_string).as_deref(), Some("down"), "{kind}");
        subject.assert_counted(Tally { failed: 1, ..Tally::default() });
        subject.assert_in_flight(0);
        drop(call);
        subject.assert_idle();
        subject.assert_counted(Tally { failed: 1, ..Tally::default() });
    }
}

/// The service that was polled ready is the service that is called. A clone is called for nobody.
pub fn the_service_that_was_polled_ready_is_the_service_that_is_called<S: Subject>() {
    for (kind, subject) in non_empty(S::admitting()) {
        let mut service = Spawn::new(subject.guard(Strict::default()));
        for calls in 1..4 {
            let polls = S::inner(service.get_ref()).polls();
            assert_ready_ok!(service.poll_ready(), "{kind}");
            assert_eq!(S::inner(service.get_ref()).polls(), polls + 1, "{kind}: the inner service was polled once");
            let clone = service.clone();
            assert_eq!(S::inner(clone.get_ref()).polls(), 0, "{kind}: a clone starts without readiness");
            // A strict service panics if a clone of it is called instead.
            assert_eq!(poll_to_end(&mut task::spawn(service.call(2))).unwrap(), 4, "{kind}");
            assert_eq!(S::inner(service.get_ref()).calls(), calls, "{kind}");
        }
    }
}

/// A clone that is dropped or idle after `poll_ready` leaves nothing taken.
pub fn a_ready_service_that_is_dropped_leaves_nothing<S: Subject>() {
    for (kind, subject) in non_empty(S::admitting()) {
        let (mut service, mut handle) = guarded(&subject);
        handle.allow(2);
        let mut clone = service.clone();
        assert_ready_ok!(service.poll_ready(), "{kind}");
        drop(service);
        subject.assert_idle();
        subject.assert_counted(Tally::default());
        assert_ready_ok!(clone.poll_ready(), "{kind}");
        assert_pending!(task::spawn(clone.call(1)).poll(), "{kind}");
        assert!(assert_ready!(handle.poll_request(), "{kind}").is_some());
    }
}

/// Services can be boxed, boxed as clones, buffered and called in one shot. All share the policy.
pub fn a_service_can_be_boxed_cloned_buffered_and_called_in_one_shot<S: Subject>() {
    let runtime = runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let ask = async |subject: &S| {
        let service = subject.guard(Strict::default());
        let mut boxed = BoxService::new(service.clone());
        let boxed = some_day(async { boxed.ready().await?.call(1).await }).await.unwrap();
        let cloned = BoxCloneService::new(service.clone());
        let cloned = (some_day(cloned.clone().oneshot(2)).await.unwrap(), some_day(cloned.oneshot(3)).await.unwrap());
        let buffer = Buffer::new(service, 4);
        let buffered = (some_day(buffer.clone().oneshot(4)).await.unwrap(), some_day(buffer.oneshot(5)).await.unwrap());
        // The buffer's worker ends when its last handle has gone.
        yield_now().await;
        (boxed, cloned, buffered)
    };
    for (kind, subject) in non_empty(S::admitting()) {
        assert_eq!(runtime.block_on(ask(&subject)), (2, (4, 6), (8, 10)), "{kind}");
        subject.assert_idle();
        subject.assert_counted(Tally { succeeded: 5, ..Tally::default() });
    }
}
