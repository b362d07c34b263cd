use std::fmt;

use seawall_core::{Name, Rejection, rate::Quota};

/// Something that happened to a rate limiter.
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
    /// The quota was changed.
    QuotaChanged {
        /// The quota before.
        from: Quota,
        /// The quota now.
        to: Quota,
    },
}

impl Event {
    pub(crate) fn new(policy: Name, kind: EventKind) -> Self {
        Self { policy, kind }
    }

    /// The name of the limiter.
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
            EventKind::QuotaChanged { from, to } => {
                write!(f, "rate limit `{}`: quota changed from {from} to {to}", self.policy)
            }
        }
    }
}
