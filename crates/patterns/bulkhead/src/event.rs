use std::fmt;

use seawall_core::{
    Rejection,
    observe::{self, EventFacts, EventReason, Kind, Level, PolicyState},
};

/// Something that happened to a bulkhead.
pub type Event = observe::Event<EventKind>;

/// What happened.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// A call was refused.
    Rejected(Rejection),
    /// The limit was changed.
    Resized {
        /// Calls in flight at most, before.
        from: usize,
        /// And now.
        to: usize,
    },
    /// It was closed: no call is let in any more.
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
            // The limit means nothing after that.
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
