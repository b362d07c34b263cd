use std::{fmt, sync::Arc, time::Duration};

use seawall_core::{
    Name,
    attempts::{Cause, GaveUp},
    observe::{self, EventFacts, EventReason, Kind, Level, Observers},
    time::Clock,
};

/// Something that happened to a call that is retried.
pub type Event = observe::Event<EventKind>;

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
        /// How long ago the first attempt failed.
        elapsed: Duration,
    },
    /// A call failed, and was not attempted again.
    GaveUp {
        /// How many attempts there were.
        attempts: u32,
        /// How long ago the first attempt failed.
        elapsed: Duration,
        /// Why it was not attempted again.
        reason: GaveUp,
    },
}

/// Who is told of what happens.
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
    /// Tells `observer` too of what `before` tells, without any change to that.
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

    /// Whether an observer wants to be told.
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
