//! All ways to call share one state, and each call is counted once.

use super::non_empty;
use crate::{Subject, Tally, reply::FAILED};

/// Each way to call returns the result of its inner call and counts the call once, blocking calls and permits too.
pub fn each_way_to_call_is_counted_once<S: Subject>() {
    for (kind, subject) in non_empty(S::admitting()) {
        let mut calls = Tally::default();
        for (way, run) in S::RUNS {
            // In this order the failures are no run of failures, which some policies answer to.
            for reply in [FAILED, Ok(())] {
                assert_eq!(run(&subject.clone(), reply.clone()), reply, "{kind}, {way}");
                calls.succeeded += u32::from(reply.is_ok());
                calls.failed += u32::from(reply.is_err());
                subject.assert_counted(calls);
                subject.assert_idle();
            }
        }
    }
}
