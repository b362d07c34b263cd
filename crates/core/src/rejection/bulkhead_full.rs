use std::{error, fmt};

use super::earlier::has_reached;
use crate::{
    Name,
    slots::{Reason, Refusal},
};

/// A bulkhead refused a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkheadFull {
    pub(super) policy: Name,
    refusal: Refusal,
    pub(super) reached: bool,
}

impl BulkheadFull {
    /// A refusal by the bulkhead called `policy`.
    #[inline]
    pub fn new(policy: Name, refusal: Refusal) -> Self {
        Self { policy, refusal, reached: has_reached() }
    }

    /// Why the call was refused.
    pub fn reason(&self) -> Reason {
        self.refusal.reason()
    }

    /// How many slots there were.
    pub fn max_concurrent(&self) -> usize {
        self.refusal.limit()
    }

    /// How many of them were taken.
    pub fn in_flight(&self) -> usize {
        self.refusal.in_flight()
    }

    /// How many slots the call asked for.
    pub fn cost(&self) -> u32 {
        self.refusal.cost()
    }

    pub(super) fn why(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            Reason::Full => f.write_str("is full")?,
            Reason::QueueFull => f.write_str("is full, and so is its queue")?,
            Reason::TooLong => f.write_str("is full, and no slot came free in time")?,
            Reason::Shed => f.write_str("is overloaded, and the call had waited too long")?,
            Reason::TooLarge => {
                return write!(f, "has {} slots, and the call asked for {}", self.max_concurrent(), self.cost());
            }
            Reason::Closed => return f.write_str("is closed"),
        }
        write!(f, ": {} of {} in flight", self.in_flight(), self.max_concurrent())
    }
}

impl fmt::Display for BulkheadFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bulkhead `{}` ", self.policy)?;
        self.why(f)
    }
}

impl error::Error for BulkheadFull {}
