//! Circuit breakers.

use std::time::Duration;

use super::Scenario;

mod growth;
mod machine;
mod shared;
mod sync;
mod tower;

pub(super) fn scenarios() -> Vec<Scenario> {
    [sync::scenarios(), tower::scenarios(), shared::scenarios(), growth::scenarios()].into_iter().flatten().collect()
}

pub(super) fn machine() -> Vec<Scenario> {
    machine::scenarios()
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
