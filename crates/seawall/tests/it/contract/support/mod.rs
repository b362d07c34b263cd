//! A stack of all policies with a manual clock, its calls, and a record of both.

mod calls;
mod seen;
mod world;

use std::time::Duration;

use seawall::Error;
pub(crate) use seawall_testkit::panics::panic_message as panic_words;

pub(crate) use calls::{Boxed, Way};
pub(crate) use seen::{Place, alive, begun, log, set_trap, take_log};
pub(crate) use world::{BURST, CIRCUITS, Circuit, EACH, PROBES, SAVED, TOTAL, WAIT, Whole, World, breaker, limiter};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The error of an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

/// The result of a call in these tests: the number of the attempt.
pub(crate) type Reply = Result<u32, Error<Failed>>;
