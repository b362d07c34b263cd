//! The call is ready at its first poll, and there is one thread: what five policies cost that do nothing.

use super::{RULES, SERVICE, TOWER, TOWER_RESILIENCE};
use crate::contenders::five::{seawall, tower, tower_resilience};
use crate::contenders::{AlwaysOk, bare};
use crate::scenario::{Kind, Row, Scenario};

pub(super) fn scenario() -> Scenario {
    let mut rows = vec![
        Row::aside("bare call", bare::future::<AlwaysOk>()),
        Row::aside("bare service", bare::service::<AlwaysOk>()),
    ];
    for ((name, rule), service) in RULES.into_iter().zip(SERVICE) {
        let peers = |row: Row| row.within(0.65, TOWER).within(A_TWELFTH, TOWER_RESILIENCE);
        rows.push(peers(Row::seawall(&format!("stack, tower{name}"), seawall::service(rule))));
        rows.push(Row::seawall(&format!("stack, execute{name}"), seawall::execute(rule)).within(1.0, service));
        rows.push(Row::seawall(&format!("layers, nested{name}"), seawall::nested(rule)).versus(service));
    }
    rows.push(Row::peer("tower, its four", tower::ready()));
    rows.push(Row::peer("tower-resilience", tower_resilience::ready()));
    Scenario { name: "five, ready", kind: Kind::Alone, reference: TOWER, rows }
}

/// Rounded down.
const A_TWELFTH: f64 = 0.083;
