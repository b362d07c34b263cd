//! The load that the default budget adds if all calls of a service fail, for small and large services, by real calls.

use std::time::Duration;

use seawall_core::time::{Clock, ManualClock};
use seawall_retry::Retry;

use crate::support::{Way, failed, run};

/// The terms of the default budget.
const RATIO: f64 = 0.2;
const FLOOR: f64 = 1.0;
const BURST: f64 = 50.0;

const MINUTE: Duration = Duration::from_secs(60);

/// Attempts per call in a full outage of that length, at that rate. The default budget was full when the outage began.
fn load(way: Way, calls_per_second: u32, outage: Duration) -> f64 {
    let clock = ManualClock::new();
    let retry = Retry::builder("t").backoff(Duration::ZERO).clock(clock.clone()).build();
    (0..10_000).for_each(|_| retry.budget().deposit());
    let (began, mut calls, mut attempts) = (clock.now(), 0, 0);
    while clock.now().saturating_duration_since(began) < outage {
        attempts += run(way, &retry, failed).1;
        calls += 1;
        clock.advance(Duration::from_secs(1) / calls_per_second);
    }
    f64::from(attempts) / f64::from(calls)
}

#[test]
fn a_service_at_twenty_calls_a_second_adds_at_most_three_tenths() {
    for way in Way::ALL {
        let load = load(way, 20, MINUTE);
        assert!((1.2..=1.3).contains(&load), "{way:?}: {load}");
    }
}

#[test]
fn a_service_at_a_thousand_calls_a_second_adds_at_most_the_ratio_and_two_hundredths() {
    for way in [Way::Execute, Way::Service] {
        let load = load(way, 1_000, MINUTE);
        assert!((1.2..=1.22).contains(&load), "{way:?}: {load}");
    }
}

#[test]
fn at_every_rate_the_load_keeps_to_burst_ratio_and_floor() {
    for calls_per_second in [1, 5, 10, 50, 100, 500] {
        for outage in [MINUTE / 6, MINUTE, 10 * MINUTE] {
            let (seconds, calls) = (outage.as_secs_f64(), f64::from(calls_per_second) * outage.as_secs_f64());
            let most = 1.0 + (BURST + RATIO * calls + FLOOR * seconds) / calls;
            let load = load(Way::Execute, calls_per_second, outage);
            assert!(load <= most.min(3.0), "{calls_per_second}/s for {outage:?}: {load}, at most {most}");
        }
    }
}

#[test]
fn the_first_call_of_a_process_can_make_all_its_attempts() {
    let retry = Retry::builder("t").backoff(Duration::ZERO).clock(ManualClock::new()).build();
    assert_eq!(run(Way::Execute, &retry, failed).1, 3);
}
