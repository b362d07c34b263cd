//! What can happen where two threads meet: every interleaving of them is tried.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test --release -p seawall-core --test loom`. Each model is shown to fail on at
//! least one planted bug (`verify/planted`).
use std::time::Duration;

use crate::meeting::{On, SECOND, START, spawn};
use loom::sync::Arc;
use seawall_core::{
    Backoff, Jitter, Outcome, Window,
    breaker::{Breaker, BreakerConfig, Pass, RateTrip, Settled, State, Trip},
    time::Instant,
};

/// The two threads on the lane that later threads share, and each on a lane of its own.
const LANES: [[usize; 2]; 2] = [[2, 3], [0, 1]];

fn half_of_two(window: Window) -> RateTrip {
    Trip::failure_rate(1.0).over(window).min_calls(2)
}

fn enter(breaker: &Breaker) -> Pass {
    breaker.enter(&START).expect("it lets calls in").pass
}

/// A closed circuit that opens on the second of two failures, whatever the rule.
fn second_failure_opens(config: BreakerConfig, [theirs, mine]: [usize; 2]) {
    let config = config.lanes(2);
    loom::model(move || {
        let breaker = Arc::new(Breaker::new(config.clone()));
        let (one, two) = (enter(&breaker), enter(&breaker));
        let other = spawn(&breaker, move |breaker| breaker.exit(one, Outcome::Failure, &On(theirs, START)));
        let mine = breaker.exit(two, Outcome::Failure, &On(mine, START));
        let settled = [mine, other.join().unwrap()];
        let opened = settled.iter().filter(|settled| matches!(settled, Settled::Changed(_))).count();
        assert_eq!(opened, 1, "{settled:?}");
        assert_eq!(breaker.word().state(), State::Open);
        assert_eq!(breaker.word().generation(), 1);
    });
}

#[test]
fn two_failures_race_to_trip_by_run() {
    second_failure_opens(BreakerConfig::new().trip(Trip::consecutive(2)), [0, 1]);
}

#[test]
fn two_failures_race_to_trip_by_count() {
    second_failure_opens(BreakerConfig::new().trip(half_of_two(Window::calls(2))), [0, 1]);
}

#[test]
fn two_failures_race_to_trip_by_time() {
    let window = Window::time_in_buckets(SECOND, 1);
    for lanes in LANES {
        second_failure_opens(BreakerConfig::new().trip(half_of_two(window)), lanes);
    }
}

#[test]
fn a_success_between_two_failures_is_not_lost() {
    loom::model(|| {
        let breaker = Arc::new(Breaker::new(BreakerConfig::new().trip(Trip::consecutive(2))));
        let (one, two) = (enter(&breaker), enter(&breaker));
        let other = spawn(&breaker, move |breaker| breaker.exit(one, Outcome::Success, &START));
        let mine = breaker.exit(two, Outcome::Failure, &START);
        assert_eq!([mine, other.join().unwrap()], [Settled::Quiet; 2]);
        // Whichever came first, one more failure is at most the second in a row, and one success ends any run.
        let _ = breaker.exit(enter(&breaker), Outcome::Success, &START);
        assert_eq!(breaker.exit(enter(&breaker), Outcome::Failure, &START), Settled::Quiet);
        assert!(matches!(breaker.exit(enter(&breaker), Outcome::Failure, &START), Settled::Changed(_)));
    });
}

/// An open circuit whose open period is over at once.
fn opened(probes: u32) -> Breaker {
    let breaker = Breaker::new(
        BreakerConfig::new().trip(Trip::consecutive(1)).open_for(Duration::ZERO).probes(probes).probe_lease(SECOND),
    );
    let _ = breaker.exit(enter(&breaker), Outcome::Failure, &START);
    assert_eq!(breaker.word().state(), State::Open);
    breaker
}

#[test]
fn never_more_probes_than_places() {
    loom::model(|| {
        let breaker = Arc::new(opened(1));
        let other = spawn(&breaker, |breaker| breaker.enter(&START).ok());
        let mine = breaker.enter(&START).ok();
        let let_in = [mine, other.join().unwrap()];
        assert_eq!(let_in.iter().flatten().count(), 1);
        assert_eq!(let_in.iter().flatten().filter(|entry| entry.change.is_some()).count(), 1);
        assert!(breaker.enter(&START).is_err());
    });
}

#[test]
fn two_probes_find_two_places() {
    loom::model(|| {
        let breaker = Arc::new(opened(2));
        let other = spawn(&breaker, |breaker| breaker.enter(&START).map(|entry| entry.pass).unwrap());
        let mine = breaker.enter(&START).map(|entry| entry.pass).unwrap();
        let other = other.join().unwrap();
        assert!(breaker.enter(&START).is_err());
        let closer = spawn(&breaker, move |breaker| breaker.exit(other, Outcome::Success, &START));
        let mine = breaker.exit(mine, Outcome::Success, &START);
        let closed = [mine, closer.join().unwrap()];
        assert_eq!(closed.iter().filter(|settled| matches!(settled, Settled::Changed(_))).count(), 1, "{closed:?}");
        assert_eq!(breaker.word().state(), State::Closed);
    });
}

#[test]
fn silent_probes_lose_their_places_to_one_call_only() {
    loom::model(|| {
        let breaker = Arc::new(opened(1));
        let silent = enter(&breaker);
        let later = START + SECOND;
        let other = spawn(&breaker, move |breaker| breaker.enter(&later).is_ok());
        let mine = breaker.enter(&later).is_ok();
        assert!(mine ^ other.join().unwrap(), "one place, one call");
        assert_eq!(breaker.exit(silent, Outcome::Failure, &later), Settled::Stale);
    });
}

#[test]
fn a_dropped_probe_meets_a_change_of_state() {
    loom::model(|| {
        let breaker = Arc::new(opened(2));
        let (dropped, failed) = (enter(&breaker), enter(&breaker));
        let other = spawn(&breaker, move |breaker| breaker.abandon(dropped, &START));
        let mine = breaker.exit(failed, Outcome::Failure, &START);
        assert!(matches!(mine, Settled::Changed(_)));
        assert!(matches!(other.join().unwrap(), Settled::PlaceFree | Settled::Stale));
        // Open again, and all places are there.
        let places = (0..3).filter(|_| breaker.enter(&START).is_ok()).count();
        assert_eq!(places, 2);
    });
}

/// A result that was let in two generations ago, and comes in while the state changes.
fn stale_result_changes_nothing(config: BreakerConfig, [theirs, mine]: [usize; 2]) {
    let config = config.lanes(2);
    loom::model(move || {
        let breaker = Arc::new(Breaker::new(config.clone()));
        let (pass, here) = (enter(&breaker), On(mine, START));
        let other = spawn(&breaker, move |breaker| breaker.exit(pass, Outcome::Failure, &On(theirs, START)));
        let _ = breaker.force_open(START);
        let _ = breaker.reset(START);
        let _ = breaker.exit(enter(&breaker), Outcome::Success, &here);
        assert!(matches!(other.join().unwrap(), Settled::Quiet | Settled::Stale));
        assert_eq!((breaker.word().state(), breaker.word().generation()), (State::Closed, 2));
        for reading in breaker.readings(START) {
            assert_eq!((reading.counts.calls, reading.counts.failures), (1, 0));
        }
        // One failure is then the first one.
        assert_eq!(breaker.exit(enter(&breaker), Outcome::Failure, &here), Settled::Quiet);
    });
}

#[test]
fn a_stale_result_leaves_the_run_alone() {
    stale_result_changes_nothing(BreakerConfig::new().trip(Trip::consecutive(2)), [0, 1]);
}

#[test]
fn a_stale_result_leaves_the_count_window_alone() {
    stale_result_changes_nothing(BreakerConfig::new().trip(half_of_two(Window::calls(2))), [0, 1]);
}

#[test]
fn a_stale_result_leaves_the_time_window_alone() {
    for lanes in LANES {
        stale_result_changes_nothing(BreakerConfig::new().trip(half_of_two(Window::time_in_buckets(SECOND, 1))), lanes);
    }
}

fn never_trips(window: Window) -> BreakerConfig {
    BreakerConfig::new().trip(Trip::failure_rate(1.0).over(window).min_calls(1_000_000))
}

fn counts(breaker: &Breaker, now: Instant) -> (u64, u64) {
    let reading = breaker.readings(now).next().expect("there is one rule");
    (reading.counts.calls, reading.counts.failures)
}

#[test]
fn at_rest_a_count_window_counts_its_slots() {
    loom::model(|| {
        let config = BreakerConfig::new().trip(Trip::when(|_| false).over(Window::calls(1)));
        let breaker = Arc::new(Breaker::new(config));
        let _ = breaker.exit(enter(&breaker), Outcome::Failure, &START);
        let (one, two) = (enter(&breaker), enter(&breaker));
        let other = spawn(&breaker, move |breaker| {
            let _ = breaker.exit(one, Outcome::Success, &START);
        });
        let _ = breaker.exit(two, Outcome::Failure, &START);
        other.join().unwrap();
        // One result more: if the count has drifted from the bits, it shows now.
        let _ = breaker.exit(enter(&breaker), Outcome::Success, &START);
        assert_eq!(counts(&breaker, START), (1, 0));
        let _ = breaker.exit(enter(&breaker), Outcome::Failure, &START);
        assert_eq!(counts(&breaker, START), (1, 1));
    });
}

/// Two calls, at those seconds, are the first ones after a long silence.
fn first_calls_after_silence(window: Window, seconds: [u32; 2], [theirs, mine]: [usize; 2], bound: Option<usize>) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = bound;
    model.check(move || {
        let breaker = Arc::new(Breaker::new(never_trips(window).lanes(2)));
        let _ = breaker.exit(enter(&breaker), Outcome::Failure, &On(mine, START));
        let (one, two) = (enter(&breaker), enter(&breaker));
        let [now, later] = seconds.map(|seconds| START + seconds * SECOND);
        let other = spawn(&breaker, move |breaker| {
            let _ = breaker.exit(one, Outcome::Failure, &On(theirs, later));
        });
        let _ = breaker.exit(two, Outcome::Failure, &On(mine, now));
        other.join().unwrap();
        assert_eq!(counts(&breaker, later), (2, 2), "the two, and not the one of long ago");
    });
}

#[test]
fn no_call_is_lost_where_a_bucket_begins() {
    for lanes in LANES {
        first_calls_after_silence(Window::time_in_buckets(SECOND, 1), [100, 100], lanes, None);
    }
}

#[test]
fn no_call_is_lost_where_two_buckets_begin() {
    // All interleavings of this one take minutes.
    first_calls_after_silence(Window::time_in_buckets(2 * SECOND, 2), [100, 101], LANES[0], Some(3));
}

#[test]
fn changes_by_hand_are_counted_one_by_one() {
    loom::model(|| {
        let breaker = Arc::new(Breaker::new(BreakerConfig::new()));
        let other = spawn(&breaker, |breaker| breaker.force_open(START));
        let mine = breaker.metrics_only(START);
        let mut changes: Vec<_> = [mine, other.join().unwrap()].into_iter().flatten().collect();
        changes.sort_by_key(|change| change.generation());
        assert_eq!(changes.iter().map(|change| change.generation()).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((changes[0].from(), changes[0].to()), (State::Closed, changes[1].from()));
        assert_eq!(changes[1].to(), breaker.word().state());
    });
}

#[test]
fn two_calls_after_a_step_back_wait_for_one_period() {
    loom::model(|| {
        let config =
            BreakerConfig::new().trip(Trip::consecutive(1)).open_for(Backoff::constant(SECOND).jitter(Jitter::None));
        let breaker = Arc::new(Breaker::new(config));
        let late = START + 1_000 * SECOND;
        let _ = breaker.exit(enter(&breaker), Outcome::Failure, &late);
        let refused = |breaker: &Breaker| breaker.enter(&START).expect_err("it is open").until();
        let other = spawn(&breaker, refused);
        let mine = refused(&breaker);
        assert_eq!([mine, other.join().unwrap()], [START + SECOND; 2]);
        assert!(breaker.enter(&(START + SECOND)).is_ok());
    });
}

#[test]
fn old_counts_are_removed_while_a_call_of_the_new_period_is_recorded() {
    loom::model(|| {
        let config = BreakerConfig::new().trip(Trip::when(|_| false).over(Window::calls(1)));
        let breaker = Arc::new(Breaker::new(config));
        let _ = breaker.exit(enter(&breaker), Outcome::Failure, &START);
        for _ in 0..3 {
            let _ = breaker.reset(START);
        }
        let other = spawn(&breaker, |breaker| {
            let is_new = breaker.word().generation() == 4;
            let _ = breaker.exit(enter(breaker), Outcome::Failure, &START);
            is_new
        });
        // With the fourth change of state a model removes what older generations left.
        assert_eq!(breaker.reset(START).map(|change| change.generation()), Some(4));
        let is_new = other.join().unwrap();
        let (calls, failures) = counts(&breaker, START);
        assert_eq!(calls, failures);
        assert!(calls <= 1 && (calls == 1 || !is_new), "{calls}");
    });
}
