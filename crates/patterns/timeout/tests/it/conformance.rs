//! What the tests of other timeouts assert, asserted of this one: the cases TO-01 to TO-12.
//!
//! A case is a row: a stack of timeouts and retries, a callee, and what comes of it. Each is played through every API (see
//! [`stage::Way`]) with time that is paused, and must go the same way through all of them. What is not one call through one
//! stack is a test of its own. A case that is not ours stands in [`NOT_OURS`].

mod cases;
mod single;
mod stage;

/// Cases whose behaviour does not exist here, and why.
const NOT_OURS: &[(&str, &str)] = &[
    ("TO-06", "there is no fallback; a response for who is cut off is `on_reject`"),
    ("TO-07", "there is no fallback"),
    ("TO-09", "any duration is a limit: zero refuses, `Duration::MAX` is none, and a function is taken at its word"),
];

#[test]
fn cases_of_failsafe_polly_and_resilience4j_hold_in_every_way() {
    cases::all().iter().for_each(stage::play);
}

#[test]
fn every_case_is_played_or_listed_once() {
    let played = cases::all().into_iter().map(|case| case.id);
    let mut found: Vec<String> = played.chain(NOT_OURS.iter().map(|(id, _)| *id)).map(String::from).collect();
    found.sort();
    let wanted: Vec<String> = (1..=12).map(|number| format!("TO-{number:02}")).collect();
    assert_eq!(found, wanted);
}
