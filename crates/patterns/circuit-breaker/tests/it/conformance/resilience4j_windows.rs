//! resilience4j, its windows and classifiers: CB-36 to CB-42 without CB-41.

use seawall_core::{
    Outcome, Window,
    breaker::{Counts, State, Trigger, Trip},
};
use tower::BoxError;

use crate::conformance::{
    script::{
        Breaker, Case, Classifier, Setup,
        Step::{self, All, At, Begin, ByHand, State as Is},
        calls, end, ms, rate, secs, sees, taking, told, tripped,
    },
    verdict::as_said,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("CB-36", MEASURED, ten_calls, {
            let below = vec![ByHand(Breaker::metrics_only), told([SET]), calls("SSFF"), sees(4, 2), rate(None)];
            let above = vec![calls("FFFFSSSS"), sees(10, 6), rate(0.6), told(["would open"])];
            vec![All(below), All(above), calls("SSS"), sees(10, 3), rate(0.3), told([])]
        }),
        Case::new("CB-37", "durations are not summed up", five_seconds, {
            let first = vec![calls("F"), At(ms(100)), calls("S"), At(ms(200)), calls("S"), At(ms(1_200)), calls("S")];
            let then =
                vec![At(ms(2_200)), calls("S"), At(ms(3_200)), calls("F"), At(ms(4_200)), calls("S"), sees(7, 2)];
            let rolled = vec![At(ms(5_200)), calls("S"), sees(5, 1), At(ms(6_200)), calls("S"), sees(5, 1)];
            vec![All(first), All(then), All(rolled), At(ms(11_200)), calls("S"), sees(1, 0)]
        }),
        Case::new("CB-38", SHIFTED, five_seconds, {
            let began = vec![At(ms(4_800)), Begin("s"), At(secs(5)), calls("F"), At(ms(5_100)), calls("S")];
            let seen = vec![At(ms(5_800)), end('s', 'F'), sees_all(3, 2, 1), At(ms(9_800)), sees_all(3, 2, 1)];
            let expired = vec![At(ms(10_800)), sees_all(0, 0, 0), At(ms(10_900)), calls("S"), sees_all(1, 0, 0)];
            vec![All(began), All(seen), All(expired), At(ms(15_900)), calls("S"), sees_all(1, 0, 0)]
        }),
        Case::new("CB-39", "durations are not summed up; slow calls are not told apart by success", slowness, {
            let failed = Step::Sees { rule: 1, calls: 5, failures: 1, slow: 0 };
            let slow = vec![taking(secs(10), "SF"), taking(ms(100), "SSS"), Is(State::Closed)];
            vec![All(slow), sees_all(5, 0, 2), rate(0.4), failed]
        }),
        Case::new(
            "CB-40",
            "one classifier says both: what is no failure is a success or is ignored",
            |b| five_seconds(b).classify(business_is_success as Classifier),
            vec![calls("F"), sees(1, 1), calls("X"), sees(2, 1)],
        )
        .and(five_seconds, vec![calls("F"), sees(1, 1), calls("X"), sees(1, 1)])
        .and(four_calls, vec![calls("X"), sees(0, 0), calls("F"), sees(1, 1), calls("X"), sees(1, 1)]),
        Case::new("CB-42", "", four_calls, {
            let below = vec![calls("SSF"), rate(None), calls("S"), rate(0.25), calls("S"), rate(0.25), sees(4, 1)];
            let trigger = Trigger::FailureRate { rate: 0.5, threshold: 0.5 };
            vec![All(below), Is(State::Closed), calls("F"), Is(State::Open), tripped(trigger)]
        }),
    ]
}

const MEASURED: &str = "in metrics only, so that the rate can be read; a refusal is never in the counts";
const SET: &str = "closed -> metrics only";
const SHIFTED: &str = "all 5 s later, as the slow call began before the first; durations are not summed up";

// ===== breakers =====

fn ten_calls(b: Setup) -> Setup {
    b.trip(Trip::failure_rate(0.5).over(Window::calls(10)).min_calls(10))
}

fn four_calls(b: Setup) -> Setup {
    b.trip(Trip::failure_rate(0.5).over(Window::calls(4)).min_calls(4))
}

fn five_seconds(b: Setup) -> Setup {
    let only_counts = |_: &Counts| false;
    b.trip(Trip::when(only_counts).over(Window::time_in_buckets(secs(5), 5)).slower_than(ms(500)))
}

fn slowness(b: Setup) -> Setup {
    let window = Window::time(secs(60));
    b.trip(Trip::slow_rate(0.5, secs(5)).over(window).min_calls(5)).trip(Trip::failure_rate(1.0).over(window))
}

fn business_is_success(result: &Result<(), BoxError>) -> Outcome {
    match as_said(result) {
        Outcome::Ignored => Outcome::Success,
        outcome => outcome,
    }
}

/// What a rule sees that looks at slowness too.
fn sees_all(calls: u64, failures: u64, slow: u64) -> Step {
    Step::Sees { rule: 0, calls, failures, slow }
}
