use std::{cell::Cell, time::Duration};

use crate::time::{Instant, saturating_nanos};

/// The limits around the code that this thread runs now.
///
/// A timeout would have to read a clock to say when it ends, and most calls are over before that matters. So it says how
/// long it is, and whoever asks for the deadline first brings the time; that is then the beginning for all limits around
/// that nobody had asked for yet. All in nanoseconds, and [`NONE`] where there is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ambient {
    at: u64,
    /// How long from the time that nobody has asked for yet.
    within: u64,
    /// The time that was asked for inside of the innermost limit.
    asked: u64,
}

thread_local! {
    static HERE: Cell<Ambient> = const { Cell::new(Ambient { at: NONE, within: NONE, asked: NONE }) };
}

impl Ambient {
    /// When the earliest limit ends.
    pub(super) fn resolve(now: impl FnOnce() -> Instant) -> Instant {
        let here = HERE.get();
        if here.within == NONE {
            return Instant::from_nanos(here.at);
        }
        let here = here.begun(now().as_nanos());
        HERE.set(here);
        Instant::from_nanos(here.at)
    }

    /// The same, when its limit is known to have begun at `now`.
    fn begun(self, now: u64) -> Self {
        let at = match self.within {
            NONE => self.at,
            within => self.at.min(now.saturating_add(within)),
        };
        Self { at, within: NONE, asked: now }
    }
}

/// When the earliest limit around this ends, of those that somebody has asked for; else [`Instant::MAX`]. Reads no clock.
#[inline]
pub fn known() -> Instant {
    Instant::from_nanos(HERE.get().at)
}

/// A limit around what this thread runs, until it is [left](Self::leave) or dropped.
#[derive(Debug)]
#[must_use = "a limit that is dropped holds no more"]
pub struct Cut {
    outer: Ambient,
}

/// What is known of a limit once it was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// When the call has to be done: by its own limit, and those around it.
    pub at: Instant,
    /// What time it was when somebody asked.
    pub asked: Instant,
}

/// Begins a limit: at an instant where that is known, else so long from when somebody asks.
#[inline]
pub fn cut(due: Option<Instant>, limit: Duration) -> Cut {
    match due {
        Some(due) => Cut::at(due),
        None => Cut::within(limit),
    }
}

impl Cut {
    /// Until `instant`.
    #[inline]
    pub(super) fn at(instant: Instant) -> Self {
        let outer = HERE.get();
        HERE.set(Ambient { at: outer.at.min(instant.as_nanos()), ..outer });
        Self { outer }
    }

    /// For `limit`, from when somebody asks.
    #[inline]
    fn within(limit: Duration) -> Self {
        let outer = HERE.get();
        HERE.set(Ambient { within: outer.within.min(saturating_nanos(limit)), asked: NONE, ..outer });
        Self { outer }
    }

    /// Ends it. Says when it is due if somebody has asked for that.
    #[inline]
    pub fn leave(self) -> Option<Known> {
        let inner = HERE.get();
        (inner.asked != NONE).then(|| Known::of(inner))
    }

    /// Ends it, and asks.
    #[inline]
    pub fn leave_at(self, now: impl FnOnce() -> Instant) -> Known {
        let mut inner = HERE.get();
        if inner.asked == NONE {
            inner = inner.begun(now().as_nanos());
            HERE.set(inner);
        }
        Known::of(inner)
    }
}

impl Drop for Cut {
    #[inline]
    fn drop(&mut self) {
        let (inner, outer) = (HERE.get(), self.outer);
        // Who asked inside brought the time for the limits around too, if they had none.
        HERE.set(if inner.asked != NONE && outer.within != NONE { outer.begun(inner.asked) } else { outer });
    }
}

impl Known {
    fn of(ambient: Ambient) -> Self {
        Self { at: Instant::from_nanos(ambient.at), asked: Instant::from_nanos(ambient.asked) }
    }
}

const NONE: u64 = u64::MAX;
