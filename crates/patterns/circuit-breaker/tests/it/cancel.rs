//! A call that is dropped: before its first poll, and after each of its polls.

use crate::support;
use std::{cell::RefCell, future, sync::mpsc, thread};

use crate::support::{Manual, Way, counted, counting, fail, fragile, steer};
use futures::{FutureExt, future::BoxFuture};
use seawall_circuit_breaker::{Builder, CircuitBreaker, Permit};
use seawall_core::{
    ErrIsFailure, Outcome,
    breaker::{State, Trip},
    time::{Clock, ManualClock},
};
use seawall_testkit::time::exactly;
use seawall_testkit::{
    call::steps,
    reply::{FAILED, Reply},
    time::{SECOND, TICK},
};
use tokio::{runtime, time};
use tokio_test::{assert_pending, task};
use tower::{Layer, Service, service_fn};

/// How often the inner future of these tests is pending.
const PENDING: u32 = 3;

/// Starts a call, polls it so often, with a second after each poll, checks `meanwhile`, and drops it.
fn drop_after(polls: u32, way: Way, breaker: &Manual, clock: &ManualClock, meanwhile: impl FnOnce()) {
    let mut call = task::spawn(way.start(breaker, || steps(PENDING, || FAILED)));
    for _ in 0..polls {
        assert_pending!(call.poll());
        clock.advance(SECOND);
    }
    meanwhile();
}

/// Every way to call, and every number of polls after which it is not at its end.
fn each_drop() -> impl Iterator<Item = (Way, u32)> + Clone {
    Way::ALL.into_iter().flat_map(|way| (0..=PENDING).map(move |polls| (way, polls)))
}

#[test]
fn a_dropped_call_counts_as_what_the_breaker_was_told() {
    for (way, polls) in each_drop() {
        for (outcome, expected) in [(Outcome::Failure, (1, 1)), (Outcome::Success, (1, 0)), (Outcome::Ignored, (0, 0))]
        {
            let clock = ManualClock::new();
            let breaker = counting(&clock).trip(Trip::consecutive(2)).abandoned(outcome).build();
            drop_after(polls, way, &breaker, &clock, || ());
            assert_eq!(counted(&breaker), expected, "{way:?} after {polls}, {outcome:?}");
            drop_after(polls, way, &breaker, &clock, || ());
            assert_eq!(
                breaker.state() == State::Open,
                outcome == Outcome::Failure,
                "{way:?} after {polls}, {outcome:?}"
            );
        }
    }
}

#[test]
fn a_dropped_call_counts_as_a_failure_if_it_had_run_for_long() {
    for (way, polls) in each_drop() {
        // It has run for as many seconds as it was polled.
        let ran = polls * SECOND;
        for (limit, failures) in [(ran + TICK, 0), (ran, 1), (ran.saturating_sub(TICK), 1)] {
            let clock = ManualClock::new();
            let breaker = counting(&clock).abandoned_after(limit).build();
            clock.advance(SECOND);
            drop_after(polls, way, &breaker, &clock, || ());
            assert_eq!(counted(&breaker), (failures, failures), "{way:?} after {ran:?}, limit {limit:?}");
        }
    }
}

/// Drops a probe, and answers with the state of the circuit after it.
fn drop_probe(way: Way, polls: u32, build: impl Fn(Builder<ErrIsFailure, ManualClock>) -> Manual) -> State {
    let clock = ManualClock::new();
    let breaker = build(fragile(&clock));
    steer(&breaker, &clock, State::HalfOpen);
    drop_after(polls, way, &breaker, &clock, || {
        assert_eq!(breaker.snapshot().undecided_probes(), 1);
        assert!(breaker.try_acquire().is_err(), "its place is taken");
    });
    assert_eq!(breaker.snapshot().undecided_probes(), 0, "{way:?} after {polls}");
    let state = breaker.state();
    assert_eq!(breaker.try_acquire().is_ok(), state != State::Open, "{way:?} after {polls}");
    state
}

#[test]
fn a_dropped_probe_gives_its_place_back() {
    for (way, polls) in each_drop() {
        assert_eq!(drop_probe(way, polls, Builder::build), State::HalfOpen, "{way:?} after {polls}");
    }
}

#[test]
fn a_dropped_probe_that_counts_as_a_failure_opens_the_circuit_again() {
    for (way, polls) in each_drop() {
        let counts = drop_probe(way, polls, |builder| builder.abandoned(Outcome::Failure).build());
        assert_eq!(counts, State::Open, "{way:?} after {polls}");
        let limited = drop_probe(way, polls, |builder| builder.abandoned_after(2 * SECOND).build());
        let expected = if polls >= 2 { State::Open } else { State::HalfOpen };
        assert_eq!(limited, expected, "{way:?} after {polls}");
    }
}

#[test]
fn a_dropped_permit_is_an_abandoned_call() {
    let clock = ManualClock::new();
    let breaker = counting(&clock).abandoned_after(SECOND).build();
    drop(breaker.try_acquire().unwrap());
    assert_eq!(counted(&breaker), (0, 0));
    let permit = breaker.try_acquire().unwrap();
    clock.advance(SECOND);
    drop(permit);
    assert_eq!(counted(&breaker), (1, 1));
}

#[test]
fn dropped_probes_are_replaced_over_and_over() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).probes(3).build();
    steer(&breaker, &clock, State::HalfOpen);
    for (way, polls) in each_drop().cycle().take(1_000) {
        drop_after(polls.min(1), way, &breaker, &clock, || ());
    }
    assert_eq!(breaker.snapshot().undecided_probes(), 0);
    let places: Vec<_> = (0..3).map(|_| breaker.try_acquire().expect("all places are free")).collect();
    assert!(breaker.try_acquire().is_err());
    places.into_iter().for_each(|probe| probe.success());
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn a_refused_call_that_is_dropped_changes_nothing() {
    for way in Way::ALL {
        let breaker = fragile(&ManualClock::new()).abandoned(Outcome::Failure).build();
        fail(&breaker);
        let before = breaker.snapshot();
        drop(way.start(&breaker, || future::ready(Ok(()))));
        assert_eq!(breaker.snapshot().rejected(), 1, "{way:?}");
        assert_eq!(breaker.snapshot().generation(), before.generation(), "{way:?}");
    }
}

async fn endless(says: mpsc::Sender<()>) -> Reply {
    says.send(()).unwrap();
    future::pending().await
}

/// Calls that never end, one in each way, each saying when it is under way.
fn endless_calls<K>(breaker: &CircuitBreaker<ErrIsFailure, K>) -> (Vec<BoxFuture<'static, ()>>, mpsc::Receiver<()>)
where
    K: Clock + Send + Sync + 'static,
{
    let (says, under_way) = mpsc::channel();
    let mut service = breaker.layer().layer(service_fn(endless));
    let calls = vec![
        breaker.execute(|| endless(says.clone())).map(drop).boxed(),
        breaker.call(|| endless(says.clone())).map(drop).boxed(),
        service.call(says.clone()).map(drop).boxed(),
    ];
    let by_hand = breaker.try_acquire().unwrap();
    let permit = async move {
        endless(says).await.ok();
        by_hand.success();
    };
    (calls.into_iter().chain([permit.boxed()]).collect(), under_way)
}

#[test]
fn a_permit_that_is_dropped_while_its_thread_ends_gives_its_place_back() {
    thread_local!(static KEPT: RefCell<Option<Permit>> = const { RefCell::new(None) });
    let breaker =
        CircuitBreaker::builder("t").trip(Trip::consecutive(1)).open_for(exactly(time::Duration::ZERO)).build();
    fail(&breaker);
    let keeping = breaker.clone();
    thread::spawn(move || KEPT.set(Some(keeping.try_acquire().unwrap()))).join().unwrap();
    assert_eq!((breaker.state(), breaker.snapshot().undecided_probes()), (State::HalfOpen, 0));
    assert!(breaker.try_acquire().is_ok());
}

#[test]
fn a_runtime_with_paused_time_that_shuts_down_gives_the_places_back() {
    let breaker = CircuitBreaker::builder("t").trip(Trip::consecutive(1)).probes(4).build();
    let runtime = runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        fail(&breaker);
        time::advance(support::OPEN_FOR).await;
        let (calls, under_way) = endless_calls(&breaker);
        calls.into_iter().for_each(|call| drop(tokio::spawn(call)));
        tokio::task::yield_now().await;
        assert_eq!(under_way.try_iter().count(), 4);
        assert_eq!(breaker.snapshot().undecided_probes(), 4);
    });
    drop(runtime);
    assert_eq!(breaker.snapshot().undecided_probes(), 0);
}
