//! The call is pending once, so that a timer is made, and taken back; in a runtime that its thread turns.

use super::{RULES, SERVICE, TOWER, TOWER_RESILIENCE};
use crate::contenders::Turning;
use crate::contenders::five::{seawall, tower, tower_resilience};
use crate::contenders::timeout::bare;
use crate::scenario::{Kind, Row, Scenario};

pub(super) fn scenario() -> Scenario {
    let turning = Turning::Caller;
    let mut rows = vec![Row::aside("bare wait", bare::pending(turning))];
    for ((name, rule), service) in RULES.into_iter().zip(SERVICE) {
        let peers = |row: Row| row.versus(TOWER).versus(TOWER_RESILIENCE);
        rows.push(peers(Row::seawall(&format!("stack, tower{name}"), seawall::pending(rule, turning))));
        rows.push(
            Row::seawall(&format!("stack, execute{name}"), seawall::execute_pending(rule, turning)).versus(service),
        );
        rows.push(
            Row::seawall(&format!("layers, nested{name}"), seawall::nested_pending(rule, turning)).versus(service),
        );
    }
    rows.push(Row::peer("tower, its four", tower::pending(turning)));
    rows.push(Row::peer("tower-resilience", tower_resilience::pending(turning)));
    Scenario { name: "five, pending once", kind: Kind::Turning, reference: TOWER, rows }
}
