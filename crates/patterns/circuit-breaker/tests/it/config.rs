//! Wrong configurations: each is refused where it is written, with the field, the value and the range.

use std::time::Duration;

use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{Backoff, Window, breaker::Trip};
use seawall_testkit::panics::panic_message;

type Wrong = fn();

/// What panics, and all the words that the panic must say.
type Row = (Wrong, &'static [&'static str]);

/// The rows that do not panic, or leave a word out.
fn silent(rows: &[Row]) -> Vec<String> {
    let mut silent = Vec::new();
    for (wrong, words) in rows {
        let said = panic_message(wrong).unwrap_or_default();
        if !words.iter().all(|word| said.contains(word)) {
            silent.push(format!("{words:?} wanted, got {said:?}"));
        }
    }
    silent
}

const NONE: Vec<String> = Vec::new();

#[test]
fn a_wrong_number_of_probes_is_refused() {
    let rows: [Row; 3] = [
        (|| drop(CircuitBreaker::builder("t").probes(0)), &["`probes`", "from 1 to 255", "got 0"]),
        (|| drop(CircuitBreaker::builder("t").probes(256)), &["`probes`", "from 1 to 255", "got 256"]),
        (|| drop(CircuitBreaker::builder("t").probes(u32::MAX)), &["`probes`", "from 1 to 255", "got 4294967295"]),
    ];
    assert_eq!(silent(&rows), NONE);
}

#[test]
fn a_rate_that_is_no_share_is_refused() {
    const RANGE: &str = "above 0 and at most 1";
    let rows: [Row; 12] = [
        (|| drop(Trip::failure_rate(f64::NAN)), &["Trip::failure_rate", RANGE, "got NaN"]),
        (|| drop(Trip::failure_rate(0.0)), &["Trip::failure_rate", RANGE, "got 0"]),
        (|| drop(Trip::failure_rate(1.5)), &["Trip::failure_rate", RANGE, "got 1.5"]),
        (|| drop(Trip::failure_rate(-0.1)), &["Trip::failure_rate", RANGE, "got -0.1"]),
        (|| drop(Trip::failure_rate(f64::INFINITY)), &["Trip::failure_rate", RANGE, "got inf"]),
        (|| drop(Trip::slow_rate(f64::NAN, Duration::ZERO)), &["Trip::slow_rate", RANGE, "got NaN"]),
        (|| drop(Trip::slow_rate(0.0, Duration::ZERO)), &["Trip::slow_rate", RANGE, "got 0"]),
        (|| drop(Trip::slow_rate(1.5, Duration::ZERO)), &["Trip::slow_rate", RANGE, "got 1.5"]),
        (|| drop(CircuitBreaker::builder("t").reopen_at(f64::NAN)), &["reopen_at", RANGE, "got NaN"]),
        (|| drop(CircuitBreaker::builder("t").reopen_at(0.0)), &["reopen_at", RANGE, "got 0"]),
        (|| drop(CircuitBreaker::builder("t").reopen_at(1.5)), &["reopen_at", RANGE, "got 1.5"]),
        (|| drop(CircuitBreaker::builder("t").reopen_at(-1.0)), &["reopen_at", RANGE, "got -1"]),
    ];
    assert_eq!(silent(&rows), NONE);
}

#[test]
fn a_count_of_zero_is_refused() {
    let rows: [Row; 2] = [
        (|| drop(Trip::failure_rate(0.5).min_calls(0)), &["`min_calls`", "at least 1", "got 0"]),
        (|| drop(Trip::consecutive(0)), &["`failures`", "Trip::consecutive", "at least 1", "got 0"]),
    ];
    assert_eq!(silent(&rows), NONE);
}

#[test]
fn a_window_of_no_calls_or_too_many_is_refused() {
    const RANGE: &str = "from 1 to 1000000";
    let rows: [Row; 3] = [
        (|| _ = Window::calls(0), &["`calls`", RANGE, "got 0"]),
        (|| _ = Window::calls(1_000_001), &["`calls`", RANGE, "got 1000001"]),
        (|| _ = Window::calls(u32::MAX), &["`calls`", RANGE, "got 4294967295"]),
    ];
    assert_eq!(silent(&rows), NONE);
}

#[test]
fn a_window_of_too_short_a_time_or_with_a_wrong_number_of_buckets_is_refused() {
    let rows: [Row; 4] = [
        (|| _ = Window::time(Duration::ZERO), &["`length`", "at least 1 ms", "got 0"]),
        (|| _ = Window::time(Duration::from_nanos(999_999)), &["`length`", "at least 1 ms", "got 999"]),
        (|| _ = Window::time_in_buckets(Duration::from_secs(1), 0), &["`buckets`", "from 1 to 64", "got 0"]),
        (|| _ = Window::time_in_buckets(Duration::from_secs(1), 65), &["`buckets`", "from 1 to 64", "got 65"]),
    ];
    assert_eq!(silent(&rows), NONE);
}

#[test]
fn a_backoff_that_shrinks_is_refused() {
    let rows: [Row; 4] = [
        (|| _ = Backoff::exponential(Duration::ZERO).factor(f64::NAN), &["`factor`", "at least 1", "got NaN"]),
        (|| _ = Backoff::exponential(Duration::ZERO).factor(0.99), &["`factor`", "at least 1", "got 0.99"]),
        (|| _ = Backoff::exponential(Duration::ZERO).factor(f64::INFINITY), &["`factor`", "finite", "got inf"]),
        (|| _ = Backoff::exponential(Duration::ZERO).factor(-2.0), &["`factor`", "at least 1", "got -2"]),
    ];
    assert_eq!(silent(&rows), NONE);
}

#[test]
fn the_thirty_first_rule_is_refused() {
    let rules = |count: usize| {
        (0..count).fold(CircuitBreaker::builder("t"), |builder, _| builder.trip(Trip::consecutive(1))).build()
    };
    rules(30);
    let words = panic_message(|| rules(31)).expect("it takes 30");
    assert!(words.contains("`trip`") && words.contains("from 1 to 30"), "{words}");
}

#[test]
fn the_ends_of_every_range_are_taken() {
    let ends = CircuitBreaker::builder("t")
        .trip(Trip::consecutive(u32::MAX))
        .trip(Trip::failure_rate(f64::MIN_POSITIVE).over(Window::calls(1)).min_calls(1))
        .trip(Trip::failure_rate(1.0).over(Window::calls(1_000_000)).min_calls(u32::MAX))
        .trip(Trip::slow_rate(1.0, Duration::ZERO).over(Window::time(Duration::from_millis(1))))
        .trip(Trip::slow_rate(1.0, Duration::MAX).over(Window::time_in_buckets(Duration::MAX, 64)))
        .trip(Trip::failure_rate(0.5).over(Window::time_in_buckets(Duration::from_millis(1), 1)))
        .open_for(Backoff::exponential(Duration::MAX).factor(f64::MAX))
        .reopen_at(f64::MIN_POSITIVE)
        .probe_lease(Duration::MAX)
        .abandoned_after(Duration::MAX);
    ends.probes(255).build();
}
