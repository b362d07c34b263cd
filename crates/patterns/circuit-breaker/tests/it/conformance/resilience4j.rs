//! resilience4j, the state machine: CB-19 to CB-35.

use seawall_core::{
    Backoff, Jitter, Window,
    breaker::{State, Trigger, Trip, Why},
};

use crate::conformance::script::{
    Breaker, Case, Setup,
    Step::{
        self, Abandon, All, At, Begin, ByHand, Generation, RetryAfter, Row, State as Is, Undecided, Wait, WouldOpen,
    },
    calls, crowded, end, ms, rate, refused, secs, sees, shut, taking, told, tripped,
};
use seawall_testkit::time::exactly;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("CB-19", IN_THE_EVENT, c0, {
            let below = vec![calls("F"), rate(None), sees(1, 1), calls("F"), sees(2, 2), calls("F"), sees(3, 3)];
            let trips = vec![calls("S"), sees(4, 3), rate(None), Is(State::Closed), calls("S"), Is(State::Open)];
            vec![All(below), All(trips), told(["closed -> open"]), failed(0.6), sees(0, 0), refused(secs(5))]
        }),
        Case::new("CB-20", IN_THE_EVENT, c0, {
            let first = vec![taking(secs(5), "FS"), taking(ms(100), "FS"), Is(State::Closed), sees(4, 2), slow(4, 2)];
            vec![All(first), taking(secs(5), "S"), Is(State::Open), was_slow(0.6), told(["closed -> open"])]
        }),
        Case::new("CB-21", "", c0, {
            let first = vec![taking(secs(5), "S"), slow(1, 1), taking(secs(5), "S"), slow(2, 2)];
            let fast = vec![taking(secs(1), "S"), slow(3, 2), taking(secs(1), "S"), slow(4, 2), Is(State::Closed)];
            vec![All(first), All(fast), taking(secs(5), "S"), Is(State::Open), was_slow(0.6)]
        })
        .and(c0, vec![taking(secs(4), "SSSSS"), Is(State::Closed), slow(5, 0), Step::Rate(1, Some(0.0))]),
        Case::new("CB-22", "half-open from 5 s on; refusals are counted since the breaker was built", c0, {
            let open = vec![refused(secs(5)), At(secs(3)), refused(secs(2)), Is(State::Open)];
            vec![opened(), All(open), At(secs(6)), Begin("a"), Is(State::HalfOpen), sees(0, 0), Undecided(1)]
        }),
        Case::new(
            "CB-23",
            "the open period is configured; none is named when opening by hand",
            |b| c0(b).open_for(exactly(secs(7_200))),
            vec![opened(), At(secs(3_600)), refused(secs(3_600)), At(secs(7_201)), Begin("a"), Is(State::HalfOpen)],
        )
        .and(
            |b| c0(b).open_for(exactly(secs(1_800))),
            vec![opened(), At(secs(900)), refused(secs(900)), At(secs(1_801)), Begin("a"), Is(State::HalfOpen)],
        ),
        Case::new("CB-24", "", |b| c0(b).open_for(growing()), {
            let first = vec![opened(), At(secs(3)), refused(secs(2)), At(secs(6)), calls("F"), Is(State::Open)];
            let second = vec![Wait(secs(6)), refused(ms(1_500)), Wait(secs(5)), calls("SSSS"), Is(State::Closed)];
            vec![All(first), All(second), opened(), RetryAfter(Some(secs(5)))]
        }),
        Case::new("CB-25", BY_RATE, by_rate, {
            vec![half_open(), calls("FFS"), Is(State::HalfOpen), calls("F"), Is(State::Open), probes_failed(0.75)]
        })
        .and(by_rate, {
            let slow = vec![taking(secs(5), "SSS"), Is(State::HalfOpen), taking(secs(1), "S"), Is(State::Open)];
            vec![half_open(), All(slow), probes_failed(0.75)]
        }),
        Case::new("CB-26", BY_RATE, by_rate, {
            let closed = vec![Is(State::Closed), Step::Why(Why::ProbesSucceeded), sees(0, 0), rate(None)];
            vec![half_open(), calls("FSS"), Is(State::HalfOpen), calls("S"), All(closed), calls("S"), sees(1, 0)]
        }),
        Case::new("CB-27", "half-open again by way of a failed probe; what the old ones say counts for nothing", c0, {
            let first = vec![half_open(), Begin("abcd"), crowded(), crowded(), end('a', 'F'), Is(State::Open)];
            let again = vec![Wait(secs(5)), Begin("efgh"), crowded(), crowded(), Undecided(4)];
            let late = vec![end('b', 'S'), end('c', 'F'), end('d', 'X'), Undecided(4), crowded(), Is(State::HalfOpen)];
            vec![All(first), All(again), All(late)]
        }),
        Case::new("CB-28", "released by dropping it", c0, {
            let places = vec![half_open(), Begin("abcd"), crowded(), crowded()];
            vec![All(places), Abandon('a'), Undecided(3), Begin("e"), crowded(), Is(State::HalfOpen)]
        }),
        Case::new("CB-29", "in both modes; decided probes are not exposed", by_rate, ignored_probes())
            .and(c0, ignored_probes()),
        Case::new("CB-30", "events tell of changes and refusals, not of calls that were let in", c0, {
            let calls = vec![calls("SFFFF"), sees(0, 0), rate(None), slow(0, 0), Is(State::ForcedClosed)];
            vec![ByHand(Breaker::force_closed), All(calls), told(["closed -> forced closed"]), Generation(1)]
        }),
        Case::new("CB-31", "", c0, {
            let forced = vec![ByHand(Breaker::force_open), shut(), Wait(secs(6)), shut(), Is(State::ForcedOpen)];
            vec![All(forced), told(["closed -> forced open"])]
        }),
        Case::new(
            "CB-32",
            "events tell of changes and of what would have been one, not of calls that were let in",
            c0,
            {
                let below = vec![ByHand(Breaker::metrics_only), told([SET]), calls("FFFS"), sees(4, 3), rate(None)];
                let above = vec![calls("X"), told([]), calls("S"), Is(State::MetricsOnly), sees(5, 3), rate(0.6)];
                let once = vec![WouldOpen(failure_rate(0.6)), told(["would open"]), calls("F"), sees(6, 4), told([])];
                vec![All(below), All(above), All(once), calls("FFFFF"), told([]), Is(State::MetricsOnly)]
            },
        ),
        manual_changes(),
        Case::new("CB-35", NO_TIMER, two_seconds, {
            let open = vec![opened(), At(ms(1_999)), Is(State::Open)];
            vec![All(open), At(secs(2)), Is(State::HalfOpen), told(["closed -> open"])]
        })
        .and(two_seconds, {
            let forced = vec![At(secs(1)), ByHand(Breaker::force_open), At(secs(2)), Is(State::ForcedOpen), shut()];
            vec![opened(), All(forced), At(secs(86_400)), Is(State::ForcedOpen), shut()]
        }),
    ]
}

fn manual_changes() -> Case {
    let note = "half-open and open are not set by hand; reset of a closed circuit counts anew, and is told";
    let twice = vec![
        All(vec![ByHand(Breaker::force_open), told(["closed -> forced open"]), ByHand(Breaker::force_open), shut()]),
        All(vec![ByHand(Breaker::force_closed), told(["forced open -> forced closed"]), ByHand(Breaker::force_closed)]),
        All(vec![calls("F"), sees(0, 0), ByHand(Breaker::metrics_only), told(["forced closed -> metrics only"])]),
        All(vec![calls("F"), ByHand(Breaker::metrics_only), sees(1, 1), told([]), Generation(3)]),
        All(vec![ByHand(Breaker::reset), told(["metrics only -> closed"]), Step::Why(Why::Manual), sees(0, 0)]),
        All(vec![calls("F"), sees(1, 1), ByHand(Breaker::reset), told(["closed -> closed"]), sees(0, 0)]),
    ];
    let to_metrics_only =
        |before: Step| vec![before, ByHand(Breaker::metrics_only), Is(State::MetricsOnly), calls("F")];
    Case::new("CB-33", note, c0, twice)
        .and(c0, to_metrics_only(Row(0)))
        .and(c0, to_metrics_only(opened()))
        .and(c0, to_metrics_only(All(vec![half_open(), Begin("a"), Is(State::HalfOpen)])))
        .and(c0, to_metrics_only(ByHand(Breaker::force_open)))
        .and(c0, to_metrics_only(ByHand(Breaker::force_closed)))
}

const BY_RATE: &str = "the mode `reopen_at(0.5)`; slow probes are failed ones, so one rate judges both";
const IN_THE_EVENT: &str = "counts begin anew in each state, so the rate that opened it is in the event";
const NO_TIMER: &str = "no timer: from 2 s on it is half-open for all who ask, told with the first probe";
const SET: &str = "closed -> metrics only";

// ===== breakers =====

/// The configuration of most of resilience4j's tests.
fn c0(b: Setup) -> Setup {
    let window = Window::time_in_buckets(secs(20), 20);
    b.trip(Trip::failure_rate(0.5).over(window).min_calls(5))
        .trip(Trip::slow_rate(0.5, secs(4)).over(window).min_calls(5))
        .probes(4)
        .open_for(exactly(secs(5)))
}

fn by_rate(b: Setup) -> Setup {
    c0(b).reopen_at(0.5)
}

fn two_seconds(b: Setup) -> Setup {
    c0(b).open_for(exactly(secs(2)))
}

fn growing() -> Backoff {
    Backoff::exponential(secs(5)).factor(1.5).jitter(Jitter::None)
}

// ===== steps =====

fn opened() -> Step {
    All(vec![calls("FFFFF"), Is(State::Open)])
}

fn half_open() -> Step {
    All(vec![opened(), Wait(secs(5)), Is(State::HalfOpen)])
}

fn ignored_probes() -> Vec<Step> {
    let ignored = vec![Begin("abcd"), crowded(), end('a', 'X'), end('b', 'X'), end('c', 'X'), end('d', 'X')];
    let successes = vec![Undecided(0), Is(State::HalfOpen), calls("SSS"), Is(State::HalfOpen)];
    vec![half_open(), All(ignored), calls("XXXX"), All(successes), calls("S"), Is(State::Closed)]
}

/// What the rule of slowness sees.
fn slow(calls: u64, slow: u64) -> Step {
    Step::Sees { rule: 1, calls, failures: 0, slow }
}

fn failure_rate(rate: f64) -> Trigger {
    Trigger::FailureRate { rate, threshold: 0.5 }
}

fn failed(rate: f64) -> Step {
    tripped(failure_rate(rate))
}

fn was_slow(rate: f64) -> Step {
    tripped(Trigger::SlowRate { rate, threshold: 0.5 })
}

fn probes_failed(rate: f64) -> Step {
    tripped(Trigger::ProbeFailureRate { rate, threshold: 0.5 })
}
