//! A rate is exactly what the user wrote: 7 of 100 is 0.07.

use crate::support::{fail, succeed};
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{
    Window,
    breaker::{State, Trip},
    time::ManualClock,
};

/// The state after a hundred calls of which so many failed, where `percent` open the circuit.
fn after_a_hundred_calls(percent: u32, failures: u32) -> State {
    let rule = Trip::failure_rate(f64::from(percent) / 100.0).over(Window::calls(100)).min_calls(100);
    let breaker = CircuitBreaker::builder("t").clock(ManualClock::new()).trip(rule).build();
    (0..failures).for_each(|_| fail(&breaker));
    (failures..100).for_each(|_| succeed(&breaker));
    breaker.state()
}

#[test]
fn the_circuit_opens_exactly_at_the_percentage_that_was_given() {
    for percent in 1..=100 {
        assert_eq!(after_a_hundred_calls(percent, percent), State::Open, "{percent} of 100");
        assert_eq!(after_a_hundred_calls(percent, percent - 1), State::Closed, "one less than {percent} of 100");
    }
}
