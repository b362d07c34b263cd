//! A call can be dropped after any poll: the inner call is dropped once, and the policy keeps nothing of the call.

use std::{
    cell::Cell,
    future,
    panic::{self, AssertUnwindSafe},
    sync::mpsc,
};

use tokio::{runtime, task::yield_now, time};
use tokio_test::{assert_pending, task};

use super::{PENDING, assert_admits, each, poll_to_end};
use crate::{
    Subject, Tally,
    call::{Census, steps},
    reply::{FAILED, Reply},
    time::SECOND,
};

/// A call that ends is counted once, and its drop changes nothing.
pub fn a_call_that_ends_is_counted_once_and_its_drop_changes_nothing<S: Subject>() {
    for reply in [Ok(()), FAILED] {
        for (row, way, subject) in each::<S>(S::admitting) {
            let census = Census::default();
            let mut call = task::spawn(subject.start(way, || census.count(steps(PENDING, || reply.clone()))));
            for _ in 0..PENDING {
                assert_pending!(call.poll(), "{row}");
                subject.assert_in_flight(1);
            }
            assert_eq!(poll_to_end(&mut call), reply, "{row}");
            let tally =
                Tally { succeeded: u32::from(reply.is_ok()), failed: u32::from(reply.is_err()), ..Tally::default() };
            subject.assert_counted(tally);
            drop(call);
            assert_eq!(census.dropped(), census.begun(), "{row}");
            subject.assert_idle();
            subject.assert_counted(tally);
        }
    }
}

/// A call that is dropped before its first poll, or after any later poll, drops its inner call once and leaves nothing.
pub fn a_call_dropped_after_any_poll_drops_its_inner_call_once_and_leaves_nothing<S: Subject>() {
    for polls in 0..=PENDING {
        for (row, way, subject) in each::<S>(S::admitting) {
            let row = format!("{row}, dropped after {polls} polls");
            let census = Census::default();
            let mut call = task::spawn(subject.start(way, || census.count(future::pending::<Reply>())));
            for _ in 0..polls {
                assert_pending!(call.poll(), "{row}");
            }
            assert!(census.begun() <= 1, "{row}");
            assert_eq!(census.dropped(), 0, "{row}: the call lives");
            if polls > 0 {
                assert_eq!(census.begun(), 1, "{row}");
            }
            let asked = polls > 0 || S::asks_when_made(way);
            subject.assert_in_flight(u32::from(asked));
            drop(call);
            assert_eq!(census.dropped(), census.begun(), "{row}");
            subject.assert_idle();
            subject.assert_counted(Tally { abandoned: u32::from(asked), ..Tally::default() });
            assert_admits(&subject, way, &row);
        }
    }
}

/// Calls that are dropped over and over use nothing up.
pub fn calls_dropped_over_and_over_use_nothing_up<S: Subject>() {
    for (row, way, subject) in each::<S>(S::admitting) {
        for round in 0..1_000 {
            let mut call = task::spawn(subject.start(way, future::pending::<Reply>));
            for _ in 0..round % 3 {
                assert_pending!(call.poll(), "{row}, round {round}");
            }
        }
        subject.assert_idle();
        assert_admits(&subject, way, &row);
    }
}

/// A call that the unwinding of its caller drops is dropped once, and the caller's panic goes on.
pub fn a_call_dropped_by_its_callers_panic_is_dropped_once<S: Subject>() {
    for (row, way, subject) in each::<S>(S::admitting) {
        let census = Census::default();
        let caught = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut call = task::spawn(subject.start(way, || census.count(future::pending::<Reply>())));
            assert_pending!(call.poll());
            panic::resume_unwind(Box::new("the caller"));
        }));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"the caller"), "{row}");
        assert_eq!((census.begun(), census.dropped()), (1, 1), "{row}");
        subject.assert_idle();
        assert_admits(&subject, way, &row);
    }
}

/// A timeout of the caller drops the call, and loses nothing.
pub fn a_timeout_of_the_caller_loses_nothing<S: Subject>() {
    let runtime = runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    for (row, way, subject) in each::<S>(S::admitting) {
        let dropped = Cell::new(0);
        let hangs = || crate::call::hangs_until_dropped(|| dropped.set(dropped.get() + 1));
        let call = subject.start(way, hangs);
        assert!(runtime.block_on(async { time::timeout(SECOND, call).await }).is_err(), "{row}");
        assert_eq!(dropped.get(), 1, "{row}");
        subject.assert_idle();
        subject.assert_counted(Tally { abandoned: 1, ..Tally::default() });
        assert_admits(&subject, way, &row);
    }
}

/// A runtime that shuts down drops the calls of its tasks, those that ran and those that no task has polled.
pub fn a_runtime_that_shuts_down_drops_the_calls<S: Subject>() {
    let runtimes: [fn() -> runtime::Runtime; 2] = [
        || runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
        || runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap(),
    ];
    for (runtime, polled) in runtimes.into_iter().flat_map(|runtime| [(runtime, true), (runtime, false)]) {
        for (row, way, subject) in each::<S>(S::admitting) {
            let (runtime, census) = (runtime(), Census::default());
            let (under_way, hears) = mpsc::channel();
            let counts = census.clone();
            let call = subject.spawnable(way, move || counts.count(future::pending::<Reply>()));
            let task = runtime.spawn(async move {
                let mut call = call;
                if polled {
                    assert_pending!(futures::poll!(&mut call));
                }
                under_way.send(()).unwrap();
                future::pending::<()>().await;
                call.await
            });
            runtime.block_on(async {
                while hears.try_recv().is_err() {
                    yield_now().await;
                }
            });
            assert_eq!(census.dropped(), 0, "{row}, polled: {polled}");
            drop(runtime);
            assert!(task.is_finished(), "{row}, polled: {polled}");
            assert_eq!(census.dropped(), census.begun(), "{row}, polled: {polled}");
            subject.assert_idle();
            assert_admits(&subject, way, &row);
        }
    }
}
