//! Two threads on one policy, each with a clone of its own. The budget is one word, which they share.

use crate::contenders::AlwaysOk;
use crate::contenders::retry::seawall::Savings;
use crate::contenders::retry::{bare, seatbelt, seawall, tower, tower_resilience};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenario() -> Scenario {
    Scenario {
        name: "retry, two threads, first attempt",
        kind: Kind::Shared,
        reference: Against::Row("tower, TpsBudget"),
        rows: vec![
            Row::aside("bare call, one atomic", bare::future::<AlwaysOk>()),
            Row::seawall("execute, no budget", seawall::execute::<AlwaysOk>(Savings::None)),
            Row::seawall("execute", seawall::execute::<AlwaysOk>(Savings::Full)),
            Row::seawall("execute, budget not full", seawall::execute::<AlwaysOk>(Savings::Growing)),
            Row::seawall("tower, no budget", seawall::service::<AlwaysOk>(Savings::None)),
            Row::seawall("tower", seawall::service::<AlwaysOk>(Savings::Full)),
            Row::seawall("tower, budget not full", seawall::service::<AlwaysOk>(Savings::Growing)),
            Row::peer("tower, TpsBudget", tower::service_with_budget::<AlwaysOk>()),
            Row::peer("tower-resilience", tower_resilience::service::<AlwaysOk>()),
            Row::peer("tower-resilience, budget", tower_resilience::service_with_budget::<AlwaysOk>()),
            Row::peer("seatbelt tower", seatbelt::service::<AlwaysOk>()),
            Row::peer("seatbelt layered", seatbelt::layered::<AlwaysOk>()),
        ],
    }
}
