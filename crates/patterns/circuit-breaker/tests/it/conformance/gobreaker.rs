//! sony/gobreaker: CB-01 to CB-18.

use std::{
    panic::{UnwindSafe, catch_unwind},
    time::Duration,
};

use seawall_core::{
    Outcome, Window,
    breaker::{RateTrip, State, Trigger, Trip},
};

use crate::conformance::script::{
    Breaker, Case, Classifier, Setup,
    Step::{self, All, At, Begin, ByHand, Generation, RetryAfter, Row, State as Is, Threads, Undecided, Wait},
    calls, crowded, end, ms, rate, refused, secs, sees, told, tripped,
};
use seawall_testkit::time::exactly;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("CB-01", "defaults are our own; a duration cannot be negative, so none is replaced", plain, fresh())
            .and(|b| b, fresh())
            .and(plain, vec![six_failures(), Wait(secs(60)), Begin("a"), crowded()]),
        Case::new("CB-02", "consecutive successes are not exposed", plain, {
            let first = vec![calls("FFFFF"), Is(State::Closed), sees(5, 5), Row(5), calls("S"), sees(6, 5), Row(0)];
            let then = vec![Is(State::Closed), calls("F"), sees(7, 6), Row(1), calls("FFFFF"), Is(State::Open)];
            let open = vec![sees(0, 0), Row(0), RetryAfter(Some(secs(60))), tripped(six()), told(["closed -> open"])];
            vec![All(first), All(then), All(open)]
        }),
        Case::new("CB-03", FROM_60_S, plain, {
            let open = vec![refused(secs(60)), refused(secs(60)), sees(0, 0), At(ms(59_999)), Is(State::Open)];
            let over = vec![refused(ms(1)), Wait(secs(1)), Is(State::HalfOpen), RetryAfter(None), told([])];
            vec![six_failures(), told(["closed -> open"]), All(open), All(over)]
        }),
        Case::new("CB-04", FROM_60_S, plain, {
            let failed = vec![calls("F"), Is(State::Open), sees(0, 0), RetryAfter(Some(secs(60)))];
            let succeeded = vec![calls("S"), Is(State::Closed), sees(0, 0), RetryAfter(None), Generation(5)];
            vec![six_failures(), All(half_open(60)), All(failed), All(half_open(60)), All(succeeded)]
        }),
        Case::new("CB-05", FIXED, custom, vec![first_calls()]),
        Case::new("CB-06", FIXED, custom, vec![first_calls(), next_interval()]),
        Case::new("CB-07", FIXED, custom, {
            let trips = vec![calls("S"), sees(2, 1), Is(State::Closed), calls("F"), Is(State::Open), sees(0, 0)];
            let told_so = vec![tripped(two_of_three()), told(["closed -> open"])];
            vec![first_calls(), next_interval(), All(trips), All(told_so), All(half_open(90)), told([])]
        }),
        Case::new("CB-08", "a half-open circuit exposes its undecided probes, not its counts", custom, {
            let probes = vec![calls("SS"), Is(State::HalfOpen), Begin("c"), Wait(ms(50)), Undecided(1), crowded()];
            let closed = vec![Wait(ms(50)), end('c', 'S'), Is(State::Closed), sees(0, 0), RetryAfter(None)];
            let events = told(["closed -> open", "open -> half-open", "half-open -> closed"]);
            vec![calls("SFF"), All(half_open(90)), All(probes), All(closed), events]
        }),
        Case::new("CB-09", "", |b| plain(b).probes(2), {
            let places = vec![Begin("ab"), crowded(), crowded(), end('a', 'X'), end('b', 'X'), Undecided(0)];
            let fails = vec![calls("S"), Is(State::HalfOpen), calls("F"), Is(State::Open)];
            let closes = vec![calls("SS"), Is(State::Closed)];
            vec![six_failures(), All(half_open(60)), All(places), All(fails), All(half_open(60)), All(closes)]
        }),
        Case::new("CB-10", LATE, custom, late())
            .and(one_rule_over_time, late())
            .and(one_rule_over_calls, late())
            .and(custom, vec![began(), At(secs(30)), sees(0, 0), At(ms(30_500)), end('l', 'S'), sees(1, 0)]),
        Case::new("CB-11", "", plain, vec![calls("P"), sees(1, 1), Row(1), Is(State::Closed)]),
        Case::new(
            "CB-12",
            "",
            |b| plain(b).classify(all_is_well as Classifier),
            vec![calls("FFFFF"), Is(State::Closed), sees(5, 0), Row(0), ByHand(Breaker::reset), sees(0, 0)],
        )
        .and(
            |b| plain(b).classify(none_is_well as Classifier),
            vec![calls("FFFFF"), Is(State::Closed), calls("X"), Is(State::Open), tripped(six())],
        ),
        Case::new("CB-13", ONE_VERDICT, plain, {
            vec![calls("XXX"), sees(0, 0), calls("SSS"), sees(3, 0), calls("FF"), sees(5, 2), calls("X"), Row(2)]
        }),
        Case::new("CB-14", "over calls and over time, with one rule and with two; and with failures", parallel, {
            vec![Threads(10, "SX".repeat(5_000)), sees(50_000, 0), seen_by_time(50_000, 0)]
        })
        .and(parallel, vec![Threads(10, "SF".repeat(5_000)), sees(100_000, 50_000), seen_by_time(100_000, 50_000)])
        .and(one_rule_over_time, vec![Threads(10, "SX".repeat(5_000)), sees(50_000, 0)])
        .and(one_rule_over_calls, vec![Threads(10, "SX".repeat(5_000)), sees(50_000, 0)]),
        Case::new("CB-15", "ignored calls are not counted, and single buckets are not exposed", rolling, {
            let mut steps = vec![first_calls(), At(secs(3)), calls("S"), sees(11, 5), At(secs(5)), calls("SX")];
            steps.extend([sees(12, 5), At(secs(7)), calls("XS"), sees(13, 5), At(secs(9)), calls("F"), sees(14, 6)]);
            for i in 0..6 {
                steps.extend([At(secs(12 + 3 * i)), calls("SF"), sees(16 + 2 * i, 7 + i), Row(1), Is(State::Closed)]);
            }
            steps.extend([At(ms(29_999)), sees(26, 12), At(secs(30)), sees(16, 7), calls("F"), sees(17, 8), Row(2)]);
            steps.extend([rate(8.0 / 17.0), Is(State::Closed)]);
            steps
        }),
        Case::new("CB-16", TAGGED, two_buckets, {
            let grow = vec![calls("SFX"), sees(2, 1), At(secs(1)), sees(2, 1), Wait(Duration::ZERO), sees(2, 1)];
            let old = vec![At(secs(2)), sees(0, 0), Begin("abc"), At(secs(6)), sees(0, 0)];
            let late = vec![end('a', 'S'), end('b', 'F'), end('c', 'X'), sees(2, 1), At(secs(7)), sees(2, 1)];
            vec![All(grow), All(old), All(late), At(secs(8)), sees(0, 0)]
        }),
        Case::new("CB-17", "a window without buckets cannot be built; five buckets serve seven ages", five_buckets, {
            let age = |age: u64| All(vec![At(secs(age)), calls("F"), sees(5.min(age + 1), 5.min(age + 1))]);
            vec![ByHand(|_| no_window_without_buckets()), All((0..7).map(age).collect())]
        }),
        Case::new("CB-18", "the state is shared by clones, not by processes", two_seconds, {
            let reopens = vec![calls("SSS"), Is(State::Closed), six_failures(), Is(State::Open)];
            vec![six_failures(), Is(State::Open), refused(secs(2)), All(half_open(2)), All(reopens)]
        }),
    ]
}

const FROM_60_S: &str = "half-open from 60 s on, not only after; told with the first probe, not by a read";
const FIXED: &str = "a window of one bucket is the fixed interval; it begins with the clock, not with the last change";
const LATE: &str = "a call counts where it ends, not where it begins; a generation is a state, not an interval";
const ONE_VERDICT: &str = "a call has one verdict, so no order in which exclusion and success are asked";
const TAGGED: &str = "a call counts in the bucket in which it ends, so no result is too old or from the future";

// ===== breakers =====

fn plain(b: Setup) -> Setup {
    b.trip(Trip::consecutive(6)).trip(never().over(Window::calls(1_000))).open_for(exactly(secs(60)))
}

fn two_seconds(b: Setup) -> Setup {
    plain(b).probes(3).open_for(exactly(secs(2)))
}

fn custom(b: Setup) -> Setup {
    with_window(b, Window::time_in_buckets(secs(30), 1))
}

fn rolling(b: Setup) -> Setup {
    with_window(b, Window::time_in_buckets(secs(30), 10))
}

/// The second rule is for [`Row`].
fn with_window(b: Setup, window: Window) -> Setup {
    let rule = Trip::failure_rate(0.6).over(window).min_calls(3);
    b.trip(rule).trip(Trip::consecutive(1_000)).open_for(exactly(secs(90))).probes(3)
}

fn two_buckets(b: Setup) -> Setup {
    b.trip(never().over(Window::time_in_buckets(secs(2), 2)))
}

fn five_buckets(b: Setup) -> Setup {
    b.trip(never().over(Window::time_in_buckets(secs(5), 5)))
}

fn parallel(b: Setup) -> Setup {
    b.trip(never().over(Window::calls(1_000_000))).trip(never().over(Window::time(secs(30))))
}

fn one_rule_over_time(b: Setup) -> Setup {
    b.trip(Trip::failure_rate(1.0).over(Window::time(secs(60))))
}

fn one_rule_over_calls(b: Setup) -> Setup {
    b.trip(Trip::failure_rate(1.0).over(Window::calls(100_000)))
}

/// A rule that only counts.
fn never() -> RateTrip {
    Trip::when(|_| false)
}

fn all_is_well(_: &Result<(), tower::BoxError>) -> Outcome {
    Outcome::Success
}

fn none_is_well(result: &Result<(), tower::BoxError>) -> Outcome {
    if result.is_ok() { Outcome::Success } else { Outcome::Failure }
}

// ===== steps =====

fn fresh() -> Vec<Step> {
    let untouched = vec![Is(State::Closed), Generation(0), sees(0, 0), Row(0), RetryAfter(None)];
    let buckets = ByHand(|_| assert_eq!(Window::time(secs(30)), Window::time_in_buckets(secs(30), 10)));
    vec![All(untouched.clone()), Wait(secs(365 * 86_400)), All(untouched), buckets, told([])]
}

fn six_failures() -> Step {
    calls("FFFFFF")
}

fn first_calls() -> Step {
    All(vec![calls("SFX".repeat(5)), Is(State::Closed), sees(10, 5), rate(0.5), Row(1)])
}

fn next_interval() -> Step {
    let last = vec![At(ms(29_999)), calls("S"), sees(11, 5), Row(0)];
    let first = vec![Wait(secs(1)), calls("F"), sees(1, 1), Row(1), rate(None), Is(State::Closed)];
    All(vec![All(last), All(first)])
}

fn began() -> Step {
    All(vec![At(secs(29)), calls("S"), Begin("l"), At(ms(29_500)), sees(1, 0)])
}

fn late() -> Vec<Step> {
    let after = vec![ByHand(Breaker::reset), sees(0, 0), At(ms(30_500)), end('l', 'S'), sees(0, 0)];
    vec![began(), All(after), Is(State::Closed)]
}

/// The open period, to its last moment and past it.
fn half_open(open_for: u64) -> Vec<Step> {
    let last = Duration::from_nanos(1);
    vec![Wait(secs(open_for) - last), refused(last), Is(State::Open), Wait(last), Is(State::HalfOpen)]
}

fn seen_by_time(calls: u64, failures: u64) -> Step {
    Step::Sees { rule: 1, calls, failures, slow: 0 }
}

fn six() -> Trigger {
    Trigger::ConsecutiveFailures { failures: 6 }
}

fn two_of_three() -> Trigger {
    Trigger::FailureRate { rate: 2.0 / 3.0, threshold: 0.6 }
}

fn no_window_without_buckets() {
    fn panics<T>(build: impl FnOnce() -> T + UnwindSafe) -> bool {
        catch_unwind(build).is_err()
    }
    assert!(panics(|| Window::time_in_buckets(secs(1), 0)));
    assert!(panics(|| Window::time_in_buckets(Duration::ZERO, 1)));
    assert!(panics(|| Window::calls(0)));
}
