/// The answer to a call that is not admitted: the reason, and the state that the call met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub(super) limit: usize,
    pub(super) in_flight: usize,
    pub(super) cost: u32,
    pub(super) reason: Reason,
}

/// Why a call was rejected.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No slot was free, or other calls were waiting, and the call may not wait.
    Full,
    /// No slot was free, and the queue was full.
    QueueFull,
    /// The call's longest wait is over.
    TooLong,
    /// The call was put out of the queue, because it waited too long under [`Order::CoDel`](super::Order::CoDel).
    Shed,
    /// The call costs more than the limit, so it never fits. A limit of 0 is a pause: no call is too large.
    TooLarge,
    /// The slots are closed, and admit no more calls.
    Closed,
}

impl Refusal {
    /// Returns why the call was rejected.
    #[inline]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns the limit. During a change of the limit, this number and [`in_flight`](Self::in_flight) can be from before and after
    /// the change.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Returns how many slots were taken. It exceeds the limit if the limit was lowered since.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Returns how many slots the call asked for.
    pub const fn cost(&self) -> u32 {
        self.cost
    }

    pub(super) const fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }
}
