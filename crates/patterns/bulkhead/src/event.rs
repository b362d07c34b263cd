use std::fmt;

use seawall_core::{
    Rejection,
    observe::{self, EventFacts, EventReason, Kind, Level, PolicyState},
};

/// An event of a bulkhead: its name, and what happened.
pub type Event = observe::Event<EventKind>;

/// What happened to a bulkhead.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// The bulkhead rejected a call.
    Rejected(Rejection),
    /// The limit was changed.
    Resized {
        /// The limit before the change.
        from: usize,
        /// The limit after the change.
        to: usize,
    },
    /// The bulkhead was closed, and admits no more calls.
    Closed,
}

impl Kind for EventKind {
    fn facts(&self) -> EventFacts<'_> {
        match self {
            Self::Rejected(rejection) => EventFacts::rejected(KIND, rejection),
            Self::Resized { from, to } => EventFacts::new(KIND, "resized", Level::Info)
                .because(EventReason::BY_HAND)
                .from_to(PolicyState::Limit(*from), PolicyState::Limit(*to)),
            Self::Closed => EventFacts::new(KIND, "closed", Level::Info).because(EventReason::BY_HAND),
        }
    }

    fn absorb(&mut self, older: Self) {
        match (&mut *self, older) {
            (Self::Resized { from, .. }, Self::Resized { from: former, .. }) => *from = former,
            // The limit has no meaning after the close.
            (_, Self::Closed) => *self = Self::Closed,
            _ => {}
        }
    }

    fn describe(&self, policy: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => write!(f, "{rejection}"),
            Self::Resized { from, to } => write!(f, "{KIND} `{policy}`: resized from {from} to {to}"),
            Self::Closed => write!(f, "{KIND} `{policy}`: closed"),
        }
    }
}

const KIND: &str = "bulkhead";
