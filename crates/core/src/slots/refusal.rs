/// The answer to a call that may not pass: why, and what it met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub(super) limit: usize,
    pub(super) in_flight: usize,
    pub(super) cost: u32,
    pub(super) reason: Reason,
}

/// Why a call was refused.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// There was no room for it, or others were waiting for it, and the call was not to wait.
    Full,
    /// There was no room for it, and as many were waiting as may.
    QueueFull,
    /// It has waited for as long as it was to wait.
    TooLong,
    /// It was put out of the queue, as under [`Order::CoDel`](super::Order::CoDel) it had waited too long.
    Shed,
    /// It costs more than all slots there are, so it never fits. A limit of 0 is taken as a pause: nothing is too large.
    TooLarge,
    /// No call is let in any more.
    Closed,
}

impl Refusal {
    /// Why the call was refused.
    #[inline]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// How many slots there were. While the limit is being changed, this and [`in_flight`](Self::in_flight) may be one of
    /// before and one of after.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// How many of them were taken. More than the limit, if it was lowered since they were.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many slots the call asked for.
    pub const fn cost(&self) -> u32 {
        self.cost
    }

    pub(super) const fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }
}
