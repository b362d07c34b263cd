//! The tests of this crate, a module for each property or face. One binary, so that what they share is linked once.

#![allow(clippy::unwrap_used, reason = "these are tests")]

seawall_testkit::count_allocations!();

mod budget;
mod budget_law;
mod callbacks;
mod cancel;
mod config;
mod conformance;
mod drop_order;
mod footprint;
mod naive_model;
mod outage_load;
mod panic;
mod plain;
mod reached;
mod rejections;
mod repeat_rule;
mod retry_after;
mod spawned;
mod stack;
mod subject;
mod support;
mod timing;
mod tower;

mod suites {
    seawall_testkit::suites!(crate::subject::Retried: callbacks);
}
