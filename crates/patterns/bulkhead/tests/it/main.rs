//! The tests of this crate, a module for each property or face. One binary, so that what they share is linked once.

#![allow(clippy::unwrap_used, reason = "these are tests")]

seawall_testkit::count_allocations!();

mod backpressure;
mod balance;
mod callbacks;
mod cancel;
mod config;
mod conformance;
mod extremes;
mod fair;
mod footprint;
mod in_call;
mod lifecycle;
mod observers;
mod order;
mod panic;
mod plain;
mod queue;
mod soak;
mod stack;
mod support;
mod tower;
mod wait;
