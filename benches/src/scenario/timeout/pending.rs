//! The call is pending once, so that a timer is made, and taken back. There is an earlier one already.

use crate::contenders::Turning;
use crate::contenders::timeout::{bare, seatbelt, seawall, tokio, tower, tower_resilience};
use crate::scenario::{Against, Kind, Row, Scenario};

/// One thread, in a runtime that it turns itself.
pub(super) fn alone() -> Scenario {
    let promised = |row: Row| row.within(1.0, TOKIO).within(1.0, TOWER);
    scenario("timeout, pending once", Kind::Turning, Turning::Caller, promised)
}

/// Two threads in one runtime, which neither of them turns: the timers are in one place.
pub(super) fn shared() -> Scenario {
    let shown = |row: Row| row.versus(TOKIO).versus(TOWER);
    scenario("timeout, two threads, pending once", Kind::Shared, Turning::Worker, shown)
}

fn scenario(name: &'static str, kind: Kind, turning: Turning, beside: fn(Row) -> Row) -> Scenario {
    Scenario {
        name,
        kind,
        reference: TOKIO,
        rows: vec![
            Row::aside("bare wait", bare::pending(turning)),
            beside(Row::seawall("execute", seawall::execute_pending(turning))),
            beside(Row::seawall("tower", seawall::pending(turning))),
            Row::peer("tokio", tokio::pending(turning)),
            Row::peer("tower", tower::pending(turning)),
            Row::peer("tower-resilience", tower_resilience::pending(turning)),
            Row::peer("seatbelt tower", seatbelt::pending(turning)),
            Row::peer("seatbelt layered", seatbelt::layered_pending(turning)),
        ],
    }
}

const TOKIO: Against = Against::Row("tokio");
const TOWER: Against = Against::Row("tower");
