//! A panic in a call: it counts as exactly one failure, gives the place back, and goes on to the caller.

use crate::support;
use std::{cell::Cell, future, panic::AssertUnwindSafe};

use crate::support::{Manual, Way, counted, counting, fail, fragile, steer};
use futures::FutureExt;
use seawall_core::{
    Classify, Error, Outcome,
    breaker::{State, Trip},
    time::ManualClock,
};
use seawall_testkit::{
    call::steps,
    panics::panic_message,
    process::in_its_own_process,
    reply::{FAILED, Failed, Reply},
};
use tokio_test::{assert_pending, task};

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
        At::Creation => panic_message(|| way.start(breaker, || -> future::Ready<Reply> { panic!("at its creation") })),
        At::Poll(poll) => {
            let mut call = task::spawn(way.start(breaker, || steps(poll, || panic!("at a poll"))));
            for _ in 0..poll {
                assert_pending!(call.poll());
            }
            let words = panic_message(|| call.poll());
            // What has panicked is polled again by nobody but a bad executor; it must not count once more.
            panic_message(|| call.poll());
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
            assert_eq!(panic_message(|| call.poll()).as_deref(), Some("in the classifier"));
            drop(call);
            assert_eq!(counted(&breaker), (1, 1), "{way:?} {reply:?}");
        }
        let breaker = counting(&ManualClock::new()).classify(panics).build();
        assert!(panic_message(|| breaker.execute_blocking(|| reply.clone())).is_some());
        assert_eq!(counted(&breaker), (1, 1), "{reply:?}");
        let permit = breaker.try_acquire().unwrap();
        assert!(panic_message(|| permit.record(&reply)).is_some());
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
    let words = panic_message(|| breaker.execute_blocking(|| -> Reply { panic!("in the call") }));
    assert_eq!((words.as_deref(), counted(&breaker)), (Some("in the call"), (1, 1)));
}

#[test]
fn a_permit_dropped_by_a_panic_counts_as_a_failure() {
    let breaker = counting(&ManualClock::new()).build();
    panic_message(|| {
        let _permit = breaker.try_acquire().unwrap();
        panic!("before it was told");
    });
    assert_eq!(counted(&breaker), (1, 1));
    panic_message(|| {
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
    panic_message(|| {
        let _guard = CallsOnDrop(&breaker, &unwound);
        panic!("and the guard cleans up");
    });
    assert!(unwound.get());
    assert_eq!(counted(&breaker), (0, 0));
}

#[test]
fn a_permit_that_a_panic_drops_late_in_its_period_counts_for_nothing_in_the_next() {
    let breaker = counting(&ManualClock::new()).build();
    panic_message(|| {
        let _permit = breaker.try_acquire().unwrap();
        breaker.reset();
        panic!("too late");
    });
    assert_eq!((counted(&breaker), breaker.snapshot().stale()), ((0, 0), 1));
}

#[test]
fn a_predicate_that_panics_while_a_call_panics_does_not_abort() {
    let name = "a_predicate_that_panics_while_a_call_panics_does_not_abort";
    in_its_own_process(module_path!(), name, || {
        let rule = Trip::when(|_| panic!("in the predicate")).min_calls(1);
        let breaker = counting(&ManualClock::new()).trip(rule).build();
        let message = panic_message(|| breaker.execute_blocking(|| -> Reply { panic!("in the call") }));
        assert_eq!(message.as_deref(), Some("in the call"));
    });
}
