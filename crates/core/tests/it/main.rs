//! The tests of this crate, a module for each property or face. One binary, so that what they share is linked once.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod attempts;
mod boxed_errors;
mod budget;
mod budget_share;
mod clock_jumps;
mod generations;
mod keyed;
mod keyed_quotas;
mod latency;
mod model;
mod observe;
mod panicking_predicate;
mod rate;
mod slots;
mod wire;
