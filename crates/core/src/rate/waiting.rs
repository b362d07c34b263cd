use super::{Quota, Refusal, sliding_window::SlidingWindow};
use crate::{
    time::Instant,
    waiters::{Place, Waiters, Woken},
};

/// A call that may pass, or that may wait.
#[derive(Debug, PartialEq, Eq)]
pub enum RateEntry {
    /// It may pass now, as of that time; of a place given back by [`Limiter::refund`] it is when it was taken.
    Entered(Instant),
    /// It waits. The place is to be handed to [`Limiter::turn`] until the wait is over, or to [`Limiter::leave`].
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
    /// It is over, and nothing came of it: [`Reason::TooLong`], or [`Reason::TooLarge`] if the burst was lowered.
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
