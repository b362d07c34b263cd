//! What is fuzzed: functions that take any bytes, and panic where a law is broken.
//!
//! The binaries in `fuzz_targets` hand them to libFuzzer, and `tests/corpus.rs` runs them without it. A new target is a
//! function here with its row in [`TARGETS`], a binary, and some files in `corpus`.

#![forbid(unsafe_code)]

mod backoff;
mod forwarded;
mod input;
mod pushback;
mod retry_after;
mod wire;

pub use backoff::backoff;
pub use forwarded::forwarded;
pub use pushback::pushback;
pub use retry_after::retry_after;
pub use wire::{grpc_timeout, timeout_millis};

/// A function that is fuzzed.
pub type Target = fn(&[u8]);

/// Each target and its name, which its binary and its folder in `corpus` have too.
pub const TARGETS: &[(&str, Target)] = &[
    ("backoff", backoff),
    ("forwarded", forwarded),
    ("grpc_timeout", grpc_timeout),
    ("pushback", pushback),
    ("retry_after", retry_after),
    ("timeout_millis", timeout_millis),
];
