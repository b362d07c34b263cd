use std::time::Duration;

use super::{Order, Reason};
use crate::{
    time::Instant,
    waiters::{Place, Waiters, WaitingCall, Woken},
};

/// Who waits for slots, and whose turn it is.
pub(super) struct SlotQueue<W> {
    pub(super) waiters: Waiters<W, SlotVerdict>,
    /// Since when somebody has been waiting; of no meaning while nobody is.
    busy_since: Instant,
}

/// How a wait has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlotVerdict {
    /// The slots are its own.
    Entered,
    Refused(Reason),
}

/// Where in the queue the next turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueueEnd {
    Oldest,
    Newest,
}

impl<W> SlotQueue<W> {
    pub(super) const fn new() -> Self {
        Self { waiters: Waiters::new(), busy_since: Instant::ORIGIN }
    }

    pub(super) fn join(&mut self, waiter: WaitingCall, waker: W) -> Place {
        if self.is_empty() {
            self.busy_since = waiter.since;
        }
        self.waiters.join(waiter, waker)
    }

    /// Where the turn is, of those who wait and whoever joins them.
    pub(super) fn turn(&self, order: Order, now: Instant) -> QueueEnd {
        match order {
            Order::Fifo => QueueEnd::Oldest,
            Order::Lifo => QueueEnd::Newest,
            Order::CoDel { interval, .. } if self.is_overloaded(interval, now) => QueueEnd::Newest,
            Order::CoDel { .. } => QueueEnd::Oldest,
        }
    }

    pub(super) fn at(&self, end: QueueEnd) -> Option<WaitingCall> {
        match end {
            QueueEnd::Oldest => self.waiters.first(),
            QueueEnd::Newest => self.waiters.last(),
        }
    }

    /// Ends the wait of the one at that end.
    pub(super) fn settle(&mut self, end: QueueEnd, verdict: SlotVerdict) -> Option<W> {
        match end {
            QueueEnd::Oldest => self.waiters.settle_first(verdict),
            QueueEnd::Newest => self.waiters.settle_last(verdict),
        }
    }

    /// Puts out who has waited for too long. They stand at the front, as they came first. Without overload nobody has
    /// waited for so long as an interval.
    pub(super) fn shed(&mut self, order: Order, now: Instant, woken: &mut Woken<W>) {
        let Order::CoDel { target, interval } = order else { return };
        if !self.is_overloaded(interval, now) {
            return;
        }
        while self.waiters.first().is_some_and(|oldest| now.saturating_duration_since(oldest.since) > target) {
            woken.extend(self.waiters.settle_first(SlotVerdict::Refused(Reason::Shed)));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiters.len() == 0
    }

    fn is_overloaded(&self, interval: Duration, now: Instant) -> bool {
        !self.is_empty() && now.saturating_duration_since(self.busy_since) >= interval
    }
}
