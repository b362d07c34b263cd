use std::time::Duration;

use super::Quota;

/// The answer to a call that may not pass: why, and when to come again.
// Kept small and flat, as it is made and moved for each call that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// `u64::MAX` for never.
    pub(super) wait: u64,
    pub(super) period: u64,
    pub(super) count: u32,
    pub(super) burst: u32,
    pub(super) cost: u32,
    pub(super) reason: Reason,
    /// Whether an earlier attempt of the call has reached the callee. A rejection sets it; here it takes no room of its own.
    pub(crate) reached: bool,
}

/// Why a call was refused.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// There is not so much now, or others wait for it.
    Exhausted,
    /// Its turn cannot come as soon as it must, or has not come by then.
    TooLong,
    /// Its turn does not come now, and as many wait as may.
    QueueFull,
    /// It costs more than there can ever be at once.
    TooLarge,
    /// As many keys are held as may be, and this is a new one.
    TooManyKeys,
}

/// Why a call did not pass at once.
// Fits two registers, which a refusal does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// There is not so much now, but there is so many nanoseconds later.
    Exhausted {
        /// See [`Refusal::retry_after`].
        wait: u64,
    },
    /// It costs more than there can ever be at once.
    TooLarge,
    /// Others wait, or there is a lock to be taken.
    Queued,
}

impl Refusal {
    /// Refuses a call under `quota` that would pass `wait` nanoseconds later; `u64::MAX` for never.
    pub(super) const fn new(quota: &Quota, cost: u32, wait: u64, reason: Reason) -> Self {
        Self {
            wait,
            period: quota.period_nanos(),
            count: quota.count(),
            burst: quota.max_burst(),
            cost,
            reason,
            reached: false,
        }
    }

    #[inline]
    pub(super) fn by(denied: Denied, (count, period, burst): (u32, u64, u32), cost: u32) -> Self {
        let (wait, reason) = match denied {
            Denied::Exhausted { wait } => (wait, Reason::Exhausted),
            Denied::TooLarge => (u64::MAX, Reason::TooLarge),
            // Whoever comes when others wait is told so by the queue.
            Denied::Queued => (0, Reason::Exhausted),
        };
        Self { wait, period, count, burst, cost, reason, reached: false }
    }

    /// Why the call was refused.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// After how long the same call passes, if nobody else comes or gives up; one nanosecond earlier it does not. `None`
    /// where it never does.
    pub const fn retry_after(&self) -> Option<Duration> {
        if self.wait == u64::MAX { None } else { Some(Duration::from_nanos(self.wait)) }
    }

    /// What the call asked for.
    pub const fn cost(&self) -> u32 {
        self.cost
    }

    /// The quota that it was refused by.
    pub const fn quota(&self) -> Quota {
        Quota::new(self.count, Duration::from_nanos(self.period)).burst(self.burst)
    }
}
