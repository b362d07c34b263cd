use std::{fmt, thread};

use seawall_core::{
    Classify, ErrIsFailure, Held, Mark, Outcome,
    time::{Clock, DefaultClock},
};
use seawall_policy::Ticket;

use crate::inner::BreakerInner;

/// Leave to make one call, from [`CircuitBreaker::try_acquire`](crate::CircuitBreaker::try_acquire).
///
/// Tell it how the call went. Dropped without a word, the call is abandoned: not counted, unless the breaker was built
/// with [`abandoned`](crate::Builder::abandoned) or [`abandoned_after`](crate::Builder::abandoned_after). Dropped by a
/// panic, it counts as a failure. A place for a probe comes free in each case.
#[must_use = "dropping the permit abandons the call"]
pub struct Permit<C = ErrIsFailure, K: Clock = DefaultClock> {
    ticket: Ticket<Held<BreakerInner<C, K>>>,
    /// A permit that is taken while the thread unwinds already is not dropped by that panic.
    was_panicking: bool,
}

impl<C, K: Clock> Permit<C, K> {
    pub(crate) fn new(ticket: Ticket<Held<BreakerInner<C, K>>>) -> Self {
        Self { ticket, was_panicking: thread::panicking() }
    }

    /// Counts the call as what the breaker's classifier says of its result.
    ///
    /// # Panics
    ///
    /// If the classifier does; the call then counts as a failure.
    pub fn record<T, E>(mut self, result: &Result<T, E>)
    where
        C: Classify<T, E>,
    {
        // A permit does not know when its call was polled, so no note is about `result`.
        self.ticket.record(result, Mark::here());
    }

    /// Counts the call as a success.
    pub fn success(mut self) {
        self.ticket.settle(Outcome::Success);
    }

    /// Counts the call as a failure.
    pub fn failure(mut self) {
        self.ticket.settle(Outcome::Failure);
    }

    /// Does not count the call.
    pub fn ignore(mut self) {
        self.ticket.settle(Outcome::Ignored);
    }
}

impl<C, K: Clock> Drop for Permit<C, K> {
    fn drop(&mut self) {
        if thread::panicking() && !self.was_panicking {
            self.ticket.settle_in_panic();
        }
    }
}

impl<C, K: Clock> fmt::Debug for Permit<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
