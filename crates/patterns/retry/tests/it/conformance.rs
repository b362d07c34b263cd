//! What the tests of other retries assert, asserted of this one: the cases RT-01 to RT-23 of retries, RB-01 to RB-10 of
//! budgets, those of MX that are about a retry, and a test for each bug that others had.
//!
//! A case is a row: plays of one call by a clock that leaps, each by every way to make the call, and tests of its own
//! for what is not one call. A case that is not ours stands in a list with the reason.

mod budgets;
mod bugs;
mod composed;
mod others;
mod polly;
mod script;

use script::{Case, play};

/// Cases whose behaviour does not exist here, and why.
const NOT_OURS: &[(&str, &str)] = &[
    ("RT-09", "decorrelated delays are Brooker's, up to thrice the last one, and not Polly's formula"),
    ("RB-04", "a share of the calls is the law, and not a bucket that failures empty and that is to be half full"),
    ("RB-05", "retries are counted over time, and not those that are active now"),
    ("RB-06", "as RB-05"),
    ("RB-08", "what a retry costs is not given back if it succeeds: it has been made"),
    ("RB-09", "as RB-08"),
    ("MX-04", "there is no hedge in this crate"),
    ("MX-05", "as MX-04"),
];

#[test]
fn cases_of_polly_hold_in_every_way() {
    play(polly::cases());
}

#[test]
fn cases_of_the_other_retries_hold_in_every_way() {
    play(others::cases());
}

#[test]
fn cases_of_budgets_hold() {
    play(budgets::cases());
}

#[test]
fn cases_of_a_retry_with_other_policies_hold() {
    play(composed::cases());
}

fn all() -> Vec<Case> {
    [polly::cases(), others::cases(), budgets::cases(), composed::cases()].into_iter().flatten().collect()
}

#[test]
fn every_case_is_played_or_listed_once() {
    let played = all().into_iter().map(|case| case.id);
    let mut found: Vec<String> = played.chain(NOT_OURS.iter().map(|(id, _)| *id)).map(String::from).collect();
    found.sort();
    let ids = |kind: &str, last: u32| (1..=last).map(|number| format!("{kind}-{number:02}")).collect::<Vec<_>>();
    assert_eq!(found, [ids("MX", 6), ids("RB", 10), ids("RT", 23)].concat());
}

#[test]
fn every_case_says_something() {
    for case in all() {
        assert!(!case.plays.is_empty() || !case.own.is_empty(), "{}", case.id);
    }
}
