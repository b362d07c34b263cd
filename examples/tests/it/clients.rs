//! The clients as a user starts them: they end by themselves, and say what they claim.

use std::process::Command;

use crate::run;

const REQWEST_CLIENT: &str = env!("CARGO_BIN_EXE_reqwest-client");
const TONIC: &str = env!("CARGO_BIN_EXE_tonic");

/// Asserts that there are lines with these parts, in that order, and perhaps others between.
fn assert_in_order(account: &str, parts: &[&str]) {
    let mut lines = account.lines();
    for part in parts {
        assert!(lines.any(|line| line.contains(part)), "no {part} in its place: {account}");
    }
}

/// The number before `unit` in the lines that begin with `name`.
fn numbers(account: &str, name: &str, unit: &str) -> Vec<u64> {
    let lines = account.lines().filter_map(|line| line.trim().strip_prefix(name)?.split(unit).next());
    lines.map(|number| number.trim().parse().expect("a number")).collect()
}

#[test]
fn each_client_says_what_it_is_for() {
    for (program, flag) in [(REQWEST_CLIENT, "--quiet"), (TONIC, "--deadline")] {
        let help = run(program, &["--help"]);
        assert!(help.contains("Usage:") && help.contains(flag), "{help}");
        assert!(help.lines().all(|line| line.len() <= 88), "{help}");
    }
}

#[test]
fn each_client_takes_no_other_flags() {
    for (program, flags) in
        [(REQWEST_CLIENT, &["--nonsense"][..]), (TONIC, &["--nonsense"]), (TONIC, &["--deadline", "0"])]
    {
        let output = Command::new(program).args(flags).output().expect("cargo built it");
        assert_eq!(output.status.code(), Some(2), "{program}");
    }
}

#[test]
fn the_reqwest_client_gets_over_what_its_upstream_does() {
    let account = run(REQWEST_CLIENT, &[]);
    assert_in_order(
        &account,
        &[
            "circuit breaker `inventory`",
            "the call",
            "is well                 1 requests",
            "resets                  2 requests",
            "DEBUG timed out policy=\"attempt\"",
            "hangs                   2 requests",
            "is slow                 1 requests",
            "DEBUG retrying policy=\"inventory\" kind=\"retry\" reason=it failed, and asked for 1s",
            "is busy for a second    2 requests in 1",
            "resets a GET            2 requests",
            "resets a POST           1 requests",
            "resets one with a key   2 requests",
            "500 Internal Server Error",
            "WARN state changed policy=\"inventory\" kind=\"circuit breaker\" reason=5 failures in a row from=closed to=open",
            "fails                   2 requests",
            "is not asked            0 requests",
            "INFO state changed policy=\"inventory\" kind=\"circuit breaker\" reason=the probes succeeded",
            "is well again           1 requests",
        ],
    );
}

#[test]
fn the_reqwest_client_can_be_quiet() {
    let account = run(REQWEST_CLIENT, &["--quiet"]);
    assert!(account.contains("is well again") && !account.contains("policy="), "{account}");
}

#[test]
fn the_tonic_client_passes_its_deadline_on_and_is_pushed_back() {
    let account = run(TONIC, &[]);
    let [shop, warehouse] = ["the shop has", "the warehouse has"].map(|who| numbers(&account, who, "ms"));
    // The shop works for 100 ms before it asks.
    assert!(shop.len() == 2 && shop.iter().all(|left| (200..=400).contains(left)), "{account}");
    assert!(warehouse[..2].iter().all(|left| (100..=300).contains(left)), "{account}");
    // Later it is the timeout of an attempt that is passed on.
    assert!(warehouse.len() > 4 && warehouse[2..].iter().all(|left| (200..=500).contains(left)), "{account}");
    assert_in_order(
        &account,
        &[
            "the server: too many calls, call again in 2",
            "retry `warehouse`: recovered at attempt 2",
            "circuit breaker `warehouse`: closed -> open: 3 failures in a row",
            "gave up after attempt 1",
            "ms, \"not available now\"",
            "circuit breaker `warehouse`: half-open -> closed",
            "Ok after",
        ],
    );
}

#[test]
fn the_tonic_caller_may_have_more_time() {
    let account = run(TONIC, &["--deadline", "800"]);
    let left = numbers(&account, "the shop has", "ms");
    assert!(left.iter().all(|left| (600..=800).contains(left)), "{account}");
}
