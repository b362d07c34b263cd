//! Retries.

use super::Scenario;

mod first;
mod shared;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![first::plain(), first::tower(), shared::scenario()]
}
