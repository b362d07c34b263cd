//! The tests of this crate, a module for each property or face. One binary, so that what they share is linked once.

#![allow(clippy::unwrap_used, reason = "these are tests")]

seawall_testkit::count_allocations!();

mod backpressure;
mod balance;
mod callbacks;
mod cancel;
mod config;
mod conformance;
mod exact_rate;
mod extremes;
mod footprint;
mod lifecycle;
mod lost_wake;
mod observer_bounds;
mod panic;
mod plain;
mod rejection_events;
mod stack;
mod stale;
mod subject;
mod support;
mod tower;
mod window_forgets;

mod suites {
    seawall_testkit::suites!(crate::subject::Breaker: rejections, readiness, callbacks);
}
