use std::fmt;

use seawall_core::{
    Name,
    breaker::{Change, Trigger},
};

/// Something that happened to a circuit breaker.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    policy: Name,
    kind: EventKind,
}

/// What happened.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// The circuit changed its state. These form a chain: each one's `from` is the last one's `to`.
    Changed(Change),
    /// A circuit that only measures would have opened now, were it closed. Told once, until it changes its state.
    WouldOpen(Trigger),
}

impl Event {
    pub(crate) fn new(policy: Name, kind: EventKind) -> Self {
        Self { policy, kind }
    }

    /// The name of the breaker.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// What happened.
    pub fn kind(&self) -> &EventKind {
        &self.kind
    }

    /// The change, if the circuit changed its state.
    pub fn change(&self) -> Option<&Change> {
        match &self.kind {
            EventKind::Changed(change) => Some(change),
            EventKind::WouldOpen(_) => None,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            EventKind::Changed(change) => write!(f, "circuit breaker `{}`: {change}", self.policy),
            EventKind::WouldOpen(trigger) => write!(f, "circuit breaker `{}` would open: {trigger}", self.policy),
        }
    }
}
