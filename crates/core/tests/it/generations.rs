//! Counts never return, however often the state changes.

use std::time::Duration;

use seawall_core::{
    Outcome, Window,
    breaker::{Breaker, BreakerConfig, Trip},
    time::Instant,
};

const NOW: Instant = Instant::from_nanos(1_000_000_000);

/// Counts a failure, resets the circuit so often, and returns how many failures the window then holds.
fn counted_after(window: Window, resets: u32) -> u64 {
    let rule = Trip::failure_rate(1.0).over(window).min_calls(1_000);
    let breaker = Breaker::new(BreakerConfig::new().trip(rule));
    let pass = breaker.enter(&NOW).unwrap().pass;
    let _ = breaker.exit(pass, Outcome::Failure, &NOW);
    for _ in 0..resets {
        let _ = breaker.reset(NOW);
    }
    breaker.readings(NOW).next().unwrap().counts.failures
}

#[test]
fn a_window_over_time_is_empty_after_as_many_resets_as_its_cells_tell_apart() {
    let window = Window::time(Duration::from_secs(10));
    assert_eq!(counted_after(window, 0), 1);
    for resets in [1, 1 << 8, 1 << 16, 1 << 17, 1 << 18] {
        assert_eq!(counted_after(window, resets), 0, "{resets}");
    }
}

#[test]
fn a_window_over_calls_is_empty_after_as_many_resets_as_its_head_tells_apart() {
    assert_eq!(counted_after(Window::calls(10), 0), 1);
    for resets in [1, 1 << 21, 1 << 22] {
        assert_eq!(counted_after(Window::calls(10), resets), 0, "{resets}");
    }
}
