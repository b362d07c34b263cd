//! failsafe-go: CB-43 to CB-54 without CB-53.

use std::time::Duration;

use seawall_core::{
    Window,
    breaker::{State, Trigger, Trip},
};

use crate::conformance::{
    nested,
    script::{
        Breaker, Case, Setup,
        Step::{self, All, At, Begin, ByHand, RetryAfter, State as Is, Undecided, Wait},
        calls, crowded, ms, rate, refused, secs, sees, told, tripped,
    },
};
use seawall_testkit::time::exactly;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("CB-43", "", |b| b.trip(Trip::consecutive(1)).open_for(exactly(secs(60))), {
            vec![calls("S"), Is(State::Closed), calls("F"), Is(State::Open), refused(secs(60))]
        }),
        Case::new("CB-44", "", |b| b.trip(Trip::consecutive(3)), {
            vec![calls("FSFF"), Is(State::Closed), calls("F"), Is(State::Open)]
        })
        .and(|b| b.trip(Trip::consecutive(2)), vec![calls("SF".repeat(20)), Is(State::Closed), told([])])
        .and(three_of_four, vec![calls("SF".repeat(20)), Is(State::Closed), rate(0.5), told([])]),
        Case::new("CB-45", ALL_ENDED, |b| half_open(b, 3).reopen_at(1.0), {
            vec![opened(), calls("FF"), Is(State::HalfOpen), calls("F"), Is(State::Open), probes_failed(1.0, 1.0)]
        })
        .and(|b| half_open(b, 3).reopen_at(1.0), {
            vec![opened(), calls("FS"), Is(State::HalfOpen), calls("F"), Is(State::Closed)]
        })
        .and(two_of_three, vec![opened(), calls("FS"), Is(State::HalfOpen), calls("F"), Is(State::Open)])
        .and(two_of_three, vec![opened(), calls("FSS"), Is(State::Closed)]),
        Case::new("CB-46", "", |b| half_open(b, 3), {
            vec![opened(), calls("SS"), Is(State::HalfOpen), calls("S"), Is(State::Closed)]
        })
        .and(|b| half_open(b, 3), vec![opened(), calls("S"), Is(State::HalfOpen), calls("F"), Is(State::Open)])
        .and(|b| b.trip(Trip::consecutive(2)).open_for(exactly(secs(1))).probes(3), {
            let opened = vec![calls("FF"), Is(State::Open), Wait(secs(1))];
            let trips = vec![calls("F"), Is(State::Open), tripped(Trigger::ProbeFailed)];
            vec![All(opened), calls("SS"), Is(State::HalfOpen), All(trips)]
        }),
        Case::new("CB-47", "the mode `reopen_at`: 3 of 4 must succeed is 2 of 4 must not fail", four_probes, {
            vec![opened(), calls("SFS"), Is(State::HalfOpen), calls("F"), Is(State::Open), probes_failed(0.5, 0.5)]
        })
        .and(four_probes, vec![opened(), calls("SFS"), Is(State::HalfOpen), calls("S"), Is(State::Closed)]),
        Case::new("CB-48", HALF_OPEN_COUNTS, ten_and_twenty, {
            let more = (0..15).map(|i| if i % 4 == 0 { 'F' } else { 'S' }).collect::<String>();
            vec![calls("SFSFSFS"), sees(7, 3), rate(None), calls(more), sees(10, 2), rate(0.2), Is(State::Closed)]
        })
        .and(ten_and_twenty, {
            vec![fifteen_probes(), Is(State::HalfOpen), Undecided(0), calls("SSSSS"), Is(State::Closed)]
        })
        .and(ten_and_twenty, {
            let last = vec![calls("SSSS"), Is(State::HalfOpen), calls("F"), Is(State::Open), probes_failed(0.3, 0.3)];
            vec![fifteen_probes(), All(last)]
        }),
        Case::new("CB-49", "a circuit that is open for no time is half-open to all who ask", two_in_200_ms, {
            let closed = vec![calls("FS"), At(ms(210)), calls("FS"), At(ms(260)), Is(State::Closed), told([])];
            let open = vec![calls("F"), told(["closed -> open"]), Is(State::HalfOpen)];
            let first = vec![calls("F"), told(["open -> half-open"]), calls("F"), told(["half-open -> open"])];
            let second = vec![calls("F"), told(["open -> half-open"]), calls("S"), told(["half-open -> closed"])];
            vec![All(closed), All(open), All(first), All(second), Is(State::Closed)]
        }),
        Case::new("CB-50", "", |b| half_open(b, 3), {
            vec![opened(), Begin("abc"), crowded(), crowded(), crowded(), crowded(), crowded(), Undecided(3)]
        }),
        Case::new("CB-51", "in metrics only, so that all rates can be read", four_seconds, {
            let some = "SFFFF".repeat(10);
            let first = vec![ByHand(Breaker::metrics_only), At(ms(900)), calls(some), sees(50, 40), rate(0.8)];
            let second = vec![At(secs(1)), calls("S".repeat(10)), sees(60, 40), rate(40.0 / 60.0)];
            let third = vec![At(ms(2_500)), calls("F".repeat(20)), sees(80, 60), rate(0.75)];
            let fourth = vec![At(ms(3_100)), calls("SFFFF".repeat(5)), sees(105, 80), rate(80.0 / 105.0)];
            let rolled = vec![At(ms(5_400)), calls("S".repeat(8)), sees(53, 40), rate(40.0 / 53.0)];
            let again = vec![At(ms(7_300)), calls("FFFFF"), sees(13, 5), rate(5.0 / 13.0)];
            let idle = vec![At(ms(22_500)), sees(0, 0), rate(None)];
            let anew = vec![At(ms(23_100)), calls("SSS"), sees(3, 0), rate(0.0)];
            [first, second, third, fourth, rolled, again, idle, anew].into_iter().map(All).collect()
        }),
        Case::new("CB-52", "half-open as soon as the open period is over", |b| one_failure(b, secs(1)), {
            let open = vec![calls("F"), RetryAfter(Some(secs(1))), Wait(ms(110)), refused(ms(890))];
            vec![RetryAfter(None), All(open), Wait(ms(890)), Begin("a"), Is(State::HalfOpen), RetryAfter(None)]
        })
        .and(|b| one_failure(b, ms(10)), vec![calls("F"), Wait(ms(50)), RetryAfter(None), Is(State::HalfOpen)])
        .and(|b| one_failure(b, ms(100)), vec![calls("F"), Wait(ms(110)), Begin("a"), Is(State::HalfOpen), crowded()]),
        Case::own("CB-54", "", nested::each_breaker_opens_by_its_own_errors),
    ]
}

const ALL_ENDED: &str =
    "the mode `reopen_at`, which decides when all probes have ended and not as soon as it is certain";
const HALF_OPEN_COUNTS: &str = "the counts of probes are not exposed, so the last of 20 show what the first 15 were";

// ===== breakers =====

fn one_failure(b: Setup, open_for: Duration) -> Setup {
    b.trip(Trip::consecutive(1)).open_for(exactly(open_for))
}

fn half_open(b: Setup, probes: u32) -> Setup {
    one_failure(b, secs(1)).probes(probes)
}

fn two_of_three(b: Setup) -> Setup {
    half_open(b, 3).reopen_at(2.0 / 3.0)
}

fn four_probes(b: Setup) -> Setup {
    half_open(b, 4).reopen_at(0.5)
}

fn three_of_four(b: Setup) -> Setup {
    b.trip(Trip::failure_rate(0.75).over(Window::calls(4)).min_calls(4))
}

fn ten_and_twenty(b: Setup) -> Setup {
    b.trip(Trip::failure_rate(0.5).over(Window::calls(10)).min_calls(10)).probes(20).reopen_at(0.3)
}

fn two_in_200_ms(b: Setup) -> Setup {
    let two = Trip::when(|counts| counts.failures >= 2).over(Window::time(ms(200))).min_calls(1);
    b.trip(two).open_for(exactly(Duration::ZERO)).probes(2).reopen_at(1.0)
}

fn four_seconds(b: Setup) -> Setup {
    b.trip(Trip::failure_rate(1.0).over(Window::time_in_buckets(secs(4), 4)).min_calls(1))
}

// ===== steps =====

fn opened() -> Step {
    All(vec![calls("F"), Is(State::Open), Wait(secs(1)), Is(State::HalfOpen)])
}

fn fifteen_probes() -> Step {
    All(vec![calls("F".repeat(10)), Is(State::Open), Wait(secs(5)), calls("FSS".repeat(5))])
}

fn probes_failed(rate: f64, threshold: f64) -> Step {
    tripped(Trigger::ProbeFailureRate { rate, threshold })
}
