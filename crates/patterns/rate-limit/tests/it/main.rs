//! The tests of this crate, a module for each property or face. One binary, so that what they share is linked once.

#![allow(clippy::unwrap_used, reason = "these are tests")]

seawall_testkit::count_allocations!();

mod conformance;
mod footprint;
mod max_wait;
mod observers;
mod pace;
mod quotas;
mod subject;
mod support;
mod tower;
mod waiting;

mod suites {
    seawall_testkit::suites!(crate::subject::Limit: rejections, callbacks);
}
