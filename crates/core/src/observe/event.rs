use std::fmt;

use super::{EventFacts, Level};
use crate::{
    Name,
    breaker::{Change, Changes},
};

/// Something that happened to a policy.
///
/// Each crate of a pattern has its own `EventKind`, and calls `Event<EventKind>` its `Event`. A reference to an event of any
/// of them is one to an `Event<dyn Kind>` too, so that one observer can be told of all:
///
/// ```
/// use seawall_core::observe::{Event, Kind};
///
/// fn print(event: &Event<dyn Kind>) {
///     println!("{event}");
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<K: ?Sized> {
    policy: Name,
    // Small, as many events may wait.
    pub(super) lost: u32,
    pub(super) merged: u32,
    // The last field, so that a reference to it can be one to a `dyn Kind`.
    kind: K,
}

/// What can happen to a policy: as plain facts, and in words.
pub trait Kind {
    /// What there is to say of it but for the policy's name. Nothing is formatted for it.
    fn facts(&self) -> EventFacts<'_>;

    /// How much the event matters. [`Level::Debug`] means that the event happened to one call: such events can be lost
    /// when too many wait. All others are changes, which the outbox never loses.
    fn level(&self) -> Level {
        self.facts().level
    }

    /// Merges `older` into this change. It is the change directly before, and no observer was told of it. The merged change
    /// begins where the older change began. Default: this change stays as it is.
    ///
    /// The outbox calls this under its lock: an implementation moves fields, and does nothing else.
    fn absorb(&mut self, older: Self)
    where
        Self: Sized,
    {
        drop(older);
    }

    /// Writes it as a line in which the policy is called by its name.
    ///
    /// # Errors
    ///
    /// Where the formatter fails.
    fn describe(&self, policy: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl<K> Event<K> {
    /// What happened to the policy called `policy`.
    pub fn new(policy: Name, kind: K) -> Self {
        Self { policy, lost: 0, merged: 0, kind }
    }
}

impl<K: ?Sized> Event<K> {
    /// The name of the policy.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// What happened.
    pub fn kind(&self) -> &K {
        &self.kind
    }

    /// How many events of this policy were lost since the last event that was told. An [`Observers`](super::Observers) loses
    /// only events of single calls, and only when more come than its observers can be told of.
    pub fn lost(&self) -> u64 {
        self.lost.into()
    }

    /// How many older changes this event also stands for. More than 0 only if more than 64 changes waited to be told.
    pub fn merged(&self) -> u64 {
        self.merged.into()
    }
}

impl<K: Kind> Event<K> {
    /// Stands for `older` too.
    pub(super) fn absorb(&mut self, older: Self) {
        self.merged = self.merged.saturating_add(older.merged).saturating_add(1);
        self.kind.absorb(older.kind);
    }
}

impl<K: Changes + ?Sized> Event<K> {
    /// The change, if the circuit changed its state.
    pub fn change(&self) -> Option<&Change> {
        self.kind.change()
    }
}

impl<K: Kind + ?Sized> fmt::Display for Event<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.describe(&self.policy, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Level;

    struct Drained;

    impl Kind for Drained {
        fn facts(&self) -> EventFacts<'_> {
            EventFacts::new("pool", "drained", Level::Info)
        }

        fn describe(&self, policy: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "pool `{policy}`: drained")
        }
    }

    #[test]
    fn an_event_of_any_kind_is_one_of_some_kind() {
        let event = Event::new("db".into(), Drained);
        let any: &Event<dyn Kind> = &event;
        assert_eq!((any.policy(), any.kind().facts().what), ("db", "drained"));
        assert_eq!(any.to_string(), "pool `db`: drained");
    }
}
