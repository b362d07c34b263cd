use std::{fmt, time::Duration};

use seawall_core::{
    Name,
    attempts::{Cause, GaveUp},
    observe::Outbox,
};

/// Something that happened to a call that is retried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    policy: Name,
    kind: EventKind,
}

/// What happened.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// An attempt failed, and there will be another one.
    Retrying {
        /// The number of the one that failed, from 1.
        attempt: u32,
        /// How long until the next.
        wait: Duration,
        /// What the attempt came to.
        cause: Cause,
    },
    /// A call that had failed before did not fail this time.
    Recovered {
        /// How many attempts there were.
        attempts: u32,
        /// How long all took.
        elapsed: Duration,
    },
    /// A call failed, and was not attempted again.
    GaveUp {
        /// How many attempts there were.
        attempts: u32,
        /// How long all took.
        elapsed: Duration,
        /// Why it was not attempted again.
        reason: GaveUp,
    },
}

/// Who is told of what happens.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) name: Name,
    pub(crate) outbox: Outbox<Event>,
}

impl Told {
    pub(crate) fn tell(&self, kind: EventKind) {
        self.outbox.tell_in_turn(Event { policy: self.name.clone(), kind });
    }
}

impl Event {
    /// The name of the retry.
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
        write!(f, "retry `{}`: ", self.policy)?;
        match &self.kind {
            EventKind::Retrying { attempt, wait, cause } => {
                write!(f, "attempt {attempt}: {cause}; again in {wait:?}")
            }
            EventKind::Recovered { attempts, elapsed } => write!(f, "recovered at attempt {attempts}, in {elapsed:?}"),
            EventKind::GaveUp { attempts, elapsed, reason } => {
                write!(f, "gave up after attempt {attempts}, in {elapsed:?}: {reason}")
            }
        }
    }
}
