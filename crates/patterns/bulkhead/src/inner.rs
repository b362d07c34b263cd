use std::{
    sync::atomic::{AtomicBool, Ordering},
    task::Waker,
    time::Duration,
};

use seawall_core::{
    BulkheadFull, Held, Mark, Name, Outcome, Rejection, ThisThread,
    observe::{Level, Observers},
    slots::{MAX_LIMIT, Reason, Refusal, Slots},
    time::Clock,
};
use seawall_policy::{Gate, Judge, wake};

use crate::{Event, EventKind};

/// The state that all clones of a bulkhead share: the machine, and what a machine may not do itself: read the clock, wake, report.
///
/// Public because it is the gate in the types of futures and services. Users cannot name it.
#[derive(Debug)]
pub struct BulkheadInner<K> {
    pub(crate) name: Name,
    pub(crate) slots: Slots<Waker>,
    pub(crate) max_wait: Option<Duration>,
    pub(crate) clock: K,
    pub(crate) outbox: Observers<EventKind>,
    /// Of several threads that close the bulkhead, a single thread reports.
    pub(crate) closed: AtomicBool,
}

/// A share of the state, which a call owns.
pub(crate) type Share<K> = Held<BulkheadInner<K>>;

impl<K: Clock> BulkheadInner<K> {
    /// Counts and reports a rejected call.
    #[inline]
    pub(crate) fn refuse(&self, refusal: Refusal) -> Rejection {
        self.slots.count_refused(&ThisThread(&self.clock));
        let rejection = BulkheadFull::new(self.name.clone(), refusal).into();
        if self.outbox.wants(Level::Debug) {
            self.tell(EventKind::Rejected(Rejection::clone(&rejection)));
        }
        rejection
    }

    /// Returns whether the bulkhead has a queue.
    #[inline]
    pub(crate) fn has_queue(&self) -> bool {
        self.slots.max_queued() > 0
    }

    /// Returns whether a caller that met this refusal may wait.
    #[inline]
    pub(crate) fn may_wait(&self, refusal: &Refusal) -> bool {
        refusal.reason() == Reason::Full && self.has_queue()
    }

    pub(crate) fn resize(&self, max_concurrent: usize) {
        let (from, woken) = self.slots.resize(max_concurrent, &ThisThread(&self.clock));
        wake(woken);
        // Not the current limit: another thread may have changed it since.
        self.tell(EventKind::Resized { from, to: max_concurrent.min(MAX_LIMIT) });
    }

    pub(crate) fn close(&self) {
        let is_first = !self.closed.swap(true, Ordering::Relaxed);
        wake(self.slots.close());
        if is_first {
            self.tell(EventKind::Closed);
        }
    }

    #[cold]
    fn tell(&self, kind: EventKind) {
        self.outbox.tell_in_turn(Event::new(self.name.clone(), kind), &self.clock);
    }
}

impl<K: Clock> Gate for BulkheadInner<K> {
    /// The number of slots that were taken.
    type Pass = u32;

    #[inline]
    fn exit(&self, cost: u32, _: Outcome) {
        wake(self.slots.exit(cost, &ThisThread(&self.clock)));
    }

    #[inline]
    fn abandon(&self, cost: u32) {
        self.exit(cost, Outcome::Ignored);
    }
}

impl<T, E, K: Clock> Judge<T, E> for BulkheadInner<K> {
    /// A bulkhead ignores how a call ends.
    #[inline]
    fn judge(&self, _: &Result<T, E>, _: Mark) -> Option<Outcome> {
        Some(Outcome::Ignored)
    }
}
