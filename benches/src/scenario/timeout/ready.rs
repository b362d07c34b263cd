//! The call is ready at its first poll, and there is one thread: no timer is needed.

use crate::contenders::timeout::{seatbelt, seawall, tokio, tower, tower_resilience};
use crate::contenders::{AlwaysOk, bare};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenario() -> Scenario {
    Scenario {
        name: "timeout, ready",
        kind: Kind::Alone,
        reference: TOKIO,
        rows: vec![
            Row::aside("bare call", bare::future::<AlwaysOk>()),
            Row::aside("bare service", bare::service::<AlwaysOk>()),
            Row::seawall("execute", seawall::execute_ready()).within(0.1, TOKIO),
            Row::seawall("call", seawall::call_ready()).within(0.1, TOKIO),
            Row::seawall("tower", seawall::ready()).within(0.1, TOKIO).versus(Against::Row("tower")),
            Row::seawall("tower, own error", seawall::own_error_ready()).within(0.1, TOKIO),
            Row::peer("tokio", tokio::ready()),
            Row::peer("tower", tower::ready()),
            Row::peer("tower-resilience", tower_resilience::ready()),
            Row::peer("seatbelt tower", seatbelt::ready()),
            Row::peer("seatbelt layered", seatbelt::layered_ready()),
        ],
    }
}

const TOKIO: Against = Against::Row("tokio");
