//! Bytes for each key, in all; the key is one of them. Tables grow in steps, so it matters how far the next one is.

use super::MANY;
use crate::contenders::keyed::{alone, governor, seawall};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("keyed rate limit, memory, 10^6 keys", MANY),
        scenario("keyed rate limit, memory, 1.25 * 10^6 keys", MANY / 4 * 5),
        scenario("keyed rate limit, memory, 1.5 * 10^6 keys", MANY / 2 * 3),
    ]
}

fn scenario(name: &'static str, keys: u64) -> Scenario {
    Scenario {
        name,
        kind: Kind::Memory { keys },
        reference: Against::Row("governor dashmap"),
        rows: vec![
            Row::aside("the keys alone", alone(keys)),
            Row::seawall("keyed", seawall::held(keys))
                .within_over(MOST, Against::Row("the keys alone"))
                .versus(Against::Row("governor dashmap")),
            Row::peer("governor dashmap", governor::held(keys)),
        ],
    }
}

/// Bytes over the key.
const MOST: f64 = 32.0;
