//! A stack of all the policies by a clock that stands still, calls that it makes, and what is seen of both.

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

/// What the calls of these tests come to: the number of the attempt.
pub(crate) type Reply = Result<u32, Error<Failed>>;

/// The words with which `f` panics; `None` if it does not.
pub(crate) fn panic_words<T>(f: impl FnOnce() -> T) -> Option<String> {
    panic::catch_unwind(AssertUnwindSafe(f)).err().map(words)
}

fn words(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(words) => *words,
        Err(payload) => payload.downcast_ref::<&str>().map_or("something else", |words| words).to_owned(),
    }
}
