//! What is compared with what, and what was promised.

use std::time::Duration;

use crate::contenders::{Make, Run};

mod growth;
mod machine;
mod shared;
mod sync;
mod tower;

/// Contenders at the same work.
pub struct Scenario {
    /// What the work is.
    pub name: &'static str,
    /// How it is measured.
    pub kind: Kind,
    /// Whom the contenders are compared with, unless they say otherwise.
    pub reference: Against,
    /// The contenders.
    pub rows: Vec<Row>,
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scenario").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How a scenario is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// One thread, batches of all contenders in turns.
    Alone,
    /// The same, with a new breaker for each batch: its history is part of the scenario.
    Anew,
    /// Two threads on one breaker.
    Shared,
}

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

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").field("name", &self.name).finish_non_exhaustive()
    }
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

/// A comparison, and its limit: the cost at most that many times the other's; for two threads, the calls in all at
/// least that many times those of one.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Whom with.
    pub against: Against,
    /// `None` if nothing was promised.
    pub limit: Option<f64>,
}

impl Row {
    fn new(name: impl Into<String>, role: Role, make: Make) -> Self {
        Self { name: name.into(), role, make, targets: Vec::new() }
    }

    /// One of ours; or one that is shown and takes no part, such as the bare operation.
    fn aside(name: impl Into<String>, make: Make) -> Self {
        Self::new(name, Role::Aside, make)
    }

    fn seawall(form: &str, make: Make) -> Self {
        Self::new(format!("seawall {form}"), Role::Aside, make)
    }

    fn peer(name: impl Into<String>, make: Make) -> Self {
        Self::new(name, Role::Peer, make)
    }

    fn peer_with_fast_clock(name: impl Into<String>, make: Make) -> Self {
        Self::new(name, Role::PeerWithFastClock, make)
    }

    fn versus(mut self, against: Against) -> Self {
        self.targets.push(Target { against, limit: None });
        self
    }

    fn within(mut self, limit: f64, against: Against) -> Self {
        self.targets.push(Target { against, limit: Some(limit) });
        self
    }
}

impl Row {
    /// A body over a breaker of its own.
    ///
    /// # Panics
    ///
    /// If the contender opens, or does not, against what the scenario says.
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

/// seawall beside its peers.
#[must_use]
pub fn breakers() -> Vec<Scenario> {
    [sync::scenarios(), tower::scenarios(), shared::scenarios(), growth::scenarios()].into_iter().flatten().collect()
}

/// The bare machine.
#[must_use]
pub fn machine() -> Vec<Scenario> {
    machine::scenarios()
}

/// All scenarios, in the order of the tables.
#[must_use]
pub fn all() -> Vec<Scenario> {
    [breakers(), machine()].into_iter().flatten().collect()
}

/// Those whose name has this in it.
///
/// # Errors
///
/// If there is none, with the names there are.
pub fn chosen(only: Option<&str>) -> Result<Vec<Scenario>, String> {
    let mut scenarios = all();
    let Some(only) = only else { return Ok(scenarios) };
    let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name).collect();
    if !names.iter().any(|name| name.contains(only)) {
        return Err(format!("no scenario's name contains `{only}`; there are\n  {}", names.join("\n  ")));
    }
    scenarios.retain(|scenario| scenario.name.contains(only));
    Ok(scenarios)
}

// The rules, the same for everyone who has such a rule. The rate is above what the failing scenarios fail, so that
// nothing opens while it is measured.

/// Failures in a row.
pub(crate) const CONSECUTIVE: u32 = 5;
/// The share of failures.
pub(crate) const ERROR_RATE: f64 = 0.9;
/// Calls before the share is judged.
pub(crate) const MIN_CALLS: u32 = 20;
/// Longer than a run.
pub(crate) const OPEN_FOR: Duration = Duration::from_secs(3_600);
/// The count window.
pub(crate) const CALLS: u32 = 100;
/// The time window.
pub(crate) const WINDOW: Duration = Duration::from_secs(10);
