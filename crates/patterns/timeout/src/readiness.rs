use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::{
    deadline::KnownDeadline,
    time::{Instant, Timer},
};

use crate::TimeoutRef;

/// A bound on the time in which an inner service becomes ready. It belongs to a single service, and not to its clones.
pub(crate) struct Readiness {
    limit: Duration,
    state: ReadinessState,
}

enum ReadinessState {
    /// The inner service was not pending.
    Idle,
    Waiting {
        since: Instant,
        sleep: BoxedSleep,
    },
    /// The time is over, and the next call is rejected.
    Over(KnownDeadline),
}

/// Boxed, because `poll_ready` has nothing pinned to keep a timer in. Only a service that waits makes the box.
type BoxedSleep = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

impl Readiness {
    pub(crate) const fn new(limit: Duration) -> Self {
        Self { limit, state: ReadinessState::Idle }
    }

    pub(crate) const fn limit(&self) -> Duration {
        self.limit
    }

    /// Returns whether the time is over. The caller asks after each poll of the inner service. If the time is not over, the task is
    /// woken when it is.
    pub(crate) fn poll<K: Timer>(&mut self, is_waiting: bool, terms: TimeoutRef<'_, K>, cx: &mut Context<'_>) -> bool {
        if !is_waiting {
            self.state = ReadinessState::Idle;
            return false;
        }
        if let ReadinessState::Idle = self.state {
            let since = terms.clock.now();
            let due = since + self.limit;
            if due == Instant::MAX {
                return false;
            }
            self.state = ReadinessState::Waiting { since, sleep: Box::pin(terms.clock.sleep_until(due)) };
        }
        if let ReadinessState::Waiting { since, sleep } = &mut self.state {
            match sleep.as_mut().poll(cx) {
                Poll::Pending => return false,
                Poll::Ready(()) => {
                    self.state = ReadinessState::Over(KnownDeadline { asked: *since, at: terms.clock.now() })
                }
            }
        }
        // There is no second wait before a call has come for the rejection.
        true
    }

    /// Returns the limit and the time of a wait that was too long, if the call that comes now is rejected for it.
    pub(crate) fn take_over(&mut self) -> Option<(Duration, KnownDeadline)> {
        match mem::replace(&mut self.state, ReadinessState::Idle) {
            ReadinessState::Over(known) => Some((self.limit, known)),
            ReadinessState::Idle | ReadinessState::Waiting { .. } => None,
        }
    }
}
