use std::fmt;

use seawall_core::{
    TimedOut,
    observe::{self, EventFacts, EventReason, Kind, Level},
};

/// An event of a timeout: its name, and what happened to a call.
pub type Event = observe::Event<EventKind>;

/// What happened to a call.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A call was cut off, or there was no time for it to begin.
    TimedOut(TimedOut),
}

impl Kind for EventKind {
    fn facts(&self) -> EventFacts<'_> {
        match self {
            Self::TimedOut(timed_out) => {
                EventFacts::new("timeout", "timed out", Level::Debug).because(EventReason::TimedOut(timed_out))
            }
        }
    }

    fn describe(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(timed_out) => write!(f, "{timed_out}"),
        }
    }
}
