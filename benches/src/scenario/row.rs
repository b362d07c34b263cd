//! A contender in a scenario, and what was promised of it.

use std::fmt;

use crate::contenders::{Make, Run};

/// A contender in a scenario.
pub struct Row {
    /// Its name in the table.
    pub name: String,
    /// Whether it is among those of which the fastest is looked for.
    pub role: Role,
    /// What it does.
    pub make: Make,
    targets: Vec<Target>,
}

/// What a contender is in the search for the fastest peer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// One of ours, or shown for orientation.
    Aside,
    /// A peer as it is by default.
    Peer,
    /// A peer told to read a coarser clock.
    PeerWithFastClock,
}

/// Whom a contender is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Against {
    /// The peer with the lowest cost in this run, of those that read the clock they read by default.
    FastestPeer,
    /// The peer with the lowest cost in this run, whatever clock it reads.
    FastestClockPeer,
    /// The row of that name.
    Row(&'static str),
    /// Itself, with one thread in place of two.
    OneThread,
}

/// A comparison, and its limit if something was promised.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Whom with.
    pub against: Against,
    /// What was promised.
    pub limit: Option<Limit>,
}

/// What was promised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// The cost is at most that many times the other's. Against [`OneThread`](Against::OneThread): the calls in all are
    /// at least that many times those of one.
    Times(f64),
    /// The cost is at most that much above the other's: nanoseconds, or bytes.
    Over(f64),
}

impl Against {
    /// Whether a contender in that role is meant.
    #[must_use]
    pub fn includes(self, role: Role) -> bool {
        match self {
            Against::FastestPeer => role == Role::Peer,
            Against::FastestClockPeer => role != Role::Aside,
            Against::Row(_) | Against::OneThread => false,
        }
    }

    /// Which row it is, where the costs are these.
    #[must_use]
    pub fn row(self, rows: &[Row], costs: &[f64]) -> Option<usize> {
        if let Against::Row(name) = self {
            return rows.iter().position(|row| row.name == name);
        }
        let candidates = (0..rows.len()).filter(|&index| self.includes(rows[index].role));
        candidates.min_by(|&a, &b| costs[a].total_cmp(&costs[b]))
    }
}

impl Row {
    fn new(name: impl Into<String>, role: Role, make: Make) -> Self {
        Self { name: name.into(), role, make, targets: Vec::new() }
    }

    /// One of ours; or one that is shown and takes no part, such as the bare operation.
    pub(super) fn aside(name: impl Into<String>, make: Make) -> Self {
        Self::new(name, Role::Aside, make)
    }

    pub(super) fn seawall(form: &str, make: Make) -> Self {
        Self::new(format!("seawall {form}"), Role::Aside, make)
    }

    pub(super) fn peer(name: impl Into<String>, make: Make) -> Self {
        Self::new(name, Role::Peer, make)
    }

    pub(super) fn peer_with_fast_clock(name: impl Into<String>, make: Make) -> Self {
        Self::new(name, Role::PeerWithFastClock, make)
    }

    pub(super) fn versus(self, against: Against) -> Self {
        self.with(against, None)
    }

    pub(super) fn within(self, times: f64, against: Against) -> Self {
        self.with(against, Some(Limit::Times(times)))
    }

    pub(super) fn within_over(self, more: f64, against: Against) -> Self {
        self.with(against, Some(Limit::Over(more)))
    }

    fn with(mut self, against: Against, limit: Option<Limit>) -> Self {
        self.targets.push(Target { against, limit });
        self
    }

    /// A body with nobody to share it.
    ///
    /// # Panics
    ///
    /// If the contender cannot be set up as the scenario says.
    #[must_use]
    pub fn one(&self) -> Run {
        (self.make)(1).pop().expect("one body was asked for")
    }

    /// What it is compared with; with that reference if it does not say.
    #[must_use]
    pub fn targets(&self, reference: Against) -> Vec<Target> {
        if self.targets.is_empty() { vec![Target { against: reference, limit: None }] } else { self.targets.clone() }
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("name", &self.name).finish_non_exhaustive()
    }
}
