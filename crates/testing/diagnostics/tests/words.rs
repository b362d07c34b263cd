//! What does not compile, and the words in which the compiler says so; and similar code that does compile.
//!
//! The words are those of one compiler, [`PINNED`]. With another compiler the test reports that it left them out, even if
//! output is captured. To go on to a newer compiler, set it there, run with `TRYBUILD=overwrite`, and read the difference:
//! the first line and our own notes count.

#![allow(clippy::unwrap_used, reason = "these are tests")]

#[path = "passes/closures.rs"]
mod closures;
#[path = "passes/layers.rs"]
mod layers;

use std::{env, fs, io::Write, process::Command};

const PINNED: &str = "rustc 1.95.";

/// The cases, how the first error begins, and what the compiler says somewhere.
const WORDS: [(&str, &str, &str); 9] = [
    (
        "breaker_call",
        "`std::io::Error` cannot carry a rejection",
        "add `.map_err(seawall::Error::Inner)` below this layer",
    ),
    (
        "breaker_service",
        "`std::io::Error` cannot carry a rejection",
        "add `.map_err(seawall::Error::Inner)` below this layer",
    ),
    (
        "box_service",
        "the trait bound `BoxService<u32, String, std::io::Error>: Clone` is not satisfied",
        "StackService",
    ),
    (
        "call",
        "`std::io::Error` does not show which of its values are rejections",
        "or call by `execute`, which wraps any error",
    ),
    ("fn_once", "expected a closure that implements the `FnMut` trait", "because it moves the variable `item`"),
    ("keep_error", "`std::io::Error` ", "add `.map_err(seawall::Error::Inner)` below this layer"),
    ("request", "a retry does not know whether it may send `Order` again", "`.clone_all()` repeats every request"),
    (
        "retry_error",
        "`std::io::Error` does not show which of its values are rejections",
        "a retry's with `.any_error()`",
    ),
    ("unbuilt", "mismatched types", "expected `Retry<_, _>`, found `Builder`"),
];

#[test]
fn what_does_not_compile_is_refused_in_words_that_help() {
    let compiler = Command::new(env::var_os("RUSTC").unwrap_or("rustc".into())).arg("--version").output().unwrap();
    let compiler = String::from_utf8_lossy(&compiler.stdout).into_owned();
    if !compiler.starts_with(PINNED) {
        // Not by `eprintln`, which is captured.
        let words = format!("\nSKIPPED: the compiler's words are those of {PINNED}, and this is {compiler}\n");
        return std::io::stderr().write_all(words.as_bytes()).unwrap();
    }
    // It compiles the cases when it is dropped.
    trybuild::TestCases::new().compile_fail("tests/fails/*.rs");
    assert_eq!(fs::read_dir("tests/fails").unwrap().count(), 2 * WORDS.len(), "each case has a row");
    for (case, first, somewhere) in WORDS {
        let said = fs::read_to_string(format!("tests/fails/{case}.stderr")).unwrap();
        let (_, begins) = said.lines().next().unwrap().split_once("]: ").unwrap();
        assert!(begins.starts_with(first), "{case}: {begins}");
        assert!(said.contains(somewhere), "{case}: {said}");
    }
}

#[test]
fn what_is_beside_the_cases_compiles() {
    closures::main();
    layers::main();
}
