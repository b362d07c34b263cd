//! What the tests of other bulkheads assert, asserted of this one: the cases BH-01 to BH-10.
//!
//! A case is a row: a script of steps over a clock that stands still by itself. Each script is played through every
//! API that can play it (see [`ways::Way`]), and must go the same way through all of them. What takes threads is a test
//! of its own. A case that is not ours stands in [`NOT_OURS`].

mod others;
mod resilience4j;
mod script;
mod stage;
mod ways;

/// Cases whose behaviour does not exist here, and why.
const NOT_OURS: &[(&str, &str)] =
    &[("BH-05", "how long one waits is set when the bulkhead is built; what can be changed later is the limit")];

#[test]
fn cases_of_resilience4j_hold_in_every_way() {
    stage::play(resilience4j::cases());
}

#[test]
fn cases_of_failsafe_and_netflix_hold_in_every_way() {
    stage::play(others::cases());
}

#[test]
fn every_case_is_played_or_listed_once() {
    let played = resilience4j::cases().into_iter().chain(others::cases()).map(|case| case.id);
    let mut found: Vec<String> = played.chain(NOT_OURS.iter().map(|(id, _)| *id)).map(String::from).collect();
    found.sort();
    let wanted: Vec<String> = (1..=10).map(|number| format!("BH-{number:02}")).collect();
    assert_eq!(found, wanted);
}
