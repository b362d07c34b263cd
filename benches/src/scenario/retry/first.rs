//! The first attempt succeeds, and there is one thread: what a retry costs where it is not needed.

use crate::contenders::retry::seawall::Savings;
use crate::contenders::retry::{backon, bare as atomic, seatbelt, seawall, tokio_retry2, tower, tower_resilience};
use crate::contenders::{AlwaysOk, bare};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn plain() -> Scenario {
    Scenario {
        name: "retry, plain, first attempt",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows: vec![
            Row::aside("bare call", bare::future::<AlwaysOk>()),
            Row::aside("bare call, one atomic", atomic::future::<AlwaysOk>()),
            Row::seawall("execute, no budget", seawall::execute::<AlwaysOk>(Savings::None))
                .within_over(MOST, Against::Row("bare call"))
                .versus(Against::FastestPeer),
            Row::seawall("execute", seawall::execute::<AlwaysOk>(Savings::Full)).within_over(AN_ATOMIC, EXECUTE),
            Row::seawall("execute, budget not full", seawall::execute::<AlwaysOk>(Savings::Growing))
                .within_over(AN_ATOMIC, EXECUTE),
            Row::seawall("call, no budget", seawall::call::<AlwaysOk>(Savings::None)),
            Row::seawall("execute_blocking, no budget", seawall::blocking::<AlwaysOk>(Savings::None)),
            Row::peer("backon", backon::call::<AlwaysOk>()),
            Row::peer("tokio-retry2", tokio_retry2::call::<AlwaysOk>()),
        ],
    }
}

pub(super) fn tower() -> Scenario {
    Scenario {
        name: "retry, tower and layered, first attempt",
        kind: Kind::Alone,
        reference: LAYERED,
        rows: vec![
            Row::aside("bare service", bare::service::<AlwaysOk>()),
            Row::aside("bare service, one atomic", atomic::service::<AlwaysOk>()),
            Row::seawall("tower, no budget", seawall::service::<AlwaysOk>(Savings::None))
                .within(0.25, LAYERED)
                .versus(Against::Row("tower")),
            Row::seawall("tower", seawall::service::<AlwaysOk>(Savings::Full)).within_over(AN_ATOMIC, SERVICE),
            Row::seawall("tower, budget not full", seawall::service::<AlwaysOk>(Savings::Growing))
                .within_over(AN_ATOMIC, SERVICE)
                .versus(Against::Row("tower, TpsBudget")),
            Row::seawall("tower over a policy, no budget", seawall::service_over_policy::<AlwaysOk>(Savings::None)),
            Row::peer("tower", tower::service::<AlwaysOk>()),
            Row::peer("tower, TpsBudget", tower::service_with_budget::<AlwaysOk>()),
            Row::peer("tower-resilience", tower_resilience::service::<AlwaysOk>()),
            Row::peer("tower-resilience, budget", tower_resilience::service_with_budget::<AlwaysOk>()),
            Row::peer("seatbelt tower", seatbelt::service::<AlwaysOk>()),
            Row::peer("seatbelt layered", seatbelt::layered::<AlwaysOk>()),
        ],
    }
}

const EXECUTE: Against = Against::Row("seawall execute, no budget");
const SERVICE: Against = Against::Row("seawall tower, no budget");
const LAYERED: Against = Against::Row("seatbelt layered");

/// Nanoseconds.
const MOST: f64 = 2.0;

/// Nanoseconds of one atomic that nobody else is at: 6 to 10, by how fast the host runs.
const AN_ATOMIC: f64 = 10.0;
