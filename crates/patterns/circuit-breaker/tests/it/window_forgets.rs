//! A window over time is a ring: what was counted some laps ago is forgotten, however many they are.

use crate::support::{counted, fail, succeed};
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{Window, breaker::Trip, time::ManualClock};
use seawall_testkit::time::SECOND;

#[test]
fn the_first_call_after_any_silence_counts_alone() {
    for buckets in [1, 10, 64] {
        let clock = ManualClock::new();
        let window = Window::time_in_buckets(buckets * SECOND, buckets);
        let rule = Trip::failure_rate(1.0).over(window).min_calls(u32::MAX);
        let breaker = CircuitBreaker::builder("t").clock(clock.clone()).trip(rule).build();
        // The marks by which a lap is known come round after 256 laps of at most 64 buckets.
        for silence in buckets..=257 * 64 {
            fail(&breaker);
            clock.advance(silence * SECOND);
            succeed(&breaker);
            assert_eq!(counted(&breaker), (1, 0), "{buckets} buckets, after {silence} s");
            breaker.reset();
        }
    }
}
