//! A predicate that panics keeps no rule from recording: all record, and then the user's rules are asked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use seawall_core::{
    Outcome, Window,
    breaker::{Breaker, BreakerConfig, State, Trip},
    time::Instant,
};

const NOW: Instant = Instant::from_nanos(1_000_000_000);

fn fail(breaker: &Breaker) {
    let pass = breaker.enter(&NOW).unwrap().pass;
    let _ = breaker.exit(pass, Outcome::Failure, &NOW);
}

#[test]
fn the_rules_after_it_record_the_call() {
    let panics = || Trip::when(|_| panic!("in the predicate")).over(Window::calls(10)).min_calls(1);
    let rate = Trip::failure_rate(1.0).over(Window::calls(10)).min_calls(9);
    let breaker = Breaker::new(BreakerConfig::new().trip(panics()).trip(rate).trip(panics()));
    for failures in 1..=3 {
        catch_unwind(AssertUnwindSafe(|| fail(&breaker))).unwrap_err();
        for reading in breaker.readings(NOW) {
            assert_eq!((reading.counts.calls, reading.counts.failures), (failures, failures));
        }
    }
}

#[test]
fn the_run_of_failures_goes_on() {
    let panics_twice = Trip::when(|counts| {
        assert!(counts.failures > 2, "in the predicate");
        false
    });
    let breaker = Breaker::new(
        BreakerConfig::new().trip(panics_twice.over(Window::calls(10)).min_calls(1)).trip(Trip::consecutive(3)),
    );
    for _ in 0..2 {
        catch_unwind(AssertUnwindSafe(|| fail(&breaker))).unwrap_err();
        assert_eq!(breaker.state(NOW), State::Closed);
    }
    fail(&breaker);
    assert_eq!(breaker.state(NOW), State::Open);
}

#[test]
fn the_rule_that_was_given_first_is_named() {
    for (predicate_first, words) in [(true, "the rule given as a predicate"), (false, "calls failed")] {
        let predicate = Trip::when(|_| true).over(Window::calls(1)).min_calls(1);
        let rate = Trip::failure_rate(1.0).over(Window::calls(1)).min_calls(1);
        let config = if predicate_first {
            BreakerConfig::new().trip(predicate).trip(rate)
        } else {
            BreakerConfig::new().trip(rate).trip(predicate)
        };
        let breaker = Breaker::new(config);
        fail(&breaker);
        let trigger = breaker.refusal(NOW).and_then(|refusal| refusal.trigger()).expect("it is open");
        assert!(trigger.to_string().contains(words), "{trigger}");
    }
}
