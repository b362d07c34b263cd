//! A result that comes after the state has changed: for every pair of states, after any number of changes.

use std::time::Duration;

use crate::support::{Manual, OPEN_FOR, STATES, Way, fail, fragile, log_changes, steer, succeed};
use seawall_circuit_breaker::{Permit, Snapshot};
use seawall_core::{
    ErrIsFailure, Outcome, Window,
    breaker::{Reading, State, Trip},
    time::{Instant, ManualClock},
};
use seawall_testkit::{call::steps, reply::FAILED, time::SECOND};
use tokio_test::task;

type Leave = Permit<ErrIsFailure, ManualClock>;

/// The ways in which a call can end that was let in.
const ENDS: [fn(Leave); 5] = [Leave::success, Leave::failure, Leave::ignore, |late| late.record(&FAILED), drop];

/// All that a snapshot says, but for the count of late results.
fn view(snapshot: &Snapshot) -> (State, u32, Instant, Option<Duration>, u32, u32, Vec<Reading>, u64) {
    (
        snapshot.state(),
        snapshot.generation(),
        snapshot.since(),
        snapshot.retry_after(),
        snapshot.consecutive_failures(),
        snapshot.undecided_probes(),
        snapshot.rules().to_vec(),
        snapshot.rejected(),
    )
}

fn breaker(clock: &ManualClock) -> Manual {
    // An abandoned call counts as a failure here: so a late drop would show.
    let rule = Trip::failure_rate(0.5).over(Window::calls(10)).min_calls(2);
    fragile(clock).trip(rule).probes(2).abandoned(Outcome::Failure).build()
}

#[test]
fn a_late_result_changes_nothing_for_every_pair_of_states() {
    let lets_in = [State::Closed, State::HalfOpen, State::ForcedClosed, State::MetricsOnly];
    for from in lets_in {
        for to in STATES {
            for detours in 0..4 {
                for (number, end) in ENDS.into_iter().enumerate() {
                    let clock = ManualClock::new();
                    let breaker = breaker(&clock);
                    steer(&breaker, &clock, from);
                    let late = breaker.try_acquire().unwrap();
                    // From a state to the same one: at least by way of another.
                    breaker.reset();
                    for &by in STATES.iter().cycle().skip(number).take(detours) {
                        steer(&breaker, &clock, by);
                    }
                    steer(&breaker, &clock, to);
                    let changes = log_changes(&breaker);
                    let before = breaker.snapshot();
                    end(late);
                    let (after, row) = (breaker.snapshot(), format!("{from} -> {to}, {detours} detours, end {number}"));
                    assert_eq!(view(&after), view(&before), "{row}");
                    assert_eq!(after.stale(), before.stale() + 1, "{row}");
                    assert!(changes.lock().unwrap().is_empty(), "{row}");
                }
            }
        }
    }
}

#[test]
fn a_late_call_changes_nothing_in_each_way_to_call() {
    for way in Way::ALL {
        for reply in [Ok(()), FAILED] {
            let clock = ManualClock::new();
            let breaker = breaker(&clock);
            let mut late = task::spawn(way.start(&breaker, || steps(1, || reply.clone())));
            assert!(late.poll().is_pending());
            steer(&breaker, &clock, State::HalfOpen);
            let before = breaker.snapshot();
            assert_eq!(late.poll(), std::task::Poll::Ready(reply.clone()), "the caller gets its reply all the same");
            assert_eq!(view(&breaker.snapshot()), view(&before), "{way:?} {reply:?}");
            assert_eq!(breaker.snapshot().stale(), 1, "{way:?} {reply:?}");
        }
    }
}

#[test]
fn a_straggler_of_one_half_open_period_frees_no_place_and_decides_nothing_in_the_next() {
    let clock = ManualClock::new();
    let breaker = breaker(&clock);
    steer(&breaker, &clock, State::HalfOpen);
    let straggler = breaker.try_acquire().unwrap();
    fail(&breaker);
    clock.advance(OPEN_FOR);
    let _undecided = [breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap()];
    straggler.success();
    assert_eq!((breaker.state(), breaker.snapshot().undecided_probes()), (State::HalfOpen, 2));
    assert!(breaker.try_acquire().is_err());
}

#[test]
fn a_probe_that_lost_its_place_to_the_lease_comes_too_late() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).probe_lease(SECOND).build();
    steer(&breaker, &clock, State::HalfOpen);
    let silent = breaker.try_acquire().unwrap();
    clock.advance(SECOND);
    let probe = breaker.try_acquire().unwrap();
    silent.failure();
    assert_eq!((breaker.state(), breaker.snapshot().stale()), (State::HalfOpen, 1));
    probe.success();
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn a_result_in_time_is_not_late() {
    let clock = ManualClock::new();
    let breaker = breaker(&clock);
    for state in STATES {
        steer(&breaker, &clock, state);
        if breaker.try_acquire().map(Permit::ignore).is_ok() {
            succeed(&breaker);
        }
    }
    assert_eq!(breaker.snapshot().stale(), 0);
}
