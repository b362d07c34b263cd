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
mod modes;
mod observers;
mod order;
mod panic;
mod plain;
mod queue;
mod soak;
mod stack;
mod subject;
mod support;
mod tower;
mod wait;

mod suites {
    mod in_call {
        seawall_testkit::suites!(crate::subject::Slots<crate::modes::InCall>: rejections, readiness, callbacks);
    }

    mod at_once {
        seawall_testkit::suites!(only crate::subject::Slots<crate::modes::AtOnce>: tower, footprint, rejections, readiness);
    }

    mod in_ready {
        seawall_testkit::suites!(only crate::subject::Slots<crate::modes::InReady>: tower, footprint);
    }

    mod backpressure {
        seawall_testkit::suites!(only crate::subject::Slots<crate::modes::Backpressure>: tower, footprint);
    }
}
