//! Rate limits by key: a thousand keys, which lie in a cache, and a million, which do not.

use super::Scenario;

mod memory;
mod time;

pub(super) fn scenarios() -> Vec<Scenario> {
    [time::scenarios(), memory::scenarios()].into_iter().flatten().collect()
}

const FEW: u64 = 1_000;
const MANY: u64 = 1_000_000;
