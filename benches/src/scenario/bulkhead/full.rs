//! All slots are taken, and the call is refused. tower-resilience is not here: it refuses by a timer, after a millisecond.

use crate::contenders::bulkhead::seawall::Queue;
use crate::contenders::bulkhead::{bare, seawall, tokio, tower};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenario() -> Scenario {
    let load = Against::Row("bare load");
    Scenario {
        name: "bulkhead, full, refused",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare load", bare::load()),
            Row::seawall("try_acquire", seawall::permit_full(Queue::None)).within_over(MOST, load),
            Row::seawall("try_acquire, with a queue", seawall::permit_full(Queue::Empty)).within_over(MOST, load),
            Row::seawall("try_acquire, with a full queue", seawall::permit_full(Queue::Full)).within_over(MOST, load),
            Row::seawall("execute_blocking", seawall::blocking_full(Queue::None)),
            Row::seawall("execute", seawall::execute_full(Queue::None)),
            Row::seawall("execute, with a full queue", seawall::execute_full(Queue::Full)),
            Row::seawall("tower", seawall::service_full(Queue::None)).within_over(MOST, load).versus(SHED),
            Row::seawall("tower, own error", seawall::service_own_error_full(Queue::None)).versus(SHED),
            Row::seawall("tower, with a full queue", seawall::service_full(Queue::Full)).versus(SHED),
            Row::peer("tokio try_acquire", tokio::permit_full()),
            Row::peer("tower LoadShed, ConcurrencyLimit", tower::service_full()),
        ],
    }
}

const SHED: Against = Against::Row("tower LoadShed, ConcurrencyLimit");

/// Nanoseconds.
const MOST: f64 = 5.0;
