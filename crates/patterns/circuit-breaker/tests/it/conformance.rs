//! What the tests of other circuit breakers assert, asserted of this one: the cases CB-01 to CB-65.
//!
//! A case is a row: a script of steps over a clock that stands still by itself. Each script is played through every
//! API (see [`ways::Way`]), and must go the same way through all of them. A case that is not ours stands in
//! [`NOT_OURS`].

mod failsafe;
mod gobreaker;
mod nested;
mod others;
mod polly;
mod resilience4j;
mod resilience4j_windows;
mod script;
mod stage;
mod verdict;
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
