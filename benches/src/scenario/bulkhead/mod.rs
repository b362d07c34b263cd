//! Bulkheads.

use super::Scenario;

mod full;
mod room;
mod shared;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![room::plain(), room::tower(), full::scenario(), shared::scenario()]
}
