//! What is compared with what, and what was promised.

use std::fmt;

mod row;

pub(crate) mod breaker;
mod bulkhead;
mod five;
pub(crate) mod keyed;
mod rate;
mod retry;
mod timeout;

pub use row::{Against, Limit, Role, Row, Target};

/// Contenders at the same work.
pub struct Scenario {
    /// What the work is; the pattern comes first.
    pub name: &'static str,
    /// How it is measured.
    pub kind: Kind,
    /// Whom the contenders are compared with, unless they say otherwise.
    pub reference: Against,
    /// The contenders.
    pub rows: Vec<Row>,
}

/// How a scenario is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// One thread, batches of all contenders in turns.
    Alone,
    /// The same, with a new contender for each batch: its history is part of the scenario.
    Anew,
    /// As `Alone`, with more memory than caches hold: it is about time, not about instructions.
    Large,
    /// As `Alone`, in a runtime that turns between a call's polls: instructions would be the runtime's.
    Turning,
    /// Two threads on one contender.
    Shared,
    /// Not in time: the memory that a body holds, a share for each of so many keys.
    Memory {
        /// How many.
        keys: u64,
    },
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scenario").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Circuit breakers, ours beside its peers.
#[must_use]
pub fn breakers() -> Vec<Scenario> {
    breaker::scenarios()
}

/// The bare machine of the circuit breaker.
#[must_use]
pub fn machine() -> Vec<Scenario> {
    breaker::machine()
}

/// Bulkheads.
#[must_use]
pub fn bulkheads() -> Vec<Scenario> {
    bulkhead::scenarios()
}

/// Rate limits, direct and by key.
#[must_use]
pub fn rate_limits() -> Vec<Scenario> {
    [rate::scenarios(), keyed::scenarios()].into_iter().flatten().collect()
}

/// Retries.
#[must_use]
pub fn retries() -> Vec<Scenario> {
    retry::scenarios()
}

/// Timeouts.
#[must_use]
pub fn timeouts() -> Vec<Scenario> {
    timeout::scenarios()
}

/// All five policies around one call.
#[must_use]
pub fn fives() -> Vec<Scenario> {
    five::scenarios()
}

/// All scenarios, in the order of the tables.
#[must_use]
pub fn all() -> Vec<Scenario> {
    [breakers(), machine(), bulkheads(), rate_limits(), retries(), timeouts(), fives()].into_iter().flatten().collect()
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
