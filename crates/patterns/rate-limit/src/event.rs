use std::fmt;

use seawall_core::{
    Rejection,
    observe::{self, EventFacts, EventReason, Kind, Level, PolicyState},
    rate::Quota,
};

/// Something that happened to a rate limiter.
pub type Event = observe::Event<EventKind>;

/// What happened.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// A call was refused.
    Rejected(Rejection),
    /// The quota was changed.
    QuotaChanged {
        /// The quota before.
        from: Quota,
        /// The quota now.
        to: Quota,
    },
}

impl Kind for EventKind {
    fn facts(&self) -> EventFacts<'_> {
        match self {
            Self::Rejected(rejection) => EventFacts::rejected(KIND, rejection),
            Self::QuotaChanged { from, to } => EventFacts::new(KIND, "quota changed", Level::Info)
                .because(EventReason::BY_HAND)
                .from_to(PolicyState::Quota(*from), PolicyState::Quota(*to)),
        }
    }

    fn absorb(&mut self, older: Self) {
        if let (Self::QuotaChanged { from, .. }, Self::QuotaChanged { from: former, .. }) = (self, older) {
            *from = former;
        }
    }

    fn describe(&self, policy: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => write!(f, "{rejection}"),
            Self::QuotaChanged { from, to } => write!(f, "{KIND} `{policy}`: quota changed from {from} to {to}"),
        }
    }
}

const KIND: &str = "rate limit";
