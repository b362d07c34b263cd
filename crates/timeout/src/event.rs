use std::fmt;

use seawall_core::{Name, TimedOut};

/// Something that happened to a timeout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    policy: Name,
    kind: EventKind,
}

/// What happened.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A call was cut off, or there was no time for it to begin.
    TimedOut(TimedOut),
}

impl Event {
    pub(crate) fn new(policy: Name, kind: EventKind) -> Self {
        Self { policy, kind }
    }

    /// The name of the timeout.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// What happened.
    pub fn kind(&self) -> &EventKind {
        &self.kind
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            EventKind::TimedOut(timed_out) => timed_out.fmt(f),
        }
    }
}
