//! The suites: functions that assert a property of any [`Subject`].
//!
//! [`suites!`](crate::suites) makes a test of each of them.

#![allow(clippy::unwrap_used, reason = "the suites are the bodies of tests")]

pub mod callbacks;
pub mod cancel;
pub mod extremes;
pub mod footprint;
pub mod panic;
pub mod readiness;
pub mod rejections;
mod tests;
pub mod tower;
pub mod ways;

use std::{future::Future, task::Poll};

use tokio_test::task;

use crate::{Kinds, Subject, call::steps, reply::Reply};

/// How often the inner calls of the suites are pending.
const PENDING: u32 = 3;

/// More polls than any call of the suites needs.
const MANY_POLLS: u32 = 1_000;

/// Polls a call to its end, whether it is woken or not.
#[track_caller]
fn poll_to_end<F: Future>(call: &mut task::Spawn<F>) -> F::Output {
    for _ in 0..MANY_POLLS {
        if let Poll::Ready(output) = call.poll() {
            return output;
        }
    }
    panic!("a call does not end")
}

/// Returns each kind of subject with each way to call it; `kinds` is asked again for each way, so each subject is new.
fn each<S: Subject>(kinds: fn() -> Kinds<S>) -> impl Iterator<Item = (String, S::Way, S)> {
    S::WAYS.iter().flat_map(move |way| {
        let rows = non_empty(kinds()).into_iter();
        rows.map(move |(kind, subject)| (format!("{kind}, {way:?}"), *way, subject))
    })
}

#[track_caller]
fn non_empty<S>(kinds: Kinds<S>) -> Kinds<S> {
    assert!(!kinds.is_empty(), "the subject names no kinds to test");
    kinds
}

/// Asserts that a new call in that way succeeds.
#[track_caller]
fn assert_admits<S: Subject>(subject: &S, way: S::Way, row: &str) {
    let mut call = task::spawn(subject.start(way, || steps(1, || Reply::Ok(()))));
    assert_eq!(poll_to_end(&mut call), Ok(()), "{row}: the next call is admitted");
}
