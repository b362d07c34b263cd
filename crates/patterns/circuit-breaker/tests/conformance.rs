//! What the tests of other circuit breakers assert, asserted of this one: the cases CB-01 to CB-65.
//!
//! A case is a row: a script of steps over a clock that stands still by itself. Each script is played through every
//! API (see [`ways::Way`]), and must go the same way through all of them. A case that is not ours stands in
//! [`NOT_OURS`].

#[path = "conformance/failsafe.rs"]
mod failsafe;
#[path = "conformance/gobreaker.rs"]
mod gobreaker;
#[path = "conformance/nested.rs"]
mod nested;
#[path = "conformance/others.rs"]
mod others;
#[path = "conformance/polly.rs"]
mod polly;
#[path = "conformance/resilience4j.rs"]
mod resilience4j;
#[path = "conformance/resilience4j_windows.rs"]
mod resilience4j_windows;
#[path = "conformance/script.rs"]
mod script;
#[path = "conformance/stage.rs"]
mod stage;
#[path = "conformance/verdict.rs"]
mod verdict;
#[path = "conformance/ways.rs"]
mod ways;

use script::Case;

/// Cases whose behaviour does not exist here, and why.
const NOT_OURS: &[(&str, &str)] = &[
    ("CB-34", "no timer ends a half-open circuit: without calls it harms nobody, and silent probes lose their places"),
    ("CB-41", "a result does not say for how long to open; a callee that names a time is the business of retry"),
    ("CB-53", "the open period is a duration or a backoff, not a function of the call that failed"),
];

#[test]
fn cases_of_gobreaker_hold_in_every_way() {
    stage::play(gobreaker::cases());
}

#[test]
fn cases_of_resilience4j_hold_in_every_way() {
    stage::play(resilience4j::cases());
    stage::play(resilience4j_windows::cases());
}

#[test]
fn cases_of_failsafe_hold_in_every_way() {
    stage::play(failsafe::cases());
}

#[test]
fn cases_of_polly_hold_in_every_way() {
    stage::play(polly::cases());
}

#[test]
fn cases_of_hystrix_finagle_and_linkerd_hold_in_every_way() {
    stage::play(others::cases());
}

#[test]
fn every_case_is_played_or_listed_once() {
    let mut found: Vec<String> = all().iter().map(|case| case.id.into()).collect();
    found.extend(NOT_OURS.iter().map(|(id, _)| (*id).into()));
    found.sort();
    let wanted: Vec<String> = (1..=65).map(|number| format!("CB-{number:02}")).collect();
    assert_eq!(found, wanted);
}

fn all() -> Vec<Case> {
    let sources =
        [gobreaker::cases(), resilience4j::cases(), resilience4j_windows::cases(), failsafe::cases(), polly::cases()];
    sources.into_iter().flatten().chain(others::cases()).collect()
}
