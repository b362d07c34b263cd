//! A panic in a call: it counts as exactly one failure, gives the place back, and goes on to the caller.

use crate::support;
use std::{cell::Cell, future, panic::AssertUnwindSafe, process::Command};

use crate::support::{FAILED, Failed, Manual, Reply, Way, counted, counting, fail, fragile, panic_words, steer, steps};
use futures::FutureExt;
use seawall_core::{
    Classify, Error, Outcome,
    breaker::{State, Trip},
    time::ManualClock,
};
use tokio_test::{assert_pending, task};
use tower::{Layer, Service};

const PENDING: u32 = 3;

/// Where a call panics.
#[derive(Debug, Clone, Copy)]
enum At {
    Creation,
    /// The poll with this number, from 0.
    Poll(u32),
}

/// Makes a call that panics there, in that way, until it has panicked; the words it panicked with.
fn panic_at<C>(at: At, way: Way, breaker: &Manual<C>) -> Option<String>
where
    C: Classify<(), Error<Failed>>,
{
    match at {
        At::Creation => panic_words(|| way.start(breaker, || -> future::Ready<Reply> { panic!("at its creation") })),
        At::Poll(poll) => {
            let mut call = task::spawn(way.start(breaker, || steps(poll, || panic!("at a poll"))));
            for _ in 0..poll {
                assert_pending!(call.poll());
            }
            let words = panic_words(|| call.poll());
            // What has panicked is polled again by nobody but a bad executor; it must not count once more.
            panic_words(|| call.poll());
            words
        }
    }
}

/// Every way to call, and every place at which it can panic.
fn each_panic() -> impl Iterator<Item = (Way, At)> {
    let places = || [At::Creation].into_iter().chain((0..=PENDING).map(At::Poll));
    Way::ALL.into_iter().flat_map(move |way| places().map(move |at| (way, at)))
}

#[test]
fn a_panic_counts_as_one_failure_and_goes_on_to_the_caller() {
    for (way, at) in each_panic() {
        let breaker = counting(&ManualClock::new()).build();
        let words = panic_at(at, way, &breaker).expect("it goes on to the caller");
        assert_eq!(words, if matches!(at, At::Creation) { "at its creation" } else { "at a poll" });
        assert_eq!(counted(&breaker), (1, 1), "{way:?} {at:?}");
    }
}

#[test]
fn a_probe_that_panics_gives_its_place_back_and_opens_the_circuit_again() {
    for (way, at) in each_panic() {
        let clock = ManualClock::new();
        let breaker = fragile(&clock).probes(2).build();
        steer(&breaker, &clock, State::HalfOpen);
        panic_at(at, way, &breaker);
        assert_eq!((breaker.state(), breaker.snapshot().undecided_probes()), (State::Open, 0), "{way:?} {at:?}");
        assert_eq!(breaker.snapshot().generation(), 3, "{way:?} {at:?}");

        // Judged by rate, one failure does not decide, and its place is taken for good.
        let breaker = fragile(&clock).probes(2).reopen_at(1.0).build();
        steer(&breaker, &clock, State::HalfOpen);
        panic_at(at, way, &breaker);
        assert_eq!((breaker.state(), breaker.snapshot().undecided_probes()), (State::HalfOpen, 0), "{way:?} {at:?}");
        fail(&breaker);
        assert_eq!(breaker.state(), State::Open, "{way:?} {at:?}");
    }
}

#[test]
fn a_panic_counts_as_a_failure_whatever_a_dropped_call_counts_as() {
    for (way, at) in each_panic() {
        for abandoned in [Outcome::Success, Outcome::Failure, Outcome::Ignored] {
            let breaker = counting(&ManualClock::new()).abandoned(abandoned).build();
            panic_at(at, way, &breaker);
            assert_eq!(counted(&breaker), (1, 1), "{way:?} {at:?} {abandoned:?}");
        }
    }
}

#[test]
fn a_panic_of_the_classifier_counts_as_one_failure() {
    let panics = |_: &Reply| -> Outcome { panic!("in the classifier") };
    for reply in [Ok(()), FAILED] {
        for way in Way::ALL {
            let breaker = counting(&ManualClock::new()).classify(panics).build();
            let mut call = task::spawn(way.start(&breaker, || future::ready(reply.clone())));
            assert_eq!(panic_words(|| call.poll()).as_deref(), Some("in the classifier"));
            drop(call);
            assert_eq!(counted(&breaker), (1, 1), "{way:?} {reply:?}");
        }
        let breaker = counting(&ManualClock::new()).classify(panics).build();
        assert!(panic_words(|| breaker.execute_blocking(|| reply.clone())).is_some());
        assert_eq!(counted(&breaker), (1, 1), "{reply:?}");
        let permit = breaker.try_acquire().unwrap();
        assert!(panic_words(|| permit.record(&reply)).is_some());
        assert_eq!(counted(&breaker), (2, 2), "{reply:?}");
    }
}

#[test]
fn a_probe_whose_classifier_panics_gives_its_place_back() {
    for way in Way::ALL {
        let clock = ManualClock::new();
        let breaker = fragile(&clock).classify(|_: &Reply| -> Outcome { panic!("in the classifier") }).build();
        fail(&breaker);
        clock.advance(support::OPEN_FOR);
        let call = AssertUnwindSafe(way.start(&breaker, || future::ready(Ok(())))).catch_unwind();
        assert!(futures::executor::block_on(call).is_err());
        assert_eq!((breaker.state(), breaker.snapshot().undecided_probes()), (State::Open, 0), "{way:?}");
    }
}

#[test]
fn a_blocking_call_that_panics_counts_as_one_failure() {
    let breaker = counting(&ManualClock::new()).build();
    let words = panic_words(|| breaker.execute_blocking(|| -> Reply { panic!("in the call") }));
    assert_eq!((words.as_deref(), counted(&breaker)), (Some("in the call"), (1, 1)));
}

#[test]
fn a_panic_in_a_task_counts_as_a_failure_and_is_the_tasks_own() {
    let breaker = counting(&ManualClock::new()).build();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let call = breaker.execute(|| async { if true { panic!("in a task") } else { FAILED } });
    let error = runtime.block_on(runtime.spawn(call)).unwrap_err();
    assert!(error.is_panic());
    assert_eq!(counted(&breaker), (1, 1));
}

#[test]
fn an_inner_service_that_panics_in_poll_ready_was_not_called() {
    struct Panics;
    impl Service<()> for Panics {
        type Response = ();
        type Error = Error<Failed>;
        type Future = future::Ready<Reply>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Reply> {
            panic!("in poll_ready")
        }

        fn call(&mut self, (): ()) -> Self::Future {
            unreachable!("it is never ready")
        }
    }
    let breaker = counting(&ManualClock::new()).build();
    let mut service = tower_test::mock::Spawn::new(breaker.layer().layer(Panics));
    assert_eq!(panic_words(|| service.poll_ready()).as_deref(), Some("in poll_ready"));
    assert_eq!(counted(&breaker), (0, 0));
}

#[test]
fn a_permit_dropped_by_a_panic_counts_as_a_failure() {
    let breaker = counting(&ManualClock::new()).build();
    panic_words(|| {
        let _permit = breaker.try_acquire().unwrap();
        panic!("before it was told");
    });
    assert_eq!(counted(&breaker), (1, 1));
    panic_words(|| {
        breaker.try_acquire().unwrap().success();
        panic!("after it was told");
    });
    assert_eq!(counted(&breaker), (2, 1));
}

#[test]
fn a_permit_taken_and_dropped_while_a_panic_unwinds_is_merely_dropped() {
    struct CallsOnDrop<'a>(&'a Manual, &'a Cell<bool>);
    impl Drop for CallsOnDrop<'_> {
        fn drop(&mut self) {
            drop(self.0.try_acquire().unwrap());
            self.1.set(std::thread::panicking());
        }
    }
    let breaker = counting(&ManualClock::new()).build();
    let unwound = Cell::new(false);
    panic_words(|| {
        let _guard = CallsOnDrop(&breaker, &unwound);
        panic!("and the guard cleans up");
    });
    assert!(unwound.get());
    assert_eq!(counted(&breaker), (0, 0));
}

#[test]
fn a_permit_that_a_panic_drops_late_in_its_period_counts_for_nothing_in_the_next() {
    let breaker = counting(&ManualClock::new()).build();
    panic_words(|| {
        let _permit = breaker.try_acquire().unwrap();
        breaker.reset();
        panic!("too late");
    });
    assert_eq!((counted(&breaker), breaker.snapshot().stale()), ((0, 0), 1));
}

#[test]
fn a_predicate_that_panics_while_a_call_panics_does_not_abort() {
    const CHILD: &str = "SEAWALL_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let rule = Trip::when(|_| panic!("in the predicate")).min_calls(1);
        let breaker = counting(&ManualClock::new()).trip(rule).build();
        panic_words(|| breaker.execute_blocking(|| -> Reply { panic!("in the call") }));
        return;
    }
    // In a process of its own: where it aborts, it takes all other tests with it.
    let name = "panic::a_predicate_that_panics_while_a_call_panics_does_not_abort";
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args([name, "--exact"]).env(CHILD, "1").output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}
