use std::{error, fmt, time::Duration};

use super::earlier::has_reached;
use crate::{
    Name,
    rate::{Quota, Reason, Refusal},
};

/// A rate limit refused a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimited {
    pub(super) policy: Name,
    pub(super) refusal: Refusal,
}

impl RateLimited {
    /// A refusal by the limiter called `policy`.
    #[inline]
    pub fn new(policy: Name, mut refusal: Refusal) -> Self {
        refusal.reached = has_reached();
        Self { policy, refusal }
    }

    /// Why the call was refused.
    pub fn reason(&self) -> Reason {
        self.refusal.reason()
    }

    /// After how long the same call passes, if nobody else comes; one nanosecond earlier it does not. `None` where it
    /// never does, as its cost is above the burst.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal.retry_after()
    }

    /// The quota that it was refused by.
    pub fn quota(&self) -> Quota {
        self.refusal.quota()
    }

    /// What the call asked for.
    pub fn cost(&self) -> u32 {
        self.refusal.cost()
    }

    pub(super) fn why(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quota = self.quota();
        match self.reason() {
            Reason::Exhausted => write!(f, "is exhausted: {quota}"),
            Reason::TooLong => write!(f, "is exhausted, and its turn would not come in time: {quota}"),
            Reason::QueueFull => write!(f, "is exhausted, and as many calls wait as may (max_queued): {quota}"),
            Reason::TooLarge => write!(f, "never lets {} pass at once: {quota}", self.cost()),
            Reason::TooManyKeys => f.write_str("holds as many keys as it may, and this is a new one"),
        }
    }
}

impl fmt::Display for RateLimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rate limit `{}` ", self.policy)?;
        self.why(f)?;
        match self.retry_after() {
            Some(wait) => write!(f, "; again in {wait:?}"),
            None => Ok(()),
        }
    }
}

impl error::Error for RateLimited {}
