//! The tests of this crate, a module for each property or face. One binary, so that what they share is linked once.

#![allow(clippy::unwrap_used, reason = "these are tests")]

seawall_testkit::count_allocations!();

mod adaptive;
mod callbacks;
mod cancel;
mod clock_reads;
mod conformance;
mod deadline;
mod extremes;
mod field_faults;
mod footprint;
mod nesting;
mod panic;
mod plain;
mod ready_within;
mod shortened;
mod stack;
mod subject;
mod support;
mod tower;

mod suites {
    seawall_testkit::suites!(crate::subject::Limit: rejections, callbacks);
}
