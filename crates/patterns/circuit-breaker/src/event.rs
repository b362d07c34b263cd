use std::fmt;

use seawall_core::{
    Rejection,
    breaker::{Change, Changes, State, Trigger},
    observe::{self, EventFacts, EventReason, Kind, Level, PolicyState},
};

/// Something that happened to a circuit breaker.
pub type Event = observe::Event<EventKind>;

/// What happened.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// The circuit changed its state. These form a chain: each one's `from` is the last one's `to`.
    Changed(Change),
    /// A circuit that only measures would have opened now, were it closed. Told once, until it changes its state.
    WouldOpen(Trigger),
    /// A call was refused. Told after the change by which it was; where the state changes again at that moment, it may be
    /// after that change too.
    Rejected(Rejection),
}

impl Changes for EventKind {
    fn change(&self) -> Option<&Change> {
        match self {
            Self::Changed(change) => Some(change),
            Self::WouldOpen(_) | Self::Rejected(_) => None,
        }
    }
}

impl Kind for EventKind {
    fn facts(&self) -> EventFacts<'_> {
        match self {
            Self::Changed(change) => {
                let level = match change.to() {
                    State::Open | State::ForcedOpen => Level::Warn,
                    _ => Level::Info,
                };
                EventFacts::new(KIND, "state changed", level)
                    .because(EventReason::Change(change.why()))
                    .from_to(PolicyState::State(change.from()), PolicyState::State(change.to()))
            }
            Self::WouldOpen(trigger) => {
                EventFacts::new(KIND, "would open", Level::Info).because(EventReason::Words(trigger))
            }
            Self::Rejected(rejection) => EventFacts::rejected(KIND, rejection),
        }
    }

    fn absorb(&mut self, older: Self) {
        match (&mut *self, &older) {
            (Self::Changed(change), Self::Changed(older)) => change.absorb(older),
            // The chain of changes must not be broken.
            (_, Self::Changed(_)) => *self = older,
            _ => {}
        }
    }

    fn describe(&self, policy: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(change) => write!(f, "{KIND} `{policy}`: {change}"),
            Self::WouldOpen(trigger) => write!(f, "{KIND} `{policy}` would open: {trigger}"),
            Self::Rejected(rejection) => write!(f, "{rejection}"),
        }
    }
}

const KIND: &str = "circuit breaker";
