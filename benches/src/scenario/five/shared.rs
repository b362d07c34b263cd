//! Two threads on one stack. Rate limit and bulkhead are one word each, which every call writes, so the threads must meet.
//! tower's four are not here: its rate limit is not shared.

use super::{RULES, TOWER_RESILIENCE};
use crate::contenders::five::{seawall, tower_resilience};
use crate::contenders::{AlwaysOk, bare};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenario() -> Scenario {
    let mut rows = vec![Row::aside("bare service", bare::service::<AlwaysOk>())];
    for (name, rule) in RULES {
        let forms = [
            ("execute, by reference", seawall::execute_by_reference(rule)),
            ("execute, own clones", seawall::execute(rule)),
            ("tower, clones of one service", seawall::service(rule)),
            ("tower, own layers", seawall::service_of_own_layer(rule)),
        ];
        rows.extend(forms.map(|(form, make)| {
            let row = Row::seawall(&format!("stack, {form}{name}"), make);
            row.within(LEAST, Against::OneThread).versus(TOWER_RESILIENCE)
        }));
        rows.push(Row::seawall(&format!("layers, nested{name}"), seawall::nested(rule)));
    }
    rows.push(Row::peer("tower-resilience", tower_resilience::ready()));
    Scenario { name: "five, two threads", kind: Kind::Shared, reference: Against::OneThread, rows }
}

/// Calls of both threads, in those of one alone.
const LEAST: f64 = 0.4;
