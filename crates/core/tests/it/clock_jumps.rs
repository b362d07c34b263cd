//! A circuit breaker whose clock jumps anywhere: what it tells is true, and its windows neither go blind nor remember.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use seawall_core::{
    Backoff, Jitter, Outcome, Window,
    breaker::{Breaker, BreakerConfig, State, Trip},
    time::Instant,
};

use crate::model::At;

const SECOND: Duration = Duration::from_secs(1);
const OPEN_FOR: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_secs(7);

/// What happens at a time that has nothing to do with the last one.
#[derive(Debug, Clone, Copy)]
enum Op {
    Enter,
    Succeed,
    Fail,
    Drop,
    Ask,
    Reset,
}

fn times() -> impl Strategy<Value = Instant> {
    let seconds = prop_oneof![4 => 0..40_u64, 2 => 9_990..10_020_u64, 1 => 0..1_000_000_u64];
    seconds.prop_map(|seconds| Instant::from_nanos(seconds * 1_000_000_000))
}

fn ops() -> impl Strategy<Value = Vec<(Op, Instant, usize)>> {
    let op = prop_oneof![
        4 => Just(Op::Enter), 2 => Just(Op::Succeed), 3 => Just(Op::Fail), 1 => Just(Op::Drop), 3 => Just(Op::Ask),
        1 => Just(Op::Reset),
    ];
    vec((op, times(), 0..4_usize), 0..40)
}

fn play(breaker: &Breaker, ops: &[(Op, Instant, usize)]) {
    let mut held = Vec::new();
    for &(op, now, lane) in ops {
        let here = At(now, lane);
        match op {
            Op::Enter => held.extend(breaker.enter(&here).ok().map(|entry| entry.pass)),
            Op::Succeed => drop(held.pop().map(|pass| breaker.exit(pass, Outcome::Success, &here))),
            Op::Fail => drop(held.pop().map(|pass| breaker.exit(pass, Outcome::Failure, &here))),
            Op::Drop => drop(held.pop().map(|pass| breaker.abandon(pass, &here))),
            Op::Ask => drop((breaker.state(now), breaker.refusal(now), breaker.readings(now).count())),
            Op::Reset => drop(breaker.reset(now)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_refused_call_passes_after_the_time_that_it_was_told(ops in ops(), now in times(), asks in any::<bool>()) {
        let config = BreakerConfig::new().trip(Trip::consecutive(1)).open_for(OPEN_FOR).probe_lease(LEASE);
        let breaker = Breaker::new(config);
        play(&breaker, &ops);
        let refusal = if asks { breaker.refusal(now) } else { breaker.enter(&now).err() };
        if let Some(refusal) = refusal {
            let period = if refusal.state() == State::Open { OPEN_FOR } else { LEASE };
            let wait = refusal.until().saturating_duration_since(now);
            prop_assert!(wait <= period, "told {wait:?}");
            prop_assert!(refusal.retry_after().is_none_or(|told| told == wait));
            // Not a nanosecond earlier, either.
            prop_assert!(breaker.refusal(now + (wait - Duration::from_nanos(1))).is_some());
            prop_assert!(breaker.enter(&(now + wait)).is_ok(), "told {wait:?}");
        }
    }

    #[test]
    fn a_window_forgets_what_was_before_a_jump_and_counts_what_comes_after(
        ops in ops(),
        now in times(),
        seconds in 1..20_u32,
        outcomes in vec((any::<bool>(), 0..4_usize), 1..20),
    ) {
        let length = seconds * SECOND;
        let rule = Trip::failure_rate(1.0).over(Window::time(length)).min_calls(1_000_000);
        let breaker = Breaker::new(BreakerConfig::new().trip(rule).lanes(2));
        play(&breaker, &ops);
        let counts = |now| breaker.readings(now).next().expect("there is a rule").counts;
        let mut failed = 0;
        for &(fails, lane) in &outcomes {
            failed += u64::from(fails);
            let pass = breaker.enter(&now).expect("it is closed").pass;
            let outcome = if fails { Outcome::Failure } else { Outcome::Success };
            let _ = breaker.exit(pass, outcome, &At(now, lane));
        }
        prop_assert!(counts(now).failures >= failed, "{:?}", counts(now));
        // What was counted up to a length in the future is forgotten a length later.
        prop_assert_eq!(counts(now + 2 * length).calls, 0);
    }
}

#[test]
fn a_circuit_does_not_wait_for_a_clock_that_was_set_back() {
    let open_for = Backoff::constant(OPEN_FOR).jitter(Jitter::None);
    let breaker = Breaker::new(BreakerConfig::new().trip(Trip::consecutive(1)).open_for(open_for));
    let at = |seconds: u64| Instant::from_nanos(seconds * 1_000_000_000);
    let pass = breaker.enter(&at(10_000)).unwrap().pass;
    let _ = breaker.exit(pass, Outcome::Failure, &at(10_000));
    assert_eq!(breaker.enter(&at(100)).unwrap_err().retry_after(), Some(OPEN_FOR));
    assert_eq!(breaker.enter(&at(104)).unwrap_err().retry_after(), Some(SECOND));
    assert!(breaker.enter(&at(105)).is_ok());
}

#[test]
fn failures_from_before_a_step_back_do_not_return_when_the_clock_has_caught_up() {
    let rule = Trip::failure_rate(1.0).over(Window::time(10 * SECOND)).min_calls(1_000);
    let breaker = Breaker::new(BreakerConfig::new().trip(rule).lanes(2));
    let at = |seconds: u64| Instant::from_nanos(seconds * 1_000_000_000);
    let fail = |now, lane| {
        let pass = breaker.enter(&now).unwrap().pass;
        let _ = breaker.exit(pass, Outcome::Failure, &At(now, lane));
    };
    fail(at(10_000), 1);
    fail(at(100), 0);
    fail(at(9_999), 0);
    let counts = breaker.readings(at(9_999)).next().unwrap().counts;
    assert_eq!((counts.calls, counts.failures), (1, 1));
}
