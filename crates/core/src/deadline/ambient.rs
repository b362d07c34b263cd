use std::{cell::Cell, time::Duration};

use crate::time::{Instant, Timeline, saturating_nanos};

/// The limits around the code that this thread runs now.
///
/// A timeout would have to read a clock to say when it ends, and most calls are over before that matters. So it says how
/// long it is, and whoever asks for the deadline first brings the time; that is then the beginning for all limits around
/// that nobody had asked for yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ambient {
    /// When the earliest limit ends of those that somebody asked for, in nanoseconds; [`NEVER`] where there is none.
    at: u64,
    span: OpenSpan,
}

/// What is not settled: how long from the time that nobody has asked for yet, in nanoseconds; or, with [`ASKED`], what time
/// it was when somebody asked inside of the innermost limit. One word, as it is written at each step into a limit and out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct OpenSpan(u64);

// Apart: two words side by side are read as one, which waits until the writes of the single ones are through.
thread_local! {
    static AT: Cell<u64> = const { Cell::new(NEVER) };
    static SPAN: Cell<OpenSpan> = const { Cell::new(OpenSpan::UNLIMITED) };
    // Of what clock they are. It says nothing where there is no limit.
    static TIMELINE: Cell<u64> = const { Cell::new(Timeline::PROCESS.word()) };
}

impl OpenSpan {
    const UNLIMITED: Self = Self(ASKED - 1);

    // A time beyond 146 years loses two bits, rounded down, because the word has no room for them.
    fn asked(now: Instant) -> Self {
        let nanos = now.as_nanos();
        Self(ASKED | if nanos < COARSE { nanos } else { COARSE | nanos >> 2 })
    }

    #[inline]
    fn within(limit: Duration) -> Self {
        Self(saturating_nanos(limit).min(Self::UNLIMITED.0))
    }

    /// What time it was when somebody asked.
    #[inline]
    fn known(self) -> Option<Instant> {
        let time = self.0 & !ASKED;
        let nanos = if time < COARSE { time } else { (time & !COARSE) << 2 };
        (self.0 >= ASKED).then(|| Instant::from_nanos(nanos))
    }
}

impl Ambient {
    #[inline]
    fn here() -> Self {
        Self { at: AT.get(), span: SPAN.get() }
    }

    fn set(self) {
        AT.set(self.at);
        SPAN.set(self.span);
    }

    /// When the earliest limit ends.
    pub(super) fn resolve(now: impl FnOnce() -> Instant) -> Instant {
        let mut here = Self::here();
        if here.span < OpenSpan::UNLIMITED {
            here = here.begun(now());
            here.set();
        }
        Instant::from_nanos(here.at)
    }

    /// The same, when its limit is known to have begun at `now`; as it is, if that was known, or if it has none.
    #[cold]
    fn begun(self, now: Instant) -> Self {
        let at = match self.span {
            OpenSpan(ASKED..) | OpenSpan::UNLIMITED => return self,
            OpenSpan(within) => self.at.min(now.as_nanos().saturating_add(within)),
        };
        Self { at, span: OpenSpan::asked(now) }
    }
}

/// Whether the limits around this go by that timeline, or there are none. To be asked before a limit begins, and before what is
/// known of the limits around is compared with the time.
#[inline]
pub fn agrees(timeline: Timeline) -> bool {
    TIMELINE.get() == timeline.word() || adopt(timeline)
}

/// Of which timeline the limits around this are, if there are any.
pub(super) fn timeline() -> Timeline {
    Timeline::of_word(TIMELINE.get())
}

/// Makes that the timeline of the limits around this, if there are none, or if theirs is not known.
#[cold]
fn adopt(timeline: Timeline) -> bool {
    let Ambient { at, span } = Ambient::here();
    if (at == NEVER && span == OpenSpan::UNLIMITED) || TIMELINE.get() == Timeline::ANY.word() {
        TIMELINE.set(timeline.word());
        return true;
    }
    timeline == Timeline::ANY
}

/// When the earliest limit around this ends, of those that somebody has asked for; else [`Instant::MAX`]. Reads no clock.
#[inline]
pub fn known() -> Instant {
    Instant::from_nanos(AT.get())
}

/// A limit around what this thread runs, until it is [left](Self::leave) or dropped.
#[derive(Debug)]
#[must_use = "a limit that is dropped holds no more"]
pub struct DeadlineScope {
    outer: Ambient,
}

/// What is known of a limit once it was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownDeadline {
    /// When the call has to be done: by its own limit, and those around it.
    pub at: Instant,
    /// What time it was when somebody asked.
    pub asked: Instant,
}

/// Begins a limit: at an instant where that is known, else so long from when somebody asks.
#[inline]
pub fn cut(due: Option<Instant>, limit: Duration) -> DeadlineScope {
    match due {
        Some(due) => DeadlineScope::at(due),
        None => DeadlineScope::within(limit),
    }
}

impl DeadlineScope {
    /// Until `instant`.
    #[inline]
    pub(super) fn at(instant: Instant) -> Self {
        let outer = Ambient::here();
        AT.set(outer.at.min(instant.as_nanos()));
        Self { outer }
    }

    /// For `limit`, from when somebody asks.
    #[inline]
    fn within(limit: Duration) -> Self {
        let outer = Ambient::here();
        // What was asked for outside is more than any limit.
        SPAN.set(outer.span.min(OpenSpan::within(limit)));
        Self { outer }
    }

    /// Ends it. Says when it is due if somebody has asked for that.
    #[inline]
    pub fn leave(self) -> Option<KnownDeadline> {
        let asked = SPAN.get().known()?;
        Some(KnownDeadline { at: Instant::from_nanos(AT.get()), asked })
    }

    /// Ends it, and asks.
    pub fn leave_at(self, now: impl FnOnce() -> Instant) -> KnownDeadline {
        let inner = Ambient::here();
        if let Some(asked) = inner.span.known() {
            return KnownDeadline { at: Instant::from_nanos(inner.at), asked };
        }
        let asked = now();
        let inner = inner.begun(asked);
        inner.set();
        KnownDeadline { at: Instant::from_nanos(inner.at), asked }
    }
}

impl Drop for DeadlineScope {
    #[inline]
    fn drop(&mut self) {
        let asked = SPAN.get().known();
        AT.set(self.outer.at);
        SPAN.set(self.outer.span);
        // Who asked inside brought the time for the limits around too, if they had none.
        if let Some(asked) = asked {
            self.outer.begun(asked).set();
        }
    }
}

const NEVER: u64 = u64::MAX;

const ASKED: u64 = 1 << 63;

/// Above it a time is kept in units of 4 ns.
const COARSE: u64 = 1 << 62;

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: Duration = Duration::from_secs(365 * 86_400);

    #[test]
    fn nested_limits_end_when_they_are_due_in_any_year() {
        let (inner_limit, outer_limit) = (Duration::from_secs(1), Duration::from_secs(10));
        for years in [0, 1, 145, 147, 291, 293, 400, 583] {
            let now = Instant::ORIGIN + years * YEAR + Duration::from_nanos(3);
            let outer = cut(None, outer_limit);
            let inner = cut(None, inner_limit).leave_at(|| now);
            assert_eq!(inner, KnownDeadline { at: now + inner_limit, asked: now }, "{years}");
            let known = outer.leave().expect("it was asked inside");
            let late = now.saturating_duration_since(known.asked);
            assert!(known.asked <= now && late < Duration::from_nanos(4), "{years}: {known:?}");
            assert_eq!(known.at, known.asked + outer_limit, "{years}");
        }
    }
}
