//! Polly: CB-55 to CB-62.

use std::{
    panic::{UnwindSafe, catch_unwind},
    time::Duration,
};

use seawall_core::{
    Window,
    breaker::{State, Trigger, Trip, Why},
};

use crate::conformance::script::{
    Breaker, Case, Setup,
    Step::{self, All, At, Begin, ByHand, RetryAfter, State as Is, Wait, WouldOpen},
    calls, crowded, end, ms, rate, refused, secs, sees, shut, told, tripped,
};
use seawall_testkit::time::exactly;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("CB-55", DEFAULTS, |b| b.open_for(exactly(secs(5))), {
            let below = vec![calls("F".repeat(19)), sees(19, 19), rate(None), Is(State::Closed)];
            let opens = vec![calls("S"), Is(State::Open), failed(0.95, 0.5), refused(secs(5))];
            let probe = vec![Wait(secs(5)), Begin("a"), crowded(), end('a', 'S'), Is(State::Closed)];
            vec![All(below), All(opens), All(probe), ByHand(|_| wrong_values_cannot_be_built())]
        })
        .and(|b| b, vec![calls("F"), At(ms(9_999)), sees(1, 1), At(secs(10)), sees(0, 0)])
        .and(
            |b| b.trip(Trip::failure_rate(0.1).over(Window::time(secs(30))).min_calls(100)).open_for(exactly(secs(5))),
            vec![calls("S".repeat(90)), calls("F".repeat(9)), Is(State::Closed), calls("F"), failed(0.1, 0.1)],
        )
        .and(|b| one_failure(b).open_for(exactly(Duration::MAX)), {
            let for_ever = Step::Refused { met: State::Open, retry_after: None };
            vec![calls("F"), for_ever.clone(), Wait(secs(365 * 86_400)), for_ever, Is(State::Open)]
        }),
        Case::new("CB-56", TENTH, tenth, measured("SSSSSSSSS", "S", None))
            .and(tenth, measured("SSSSSSSSS", "F", Some(0.1)))
            .and(tenth, measured("SSSSSSSSF", "F", Some(0.2)))
            .and(tenth, measured("FFSSSSSSS", "SS", Some(0.2)))
            .and(tenth, measured("SSSSSSSS", "F", None))
            .and(|b| half(b).probes(2).reopen_at(1.0), {
                let opened = vec![calls("FFFFFFFFFF"), Is(State::Open), sees(0, 0), Wait(secs(1))];
                vec![All(opened), calls("F"), Is(State::HalfOpen), sees(0, 0)]
            }),
        Case::new("CB-57", "", half, breaks_for_a_second()),
        Case::new(
            "CB-58",
            "a backoff takes the place of the generator; the one that is given last decides",
            |b| half(b.open_for(exactly(secs(30)))).open_for(exactly(secs(1))),
            breaks_for_a_second(),
        ),
        Case::new("CB-59", "late results are of an older generation, so they change nothing anywhere", one_failure, {
            let closed = vec![Begin("abde"), calls("S"), Is(State::Closed), told([])];
            let opened = vec![calls("F"), Is(State::Open), RetryAfter(Some(secs(10))), told(["closed -> open"])];
            let late = vec![Wait(secs(4)), end('a', 'F'), end('b', 'S'), Is(State::Open), told([]), refused(secs(6))];
            let reopened = vec![Wait(secs(6)), calls("F"), Is(State::Open), RetryAfter(Some(secs(10)))];
            let probed = vec![Wait(secs(10)), calls("S"), Is(State::Closed)];
            let isolated = vec![Begin("fg"), ByHand(Breaker::force_open), end('f', 'F'), end('g', 'S'), shut()];
            let older = vec![end('d', 'F'), end('e', 'S'), Is(State::ForcedOpen), shut()];
            [closed, opened, late, reopened, probed, isolated, older].into_iter().map(All).collect()
        }),
        Case::new("CB-60", "the manual control is the handle, which exists once the breaker is built", half, {
            let before = vec![calls("F"), sees(1, 1), ByHand(Breaker::force_open), Step::Why(Why::Manual)];
            let isolated = vec![told(["closed -> forced open"]), shut(), RetryAfter(None), Wait(secs(86_400)), shut()];
            let closed = vec![ByHand(Breaker::reset), Is(State::Closed), sees(0, 0), Step::Why(Why::Manual)];
            vec![All(before), All(isolated), All(closed), told(["forced open -> closed"]), calls("S")]
        }),
        Case::new("CB-61", "in metrics only, so that all rates can be read", ten_buckets, {
            let read = |i: u64, two: &str, n, failures| {
                let seen = vec![sees(n, failures), rate(failures as f64 / n as f64)];
                All(vec![At(secs(2 * i)), calls(two), Wait(secs(2)), All(seen)])
            };
            let first = vec![read(0, "FS", 2, 1), read(1, "FS", 4, 2), read(2, "SS", 6, 2)];
            let then = vec![read(3, "SS", 8, 2), read(4, "SS", 8, 1), Wait(secs(2)), sees(6, 0), rate(0.0)];
            vec![ByHand(Breaker::metrics_only), All(first), All(then)]
        }),
        Case::new(
            "CB-62",
            "how many buckets is asked for, not guessed from the length; a window of one begins with the clock",
            |b| window(b, Window::time_in_buckets(ms(199), 1)),
            vec![calls("S"), At(ms(198)), calls("S"), sees(2, 0), At(ms(199)), sees(0, 0)],
        )
        .and(
            |b| window(b, Window::time_in_buckets(ms(200), 10)),
            vec![calls("S"), At(ms(198)), calls("S"), sees(2, 0), At(ms(200)), sees(1, 0), At(ms(380)), sees(0, 0)],
        ),
    ]
}

const TENTH: &str =
    "in metrics only, so that it goes on; a half-open circuit has no window, so nothing is counted in it";
const DEFAULTS: &str = "our defaults: half of at least 20 calls in 10 s, open for 5 s (here without jitter), 1 probe; any duration is valid";

// ===== breakers =====

fn half(b: Setup) -> Setup {
    b.trip(Trip::failure_rate(0.5).over(Window::time(secs(10))).min_calls(10)).open_for(exactly(secs(1)))
}

fn window(b: Setup, window: Window) -> Setup {
    b.trip(Trip::failure_rate(1.0).over(window).min_calls(1))
}

fn ten_buckets(b: Setup) -> Setup {
    window(b, Window::time_in_buckets(secs(10), 10))
}

fn tenth(b: Setup) -> Setup {
    b.trip(Trip::failure_rate(0.1).over(Window::time(secs(10))).min_calls(10))
}

fn one_failure(b: Setup) -> Setup {
    b.trip(Trip::consecutive(1)).open_for(exactly(secs(10)))
}

// ===== steps =====

/// Some calls that decide nothing, then the last ones; and at which rate the circuit would have opened.
fn measured(first: &str, last: &'static str, would_open: Option<f64>) -> Vec<Step> {
    let failures = first.matches('F').count() + last.matches('F').count();
    let end = match would_open {
        Some(rate) => vec![WouldOpen(Trigger::FailureRate { rate, threshold: 0.1 }), told(["would open"])],
        None => vec![told([])],
    };
    let begin = vec![ByHand(Breaker::metrics_only), told(["closed -> metrics only"]), calls(first), told([])];
    vec![All(begin), calls(last), All(end), sees((first.len() + last.len()) as u64, failures as u64)]
}

fn breaks_for_a_second() -> Vec<Step> {
    let opened = vec![calls("F".repeat(9)), Is(State::Closed), calls("F"), told(["closed -> open"]), refused(secs(1))];
    let probed = vec![Wait(ms(500)), refused(ms(500)), Wait(ms(500)), calls("F"), refused(secs(1))];
    let closed = vec![told(["open -> half-open", "half-open -> open"]), Wait(secs(1)), calls("S")];
    vec![All(opened), All(probed), All(closed), told(["open -> half-open", "half-open -> closed"])]
}

fn failed(rate: f64, threshold: f64) -> Step {
    tripped(Trigger::FailureRate { rate, threshold })
}

fn wrong_values_cannot_be_built() {
    fn panics<T>(build: impl FnOnce() -> T + UnwindSafe) -> bool {
        catch_unwind(build).is_err()
    }
    for wrong in [0.0, -0.1, 1.1, f64::NAN] {
        assert!(panics(|| Trip::failure_rate(wrong)), "{wrong}");
    }
    assert!(panics(|| Trip::failure_rate(0.1).min_calls(0)));
    assert!(panics(|| Trip::consecutive(0)));
    assert!(panics(|| Window::time(Duration::ZERO)));
}
