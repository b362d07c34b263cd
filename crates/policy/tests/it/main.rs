//! The tests of this crate, by a gate of their own. One binary, so that what they share is linked once.

#![allow(clippy::unwrap_used, reason = "these are tests")]

seawall_testkit::count_allocations!();

mod door;
mod driver;
mod passage;
mod queue;
mod response;
mod subject;
mod ticket;
mod waiting_service;

mod suites {
    seawall_testkit::suites!(crate::subject::Plain: rejections, readiness);
}

mod suites_with_a_line {
    seawall_testkit::suites!(crate::subject::WithLine);
}
