//! A stack of all policies with a manual clock, its calls, and a record of both.

mod calls;
mod seen;
mod world;

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use seawall::Error;

pub(crate) use calls::{Boxed, Way};
pub(crate) use seen::{Place, alive, begun, log, set_trap, take_log};
pub(crate) use world::{BURST, CIRCUITS, Circuit, EACH, PROBES, SAVED, TOTAL, WAIT, Whole, World, breaker, limiter};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The error of an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

/// The result of a call in these tests: the number of the attempt.
pub(crate) type Reply = Result<u32, Error<Failed>>;

/// Returns the message of the panic of `f`, or `None` without a panic.
pub(crate) fn panic_words<T>(f: impl FnOnce() -> T) -> Option<String> {
    panic::catch_unwind(AssertUnwindSafe(f)).err().map(words)
}

fn words(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(words) => *words,
        Err(payload) => payload.downcast_ref::<&str>().map_or("something else", |words| words).to_owned(),
    }
}
