//! Closed, open, half-open and back; the manual controls; what rejections, snapshots and events say of it.

use crate::support;
use std::{collections::BTreeSet, time::Duration};

use crate::support::{Manual, OPEN_FOR, STATES, counted, fail, fragile, log, log_changes, steer, succeed};
use seawall_circuit_breaker::{CircuitBreaker, EventKind};
use seawall_core::{
    Backoff, Jitter, Rejection,
    breaker::{State, Trigger, Trip, Why},
    time::{Clock, ManualClock},
};
use seawall_testkit::time::{SECOND, TICK, YEAR, exactly};

#[test]
fn the_circuit_opens_is_tried_and_closes() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).build();
    let changes = log_changes(&breaker);
    assert_eq!(breaker.state(), State::Closed);
    fail(&breaker);
    assert_eq!(breaker.state(), State::Open);
    clock.advance(OPEN_FOR - TICK);
    assert!(breaker.try_acquire().is_err());
    clock.advance(TICK);
    assert_eq!(breaker.state(), State::HalfOpen);
    assert_eq!(changes.lock().unwrap().len(), 1, "a question changes nothing");
    succeed(&breaker);
    assert_eq!(breaker.state(), State::Closed);
    let expected = [(State::Closed, State::Open), (State::Open, State::HalfOpen), (State::HalfOpen, State::Closed)];
    assert_eq!(*changes.lock().unwrap(), expected);
}

#[test]
fn a_failed_probe_opens_the_circuit_for_another_period() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).probes(3).build();
    steer(&breaker, &clock, State::HalfOpen);
    succeed(&breaker);
    succeed(&breaker);
    fail(&breaker);
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(breaker.snapshot().retry_after(), Some(OPEN_FOR));
    let trigger = |rejection| match rejection {
        Rejection::CircuitOpen(open) => open.trigger(),
        _ => None,
    };
    assert_eq!(trigger(breaker.try_acquire().unwrap_err()), Some(Trigger::ProbeFailed));
}

#[test]
fn a_half_open_circuit_lets_in_as_many_as_there_are_probes_decided_and_undecided_together() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).probes(3).build();
    steer(&breaker, &clock, State::HalfOpen);
    succeed(&breaker);
    let undecided = [breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap()];
    assert!(breaker.try_acquire().is_err(), "one is decided, two are on their way");
    let [first, second] = undecided;
    first.ignore();
    succeed(&breaker);
    assert_eq!(breaker.state(), State::HalfOpen);
    second.success();
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn probes_judged_by_rate_decide_when_all_have_ended() {
    for (failures, then) in [(1, State::Closed), (2, State::Open)] {
        let clock = ManualClock::new();
        let breaker = fragile(&clock).probes(4).reopen_at(0.5).build();
        steer(&breaker, &clock, State::HalfOpen);
        (0..failures).for_each(|_| fail(&breaker));
        (failures..4).for_each(|_| succeed(&breaker));
        assert_eq!(breaker.state(), then, "{failures} of 4 failed");
    }
}

#[test]
fn silent_probes_lose_their_places_when_the_lease_is_over() {
    let (clock, lease) = (ManualClock::new(), 30 * SECOND);
    let breaker = fragile(&clock).probes(2).probe_lease(lease).build();
    steer(&breaker, &clock, State::HalfOpen);
    let whys = log(&breaker, |event| event.change().map(|change| change.why()));
    let _silent = [breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap()];
    clock.advance(lease - TICK);
    assert!(breaker.try_acquire().is_err());
    clock.advance(TICK);
    let [_first, _second] = [breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap()];
    assert!(breaker.try_acquire().is_err(), "the new ones hold the places now");
    assert_eq!(*whys.lock().unwrap(), [Why::LeaseExpired]);
}

#[test]
fn the_open_period_grows_with_each_failed_probe_and_starts_anew_after_closing() {
    let clock = ManualClock::new();
    let growing = Backoff::exponential(SECOND).jitter(Jitter::None);
    let breaker = fragile(&clock).open_for(growing).build();
    for seconds in [1, 2, 4, 8] {
        fail(&breaker);
        assert_eq!(breaker.snapshot().retry_after(), Some(seconds * SECOND));
        clock.advance(seconds * SECOND);
    }
    succeed(&breaker);
    fail(&breaker);
    assert_eq!(breaker.snapshot().retry_after(), Some(SECOND));
}

type Control = fn(&Manual);

const CONTROLS: [(Control, State, bool); 4] = [
    (|breaker| breaker.force_open(), State::ForcedOpen, false),
    (|breaker| breaker.force_closed(), State::ForcedClosed, true),
    (|breaker| breaker.metrics_only(), State::MetricsOnly, true),
    (|breaker| breaker.reset(), State::Closed, true),
];

#[test]
fn each_manual_control_is_shown_and_told_from_every_state() {
    for from in STATES {
        for (control, to, lets_in) in CONTROLS {
            let clock = ManualClock::new();
            let breaker = fragile(&clock).build();
            steer(&breaker, &clock, from);
            let told = log(&breaker, |event| {
                event.change().map(|change| (change.from(), change.to(), change.why(), change.until()))
            });
            control(&breaker);
            assert_eq!(breaker.state(), to, "{from} -> {to}");
            let row = (from, to, Why::Manual, None);
            let expected = if from == to && to != State::Closed { vec![] } else { vec![row] };
            assert_eq!(*told.lock().unwrap(), expected, "{from} -> {to}");
            assert_eq!(breaker.try_acquire().is_ok(), lets_in, "{from} -> {to}");
        }
    }
}

#[test]
fn a_forced_state_does_not_end_by_itself() {
    for (control, to, lets_in) in &CONTROLS[..3] {
        let clock = ManualClock::new();
        let breaker = fragile(&clock).build();
        control(&breaker);
        clock.advance(YEAR);
        for _ in 0..3 {
            match breaker.try_acquire() {
                Ok(permit) => permit.failure(),
                Err(rejection) => assert_eq!(rejection.retry_after(), None),
            }
        }
        assert_eq!((breaker.state(), breaker.try_acquire().is_ok()), (*to, *lets_in));
        breaker.reset();
        assert_eq!(breaker.state(), State::Closed);
    }
}

#[test]
fn a_circuit_that_only_measures_tells_once_that_it_would_have_opened() {
    let breaker = support::counting(&ManualClock::new()).trip(Trip::consecutive(2)).build();
    let would_open = log(&breaker, |event| match event.kind() {
        EventKind::WouldOpen(trigger) => Some(*trigger),
        _ => None,
    });
    breaker.metrics_only();
    (0..6).for_each(|_| fail(&breaker));
    assert_eq!(*would_open.lock().unwrap(), [Trigger::ConsecutiveFailures { failures: 2 }]);
    assert_eq!((breaker.state(), counted(&breaker)), (State::MetricsOnly, (6, 6)));
    breaker.force_closed();
    fail(&breaker);
    assert_eq!(counted(&breaker), (0, 0), "forced closed, nothing is recorded");
}

#[test]
fn reset_begins_to_count_anew() {
    let breaker = support::counting(&ManualClock::new()).trip(Trip::consecutive(2)).build();
    fail(&breaker);
    assert_eq!((counted(&breaker), breaker.snapshot().consecutive_failures()), ((1, 1), 1));
    breaker.reset();
    assert_eq!((counted(&breaker), breaker.snapshot().consecutive_failures()), ((0, 0), 0));
    fail(&breaker);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn a_snapshot_says_how_the_circuit_stands() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).trip(Trip::failure_rate(0.5)).probes(2).build();
    let built = clock.now();
    clock.advance(SECOND);
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state(), snapshot.generation()), (State::Closed, 0));
    assert_eq!((snapshot.since(), snapshot.age(), snapshot.retry_after()), (built, SECOND, None));
    let reading = snapshot.rules()[0];
    assert_eq!((reading.rate, reading.threshold, reading.counts.calls), (None, Some(0.5), 0));

    fail(&breaker);
    clock.advance(SECOND);
    assert!(breaker.try_acquire().is_err());
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state(), snapshot.generation(), snapshot.rejected()), (State::Open, 1, 1));
    assert_eq!((snapshot.age(), snapshot.retry_after()), (SECOND, Some(OPEN_FOR - SECOND)));

    clock.advance(OPEN_FOR);
    let _probe = breaker.try_acquire().unwrap();
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state(), snapshot.generation(), snapshot.age()), (State::HalfOpen, 2, Duration::ZERO));
    assert_eq!((snapshot.undecided_probes(), snapshot.retry_after()), (1, None));
}

#[test]
fn a_rejection_says_what_the_call_met() {
    let clock = ManualClock::new();
    let named = CircuitBreaker::builder(String::from("db")).clock(clock.clone());
    let breaker = named.trip(Trip::consecutive(2)).open_for(exactly(OPEN_FOR)).build();
    let met = || breaker.try_acquire().expect_err("the circuit refuses");
    (0..2).for_each(|_| fail(&breaker));
    assert_eq!((met().policy(), met().kind(), met().retry_after()), ("db", "circuit open", Some(OPEN_FOR)));
    assert_eq!(met().to_string(), "circuit breaker `db` is open: 2 failures in a row; next probe in 5s");
    clock.advance(OPEN_FOR);
    let _probe = breaker.try_acquire().unwrap();
    assert_eq!(met().to_string(), "circuit breaker `db` is half-open");
    breaker.force_open();
    assert_eq!((met().to_string().as_str(), met().retry_after()), ("circuit breaker `db` is forced open", None));
}

#[test]
fn an_event_says_whose_it_is_and_why() {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("db")
        .clock(clock.clone())
        .trip(Trip::consecutive(2))
        .open_for(exactly(OPEN_FOR))
        .build();
    let told = log(&breaker, |event| Some((event.policy().to_owned(), event.to_string())));
    (0..2).for_each(|_| fail(&breaker));
    clock.advance(OPEN_FOR);
    fail(&breaker);
    let words = [
        "circuit breaker `db`: closed -> open: 2 failures in a row",
        "circuit breaker `db`: open -> half-open: the open period is over",
        "circuit breaker `db`: half-open -> open: a probe failed",
    ];
    assert_eq!(*told.lock().unwrap(), words.map(|words| (String::from("db"), words.to_owned())));
}

#[test]
fn circuits_that_opened_together_do_not_probe_together() {
    let waits: BTreeSet<_> = (0..50)
        .map(|_| {
            let breaker = fragile(&ManualClock::new()).open_for(5 * SECOND).build();
            fail(&breaker);
            breaker.try_acquire().unwrap_err().retry_after().unwrap()
        })
        .collect();
    assert!(waits.len() > 40, "{} of 50 differ", waits.len());
    assert!(waits.iter().all(|wait| (9 * SECOND / 2..=5 * SECOND).contains(wait)), "{waits:?}");
}
