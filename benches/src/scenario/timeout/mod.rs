//! Timeouts.

use super::Scenario;

mod pending;
mod ready;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![ready::scenario(), pending::alone(), pending::shared()]
}
