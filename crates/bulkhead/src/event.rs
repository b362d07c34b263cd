use std::fmt;

use seawall_core::{Name, Rejection};

/// Something that happened to a bulkhead.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    policy: Name,
    kind: EventKind,
}

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

impl Event {
    pub(crate) fn new(policy: Name, kind: EventKind) -> Self {
        Self { policy, kind }
    }

    /// The name of the bulkhead.
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
            EventKind::Rejected(rejection) => write!(f, "{rejection}"),
            EventKind::Resized { from, to } => write!(f, "bulkhead `{}`: resized from {from} to {to}", self.policy),
            EventKind::Closed => write!(f, "bulkhead `{}`: closed", self.policy),
        }
    }
}
