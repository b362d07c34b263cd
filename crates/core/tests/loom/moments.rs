//! As `loom`: what a thread sees at the very moment at which another one changes the state.
use std::time::Duration;

use crate::meeting::{On, SECOND, START, spawn};
use loom::sync::Arc;
use seawall_core::{
    Backoff, Jitter, Outcome, Window,
    breaker::{Breaker, BreakerConfig, Pass, Settled, State, Trip},
    time::Instant,
};

fn enter(breaker: &Breaker, now: Instant) -> Pass {
    breaker.enter(&now).expect("it lets calls in").pass
}

/// Opens on the first failure.
fn fragile(open_for: Duration, probes: u32) -> Breaker {
    let open_for = Backoff::constant(open_for).jitter(Jitter::None);
    let config = BreakerConfig::new().trip(Trip::consecutive(1)).open_for(open_for);
    Breaker::new(config.probes(probes).probe_lease(SECOND))
}

#[test]
fn an_open_circuit_refuses_from_its_first_moment() {
    loom::model(|| {
        let breaker = Arc::new(fragile(SECOND, 1));
        let (pass, late) = (enter(&breaker, START), START + 5 * SECOND);
        // Not the other way round: of a thread that only reads, loom forgets what it read.
        let other = spawn(&breaker, move |breaker| breaker.enter(&late).err());
        assert!(matches!(breaker.exit(pass, Outcome::Failure, &late), Settled::Changed(_)));
        if let Some(refusal) = other.join().unwrap() {
            assert_eq!(refusal.until(), late + SECOND);
        }
        assert_eq!((breaker.word().generation(), breaker.since()), (1, late), "nobody made it half-open");
    });
}

#[test]
fn a_probe_has_its_lease_from_its_first_moment() {
    loom::model(|| {
        let breaker = Arc::new(fragile(Duration::ZERO, 1));
        let _ = breaker.exit(enter(&breaker, START), Outcome::Failure, &START);
        let late = START + 5 * SECOND;
        let other = spawn(&breaker, move |breaker| breaker.enter(&late).is_ok());
        let mine = breaker.enter(&late).is_ok();
        assert!(mine ^ other.join().unwrap(), "one place, one call");
        assert_eq!(breaker.word().generation(), 2, "and none lost its place");
    });
}

#[test]
fn a_dropped_probe_frees_no_place_in_the_next_period() {
    loom::model(|| {
        let breaker = Arc::new(fragile(Duration::ZERO, 2));
        let _ = breaker.exit(enter(&breaker, START), Outcome::Failure, &START);
        let (dropped, failed) = (enter(&breaker, START), enter(&breaker, START));
        let other = spawn(&breaker, move |breaker| breaker.abandon(dropped, &START));
        let _ = breaker.exit(failed, Outcome::Failure, &START);
        let _probes = [enter(&breaker, START), enter(&breaker, START)];
        let _ = other.join().unwrap();
        assert!(breaker.enter(&START).is_err(), "both places are taken");
    });
}

#[test]
fn a_probe_that_is_let_in_and_one_that_ends_are_both_counted() {
    loom::model(|| {
        let breaker = Arc::new(fragile(Duration::ZERO, 2));
        let _ = breaker.exit(enter(&breaker, START), Outcome::Failure, &START);
        let first = enter(&breaker, START);
        let other = spawn(&breaker, move |breaker| breaker.exit(first, Outcome::Success, &START));
        let second = enter(&breaker, START);
        assert_eq!(other.join().unwrap(), Settled::Quiet);
        assert!(matches!(breaker.exit(second, Outcome::Success, &START), Settled::Changed(_)));
        assert_eq!(breaker.word().state(), State::Closed);
    });
}

#[test]
fn a_late_bit_leaves_the_bits_of_the_next_state_alone() {
    loom::model(|| {
        let breaker = Arc::new(Breaker::new(BreakerConfig::new().trip(Trip::when(|_| false).over(Window::calls(1)))));
        let stale = enter(&breaker, START);
        let other = spawn(&breaker, move |breaker| {
            let _ = breaker.exit(stale, Outcome::Failure, &START);
        });
        let _ = breaker.reset(START);
        let _ = breaker.exit(enter(&breaker, START), Outcome::Failure, &START);
        other.join().unwrap();
        // It drives out the failure, if its bit is still there.
        let _ = breaker.exit(enter(&breaker, START), Outcome::Success, &START);
        let counts = breaker.readings(START).next().expect("there is one rule").counts;
        assert_eq!((counts.calls, counts.failures), (1, 0));
    });
}

#[test]
fn two_successes_race_to_trip_by_time() {
    loom::model(|| {
        let rule = Trip::failure_rate(0.3).over(Window::time_in_buckets(SECOND, 1)).min_calls(3);
        let breaker = Arc::new(Breaker::new(BreakerConfig::new().lanes(2).trip(rule)));
        let _ = breaker.exit(enter(&breaker, START), Outcome::Failure, &On(0, START));
        let (one, two) = (enter(&breaker, START), enter(&breaker, START));
        let other = spawn(&breaker, move |breaker| breaker.exit(one, Outcome::Success, &On(1, START)));
        let mine = breaker.exit(two, Outcome::Success, &On(0, START));
        let settled = [mine, other.join().unwrap()];
        let opened = settled.iter().filter(|settled| matches!(settled, Settled::Changed(_))).count();
        assert_eq!(opened, 1, "the third call is judged, a success too: {settled:?}");
    });
}

#[test]
fn a_bit_that_two_write_is_counted_once() {
    loom::model(|| {
        let breaker = Arc::new(Breaker::new(BreakerConfig::new().trip(Trip::when(|_| false).over(Window::calls(1)))));
        let _ = breaker.exit(enter(&breaker, START), Outcome::Failure, &START);
        let (one, two) = (enter(&breaker, START), enter(&breaker, START));
        // Each of them may think that it is the one that drives the failure out.
        let other = spawn(&breaker, move |breaker| {
            let _ = breaker.exit(one, Outcome::Success, &START);
        });
        let _ = breaker.exit(two, Outcome::Success, &START);
        other.join().unwrap();
        let _ = breaker.exit(enter(&breaker, START), Outcome::Failure, &START);
        let counts = breaker.readings(START).next().expect("there is one rule").counts;
        assert_eq!((counts.calls, counts.failures), (1, 1));
    });
}

#[test]
fn a_late_correction_leaves_the_count_of_the_next_state_alone() {
    loom::model(|| {
        let breaker = Arc::new(Breaker::new(BreakerConfig::new().trip(Trip::when(|_| false).over(Window::calls(1)))));
        let _ = breaker.exit(enter(&breaker, START), Outcome::Failure, &START);
        let (one, two) = (enter(&breaker, START), enter(&breaker, START));
        let other = spawn(&breaker, move |breaker| {
            let _ = breaker.exit(one, Outcome::Success, &START);
        });
        let _ = breaker.exit(two, Outcome::Success, &START);
        let _ = breaker.reset(START);
        let _ = breaker.exit(enter(&breaker, START), Outcome::Failure, &START);
        other.join().unwrap();
        let counts = breaker.readings(START).next().expect("there is one rule").counts;
        assert_eq!((counts.calls, counts.failures), (1, 1));
    });
}
