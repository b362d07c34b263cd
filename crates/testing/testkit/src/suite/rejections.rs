//! A rejected call runs nothing, is counted once, and says that it was rejected.

use std::future::Ready;

use seawall_core::Rejection;
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower_test::mock::{self, Spawn};

use super::{each, non_empty, poll_to_end};
use crate::{
    Rejecting, Tally,
    alloc::{RUNS, allocations},
    panics::panic_message,
    reply::{Reply, is_rejected},
    service::Strict,
};

/// A rejected call does not run its closure and is counted once, in each way that is a future.
pub fn a_rejected_call_does_not_run_its_closure_and_is_counted_once<S: Rejecting>() {
    for (row, way, subject) in each::<S>(S::rejecting) {
        let mut call = task::spawn(subject.start(way, || -> Ready<Reply> { panic!("the closure ran") }));
        let reply = poll_to_end(&mut call);
        assert!(is_rejected(&reply), "{row}: {reply:?}");
        assert_eq!(subject.rejected(), 1, "{row}");
        drop(call);
        assert_eq!(subject.rejected(), 1, "{row}");
        subject.assert_counted(Tally::default());
    }
}

/// All ways to call share one state: a policy that rejects does so in each way, and counts each call once.
pub fn all_ways_are_rejected_and_each_is_counted_once<S: Rejecting>() {
    for (kind, subject) in non_empty(S::rejecting()) {
        for (count, (way, run)) in (1..).zip(S::RUNS) {
            let reply = run(&subject.clone(), Ok(()));
            assert!(is_rejected(&reply), "{kind}, {way}: {reply:?}");
            assert_eq!(subject.rejected(), count, "{kind}, {way}");
        }
        subject.assert_counted(Tally::default());
    }
}

/// A rejected call that is dropped before its end changes nothing. It is counted if it has asked the policy.
pub fn a_rejected_call_that_is_dropped_changes_nothing<S: Rejecting>() {
    for (row, way, subject) in each::<S>(S::rejecting) {
        drop(subject.start(way, || -> Ready<Reply> { panic!("the closure ran") }));
        assert_eq!(subject.rejected(), u64::from(S::asks_when_made(way)), "{row}");
        subject.assert_counted(Tally::default());
    }
}

/// A rejected call of a service does not touch the inner service, and its error carries the rejection.
pub fn a_rejected_call_does_not_touch_the_inner_service<S: Rejecting>() {
    for (kind, subject) in non_empty(S::rejecting()) {
        let (mock, mut handle) = mock::pair::<u32, u32>();
        let mut service = Spawn::new(subject.guard(mock));
        handle.allow(1);
        assert_ready_ok!(service.poll_ready(), "{kind}");
        let error = poll_to_end(&mut task::spawn(service.call(1))).unwrap_err();
        assert!(error.is::<Rejection>(), "{kind}: {error}");
        assert_pending!(handle.poll_request(), "{kind}");
        assert_eq!(subject.rejected(), 1, "{kind}");
    }
}

/// A response takes the place of a rejection, and a call that ran keeps its own response.
pub fn a_response_takes_the_place_of_a_rejection<S: Rejecting>() {
    let respond = |_: Rejection| 503;
    for (kind, subject) in non_empty(S::rejecting()) {
        let mut service = Spawn::new(subject.guard_with(respond, Strict::default()));
        assert_ready_ok!(service.poll_ready(), "{kind}");
        assert_eq!(poll_to_end(&mut task::spawn(service.call(1))).unwrap(), 503, "{kind}");
        assert_eq!(subject.rejected(), 1, "{kind}");
    }
    for (kind, subject) in non_empty(S::admitting()) {
        let mut service = Spawn::new(subject.guard_with(respond, Strict::default()));
        assert_ready_ok!(service.poll_ready(), "{kind}");
        assert_eq!(poll_to_end(&mut task::spawn(service.call(1))).unwrap(), 2, "{kind}");
        assert_eq!(subject.rejected(), 0, "{kind}");
        subject.assert_idle();
    }
}

/// A panic of the closure that makes a response reaches the caller, and the rejection is counted once.
pub fn a_panic_in_a_response_goes_on_and_the_rejection_is_counted_once<S: Rejecting>() {
    for (kind, subject) in non_empty(S::rejecting()) {
        let respond = |_: Rejection| -> u32 { panic!("in on_reject") };
        let mut service = Spawn::new(subject.guard_with(respond, Strict::default()));
        assert_ready_ok!(service.poll_ready(), "{kind}");
        let mut call = task::spawn(service.call(1));
        assert_eq!(panic_message(|| call.poll()).as_deref(), Some("in on_reject"), "{kind}");
        panic_message(|| call.poll());
        drop(call);
        assert_eq!(subject.rejected(), 1, "{kind}");
        subject.assert_counted(Tally::default());
    }
}

/// A rejected call allocates nothing in any way.
pub fn a_rejected_call_allocates_nothing<S: Rejecting>() {
    for (way, run) in S::RUNS {
        for (kind, subject) in non_empty(S::rejecting()) {
            assert!(is_rejected(&run(&subject, Ok(()))), "{kind}, {way}");
            assert_eq!(allocations(|| drop(run(&subject, Ok(())))), 0, "{kind}, {way}");
            assert_eq!(subject.rejected(), 2 + RUNS, "{kind}, {way}");
        }
    }
}
