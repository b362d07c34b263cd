use std::time::Duration;

use super::{Order, Reason};
use crate::{
    time::Instant,
    waiters::{Place, Waiters, WaitingCall, Woken},
};

/// The waiting calls, and whose turn it is.
pub(super) struct SlotQueue<W> {
    pub(super) waiters: Waiters<W, SlotVerdict>,
    /// Since when calls have been waiting. It has no meaning while no call waits.
    busy_since: Instant,
}

/// The end of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlotVerdict {
    /// The call has its slots.
    Entered,
    Refused(Reason),
}

/// The end of the queue that has the next turn.
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

    /// Returns the end that has the next turn, for waiting calls and newcomers.
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

    /// Ends the wait of the call at that end.
    pub(super) fn settle(&mut self, end: QueueEnd, verdict: SlotVerdict) -> Option<W> {
        match end {
            QueueEnd::Oldest => self.waiters.settle_first(verdict),
            QueueEnd::Newest => self.waiters.settle_last(verdict),
        }
    }

    /// Sheds the calls that have waited for too long. They are at the front, because they came first. Without overload no call has
    /// waited for an interval.
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
