//! Two threads on one bulkhead, in which there is always room: each with a clone of its own where the form has clones.

use crate::contenders::AlwaysOk;
use crate::contenders::bulkhead::seawall::Queue;
use crate::contenders::bulkhead::{bare, seawall, tokio, tower, tower_resilience};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenario() -> Scenario {
    Scenario {
        name: "bulkhead, two threads",
        kind: Kind::Shared,
        reference: FLOOR,
        rows: vec![
            Row::aside("two atomics", bare::two_atomics::<AlwaysOk>()),
            Row::seawall("try_acquire", seawall::permit::<AlwaysOk>(Queue::None)).within(1.5, FLOOR),
            Row::seawall("execute_blocking", seawall::blocking::<AlwaysOk>()).within(1.5, FLOOR),
            Row::seawall("execute", seawall::execute::<AlwaysOk>()).within(1.5, FLOOR),
            Row::seawall("tower", seawall::service::<AlwaysOk>(Queue::None)).within(1.5, FLOOR),
            Row::seawall("tower, with a queue", seawall::service::<AlwaysOk>(Queue::Empty)),
            Row::peer("tokio try_acquire", tokio::permit::<AlwaysOk>()),
            Row::peer("tokio acquire_owned", tokio::acquire_owned::<AlwaysOk>()),
            Row::peer("tower ConcurrencyLimit", tower::service::<AlwaysOk>()),
            Row::peer("tower-resilience", tower_resilience::service::<AlwaysOk>()),
        ],
    }
}

const FLOOR: Against = Against::Row("two atomics");
