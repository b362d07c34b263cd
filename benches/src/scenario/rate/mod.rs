//! Rate limits, one for all.

use super::Scenario;

mod direct;
mod shared;
mod tower;
mod window;

pub(super) fn scenarios() -> Vec<Scenario> {
    [direct::scenarios(), tower::scenarios(), window::scenarios(), shared::scenarios()].into_iter().flatten().collect()
}
