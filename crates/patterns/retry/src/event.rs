use std::{fmt, sync::Arc, time::Duration};

use seawall_core::{
    Name,
    attempts::{Cause, GaveUp},
    observe::{self, EventFacts, EventReason, Kind, Level, Observers},
    time::Clock,
};

/// An event of a retry: its name, and what happened to a call.
pub type Event = observe::Event<EventKind>;

/// What happened to a call.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// An attempt failed, and another attempt follows.
    Retrying {
        /// The number of the failed attempt, from 1.
        attempt: u32,
        /// The wait before the next attempt.
        wait: Duration,
        /// Why the next attempt follows.
        cause: Cause,
    },
    /// A call succeeded after at least one failed attempt.
    Recovered {
        /// The number of attempts.
        attempts: u32,
        /// How long ago the first attempt failed.
        elapsed: Duration,
    },
    /// A call failed, and no further attempt follows.
    GaveUp {
        /// The number of attempts.
        attempts: u32,
        /// How long ago the first attempt failed.
        elapsed: Duration,
        /// Why no further attempt follows.
        reason: GaveUp,
    },
}

/// The observers of a retry, and its name.
#[derive(Debug)]
pub(crate) struct NamedObservers {
    pub(crate) name: Name,
    pub(crate) outbox: Observers<EventKind>,
}

impl Kind for EventKind {
    fn facts(&self) -> EventFacts<'_> {
        let facts = |what| EventFacts::new(KIND, what, Level::Debug);
        match self {
            Self::Retrying { attempt, wait, cause } => {
                let asked = match cause {
                    Cause::RetryAfter(wait) | Cause::Rejected(wait) => Some(*wait),
                    _ => None,
                };
                facts("retrying").because(EventReason::Words(cause)).at_attempt(*attempt).waiting(*wait, asked)
            }
            Self::Recovered { attempts, .. } => facts("recovered").at_attempt(*attempts),
            Self::GaveUp { attempts, reason, .. } => {
                facts("gave up").because(EventReason::Words(reason)).at_attempt(*attempts)
            }
        }
    }

    fn describe(&self, policy: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{KIND} `{policy}`: ")?;
        match self {
            Self::Retrying { attempt, wait, cause } => write!(f, "attempt {attempt}: {cause}; again in {wait:?}"),
            Self::Recovered { attempts, elapsed } => {
                write!(f, "recovered at attempt {attempts}, {elapsed:?} after the first failure")
            }
            Self::GaveUp { attempts: 1, reason, .. } => write!(f, "gave up after attempt 1: {reason}"),
            Self::GaveUp { attempts, elapsed, reason } => {
                write!(f, "gave up after attempt {attempts}, {elapsed:?} after the first failure: {reason}")
            }
        }
    }
}

impl NamedObservers {
    /// Returns the observers of `before` with a further one. It does not change `before`.
    pub(crate) fn observed(
        before: Option<&Self>,
        name: &Name,
        least: Level,
        observer: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Arc<Self> {
        let outbox = before.map_or_else(Observers::new, |told| told.outbox.fork());
        outbox.observe(least, observer, || 0);
        Arc::new(Self { name: name.clone(), outbox })
    }

    /// Returns whether an observer wants events.
    pub(crate) fn is_wanted(&self) -> bool {
        self.outbox.wants(Level::Debug)
    }

    pub(crate) fn tell(&self, kind: EventKind, clock: &impl Clock) {
        if self.is_wanted() {
            self.outbox.tell_in_turn(Event::new(self.name.clone(), kind), clock);
        }
    }
}

const KIND: &str = "retry";
