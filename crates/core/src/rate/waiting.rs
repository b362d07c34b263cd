use super::{Quota, Refusal, sliding_window::SlidingWindow};
use crate::{
    time::Instant,
    waiters::{Place, Waiters, Woken},
};

/// A call that may pass, or that may wait.
#[derive(Debug, PartialEq, Eq)]
pub enum RateEntry {
    /// The call may pass now, as of this time. If the place was given back by
    /// [`Limiter::refund`](super::Limiter::refund), this is the time when the place was taken.
    Entered(Instant),
    /// The call waits. The caller passes the place to [`Limiter::turn`](super::Limiter::turn) until the wait is over, or to
    /// [`Limiter::leave`](super::Limiter::leave).
    Waiting(Place),
}

/// How a wait stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateTurn {
    /// It goes on. It is to ask again when it is woken, and at `until`.
    Waiting {
        /// When its turn comes, as far as is known, or when its longest wait ends, if that is earlier.
        until: Instant,
    },
    /// It is over: the call may pass, and did so at that time.
    Entered(Instant),
    /// The wait is over, and the call is rejected: [`Reason::TooLong`](super::Reason::TooLong), or
    /// [`Reason::TooLarge`](super::Reason::TooLarge) if the burst was lowered.
    Refused(Refusal),
}

/// What lies under the lock.
pub(super) struct RateQueue<W> {
    // Without a waker is whoever has been woken and has not asked yet.
    pub(super) waiters: Waiters<Option<W>, RateVerdict>,
    pub(super) window: Option<(Quota, SlidingWindow)>,
    /// By how many nanoseconds the last turn was taken late, if the bucket had run over by then. Newcomers go by the lock
    /// until that time is made up for, because a caller that waits again and again is one of them.
    pub(super) lag: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum RateVerdict {
    Entered(Instant),
    TooLarge,
    TooLong,
}

impl<W> RateQueue<W> {
    /// Has whoever is first look again: it keeps the timer, or its time may have got earlier.
    pub(super) fn wake_first(&mut self, woken: &mut Woken<W>) {
        self.waiters.replace_first(None).flatten().into_iter().for_each(|waker| woken.push(waker));
    }

    pub(super) fn quota(&self) -> Quota {
        self.window.as_ref().expect(WINDOW).0
    }
}

pub(super) const WINDOW: &str = "the rule says that there is a window";
