//! What does not compile, and the compiler's words for it; and beside it what does.
//!
//! The words are compared with those of one compiler, [`PINNED`]. With another one they are not looked at, and the test says
//! so, whether output is captured or not. To go on to a newer one, set it there, run with `TRYBUILD=overwrite`, and read
//! the difference: what counts is the first line, and the notes that are ours.
#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::{env, fs, io::Write, process::Command};

use seawall::{Retry, Stack, StackService};
use tower::{
    BoxError, Layer, Service,
    util::{BoxCloneService, BoxService},
};

const PINNED: &str = "rustc 1.95.";

/// The cases, and what the compiler is to say first, and somewhere.
const WORDS: [(&str, &str, &str); 7] = [
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
    ("request", "`Order` cannot be copied to be sent again", "add `.clone_request(|request| ..)` to the layer"),
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
    trybuild::TestCases::new().compile_fail("tests/ui/fails/*.rs");
    assert_eq!(fs::read_dir("tests/ui/fails").unwrap().count(), 2 * WORDS.len(), "each case has a row");
    for (case, first, somewhere) in WORDS {
        let said = fs::read_to_string(format!("tests/ui/fails/{case}.stderr")).unwrap();
        let (_, begins) = said.lines().next().unwrap().split_once("]: ").unwrap();
        assert!(begins.starts_with(first), "{case}: {begins}");
        assert!(said.contains(somewhere), "{case}: {said}");
    }
}

#[test]
fn what_is_beside_the_cases_compiles() {
    trybuild::TestCases::new().pass("tests/ui/passes/*.rs");
}

// ===== by any compiler =====

/// Answers by itself where a type is a service, and by its trait where it is none: what is nearer is taken.
struct Asks<S>(S);

impl<S: Service<u32>> Asks<S> {
    fn is_service(&self) -> bool {
        true
    }
}

trait IsNone {
    fn is_service(&self) -> bool {
        false
    }
}

impl<S> IsNone for Asks<S> {}

type Guarded<S> = StackService<S, (Retry, ())>;

fn guard<S>(inner: S) -> Asks<Guarded<S>> {
    Asks(Stack::new().retry(Retry::new("t")).layer().layer(inner))
}

async fn double(number: u32) -> Result<u32, BoxError> {
    Ok(2 * number)
}

#[test]
fn a_stack_asks_clone_of_its_service() {
    let inner = || tower::service_fn(double);
    assert!(guard(inner()).is_service());
    assert!(guard(BoxCloneService::new(inner())).is_service());
    assert!(!guard(BoxService::new(inner())).is_service());
}
