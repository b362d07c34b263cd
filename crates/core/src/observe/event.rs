use std::fmt;

use super::Facts;
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
    // The last field, so that a reference to it can be one to a `dyn Kind`.
    kind: K,
}

/// What can happen to a policy: as plain facts, and in words.
pub trait Kind {
    /// What there is to say of it but for the policy's name. Nothing is formatted for it.
    fn facts(&self) -> Facts<'_>;

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
        Self { policy, kind }
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
        fn facts(&self) -> Facts<'_> {
            Facts::new("pool", "drained", Level::Info)
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
