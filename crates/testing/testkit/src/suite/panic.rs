//! A panic of the inner call reaches the caller, is counted once, and leaves nothing taken.

use std::future::{self, Ready};

use tokio::runtime;
use tokio_test::{assert_pending, task};
use tower_test::mock::Spawn;

use super::{PENDING, assert_admits, each, non_empty};
use crate::{
    Subject, Tally,
    call::{Census, steps},
    panics::{PanicsOnDrop, WHILE_DROPPED, message, panic_message},
    reply::Reply,
    service::{Panicking, Place},
};

const AT_CREATION: &str = "at its creation";
const AT_A_POLL: &str = "at a poll";

const PANICKED: Tally = Tally { succeeded: 0, failed: 0, panicked: 1, abandoned: 0 };

/// A panic in the closure that makes the inner call reaches the caller and is counted once.
pub fn a_panic_at_the_creation_of_the_inner_call_is_counted_once_and_goes_on<S: Subject>() {
    for (row, way, subject) in each::<S>(S::admitting) {
        let panicked = panic_message(|| {
            let creation = || -> Ready<Reply> { panic!("{AT_CREATION}") };
            let mut call = task::spawn(subject.start(way, creation));
            let panicked = panic_message(|| call.poll());
            subject.assert_idle();
            subject.assert_counted(PANICKED);
            // Only a bad executor polls a call again that has panicked. It must not count a second time.
            panic_message(|| call.poll());
            drop(call);
            panic!("{}", panicked.expect("the poll panics"))
        });
        assert_eq!(panicked.as_deref(), Some(AT_CREATION), "{row}");
        subject.assert_idle();
        subject.assert_counted(PANICKED);
        assert_admits(&subject, way, &row);
    }
}

/// A panic in any poll of the inner call reaches the caller, is counted once, and drops the inner call once.
pub fn a_panic_at_any_poll_is_counted_once_and_goes_on<S: Subject>() {
    for polls in 0..=PENDING {
        for (row, way, subject) in each::<S>(S::admitting) {
            let row = format!("{row}, in poll {polls}");
            let census = Census::default();
            let panics = || census.count(steps(polls, || -> Reply { panic!("{AT_A_POLL}") }));
            let mut call = task::spawn(subject.start(way, panics));
            for _ in 0..polls {
                assert_pending!(call.poll(), "{row}");
            }
            assert_eq!(panic_message(|| call.poll()).as_deref(), Some(AT_A_POLL), "{row}");
            subject.assert_in_flight(0);
            subject.assert_counted(PANICKED);
            panic_message(|| call.poll());
            drop(call);
            assert_eq!((census.begun(), census.dropped()), (1, 1), "{row}");
            subject.assert_idle();
            subject.assert_counted(PANICKED);
            assert_admits(&subject, way, &row);
        }
    }
}

/// An inner call whose drop panics leaves nothing taken, and its panic goes on.
pub fn an_inner_call_that_panics_while_it_is_dropped_leaves_nothing<S: Subject>() {
    for polls in 0..=1 {
        for (row, way, subject) in each::<S>(S::admitting) {
            let row = format!("{row}, dropped after {polls} polls");
            let mut began = false;
            let call = subject.start(way, || {
                began = true;
                hangs_with(PanicsOnDrop)
            });
            let mut call = task::spawn(call);
            for _ in 0..polls {
                assert_pending!(call.poll(), "{row}");
            }
            let panicked = panic_message(|| drop(call));
            assert_eq!(panicked.as_deref(), began.then_some(WHILE_DROPPED), "{row}");
            subject.assert_idle();
            assert_admits(&subject, way, &row);
        }
    }
}

/// Hangs, and keeps `kept` until it is dropped.
async fn hangs_with<T>(kept: T) -> Reply {
    let _kept = kept;
    future::pending().await
}

/// A panic of a spawned call ends its task, and leaves nothing taken.
pub fn a_panic_in_a_task_is_the_tasks_own_and_is_counted_once<S: Subject>() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (row, way, subject) in each::<S>(S::admitting) {
        let call = subject.spawnable(way, || steps(0, || -> Reply { panic!("in a task") }));
        let error = runtime.block_on(runtime.spawn(call)).expect_err("the task panics");
        assert_eq!(message(&*error.into_panic()), "in a task", "{row}");
        subject.assert_idle();
        subject.assert_counted(PANICKED);
        assert_admits(&subject, way, &row);
    }
}

/// An inner service that panics in `poll_ready` was not called: nothing is counted, and nothing is taken.
pub fn an_inner_service_that_panics_in_poll_ready_was_not_called<S: Subject>() {
    for (kind, subject) in non_empty(S::admitting()) {
        let inner = Panicking(Place::PollReady);
        let mut service = Spawn::new(subject.guard(inner));
        assert_eq!(panic_message(|| service.poll_ready()).as_deref(), Some(inner.message()), "{kind}");
        drop(service);
        subject.assert_idle();
        subject.assert_counted(Tally::default());
    }
}

/// A panic in the `call` of an inner service, or in the poll of its future, is counted once and leaves nothing taken.
pub fn an_inner_service_that_panics_in_a_call_is_counted_once<S: Subject>() {
    for place in [Place::Call, Place::Poll] {
        for (kind, subject) in non_empty(S::admitting()) {
            let inner = Panicking(place);
            let mut service = Spawn::new(subject.guard(inner));
            let panicked = panic_message(|| {
                assert!(service.poll_ready().is_ready(), "{kind}");
                let mut call = task::spawn(service.call(1));
                call.poll()
            });
            assert_eq!(panicked.as_deref(), Some(inner.message()), "{kind}");
            drop(service);
            subject.assert_idle();
            subject.assert_counted(PANICKED);
        }
    }
}
