//! The tests of this crate, a module for each property or face. One binary, so that what they share is linked once.

#![allow(clippy::unwrap_used, reason = "these are tests")]

seawall_testkit::count_allocations!();

mod call_sites;
#[cfg(feature = "tokio")]
mod check;
#[cfg(feature = "tokio")]
mod clocks_differ;
#[cfg(feature = "tokio")]
mod compile;
#[cfg(feature = "tokio")]
mod contract;
#[cfg(feature = "tokio")]
mod rejections_from_below;
mod same_gate_twice;
#[cfg(feature = "tokio")]
mod stack;
#[cfg(feature = "tracing")]
mod tracing_observer;
