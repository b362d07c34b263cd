//! Rate limits: a call is let in, or it is refused.

use std::time::Duration;

use crate::contenders::{Run, Seen, refused, served};

pub mod clock;
pub mod governor;
pub mod leaky_bucket;
pub mod seawall;
pub mod tower;
pub mod tower_resilience;

/// How much there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Supply {
    /// More than any thread can ask for: 10^9 calls a second.
    Ample,
    /// Nothing: one call an hour, and it has been made.
    Exhausted,
}

impl Supply {
    /// A body whose calls must all end as this says.
    pub(crate) fn body(self, call: impl FnMut(u64, &mut Seen) + Send + 'static) -> Run {
        match self {
            Supply::Ample => served(call),
            Supply::Exhausted => refused(call),
        }
    }
}

/// The shortest time by which leaky-bucket can tell 10^9 calls a second, and by which an exact window remembers not more
/// of them than it can.
const MILLISECOND: Duration = Duration::from_millis(1);
/// How many come in it.
const CALLS_A_MILLISECOND: u32 = 1_000_000;
pub(super) const SECOND: Duration = Duration::from_secs(1);
const CALLS_A_SECOND: u32 = 1_000_000_000;
/// Longer than a run.
pub(super) const HOUR: Duration = Duration::from_secs(3_600);
