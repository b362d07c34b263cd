//! All five policies around one call.

use super::{Against, Scenario};
use crate::contenders::breaker::seawall::Rule;

mod pending;
mod ready;
mod shared;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![ready::scenario(), pending::scenario(), shared::scenario()]
}

/// The rules of the breaker in it, each with what its rows' names end in.
const RULES: [(&str, Rule); 2] = [("", Rule::Consecutive), (", 10 s", Rule::Time(super::breaker::WINDOW))];

const TOWER: Against = Against::Row("tower, its four");
const TOWER_RESILIENCE: Against = Against::Row("tower-resilience");

/// The stack's service, by the name of its row for each of [`RULES`].
const SERVICE: [Against; 2] = [Against::Row("seawall stack, tower"), Against::Row("seawall stack, tower, 10 s")];
