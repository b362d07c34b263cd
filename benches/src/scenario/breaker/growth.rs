//! The same call as the window grows.

use std::time::Duration;

use crate::contenders::breaker::seawall::{Clock, Rule};
use crate::contenders::breaker::{recloser, seawall, tower_resilience};
use crate::contenders::{AlwaysOk, OddFails};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![count(), count_failing(), time()]
}

fn count() -> Scenario {
    let mut rows = Vec::new();
    for calls in SIZES {
        let row = Row::seawall(
            &format!("count {calls}"),
            seawall::blocking_after::<AlwaysOk>(Rule::Count(calls), Clock::Default, u64::from(calls)),
        );
        rows.push(constant(row, "seawall count 10"));
    }
    for calls in SIZES {
        let row = Row::peer(format!("recloser, count {calls}"), recloser::sync::<AlwaysOk>(calls));
        rows.push(row.versus(Against::Row("recloser, count 10")));
    }
    Scenario {
        name: "breaker, growth: calls that a count window holds, all ok",
        kind: Kind::Alone,
        reference: Against::FastestPeer,
        rows,
    }
}

fn count_failing() -> Scenario {
    let mut rows = Vec::new();
    for calls in SIZES {
        let row = Row::seawall(
            &format!("count {calls}"),
            seawall::blocking_after::<OddFails>(Rule::Count(calls), Clock::Default, u64::from(calls)),
        );
        rows.push(constant(row, "seawall count 10"));
    }
    Scenario {
        name: "breaker, growth: calls that a count window holds, every second fails",
        kind: Kind::Alone,
        reference: Against::Row("seawall count 10"),
        rows,
    }
}

fn time() -> Scenario {
    let mut rows = Vec::new();
    for calls in [10, 1_000, 100_000, 1_000_000] {
        let make = seawall::blocking_after::<AlwaysOk>(Rule::Time(HOUR), Clock::Default, calls);
        let row = Row::seawall(&format!("after {calls} calls"), make);
        rows.push(constant(row, "seawall after 10 calls"));
    }
    for calls in [100, 1_000, 10_000] {
        let make = tower_resilience::time_after::<AlwaysOk>(HOUR, calls);
        let row = Row::peer(format!("tower-resilience after {calls} calls"), make);
        rows.push(row.versus(Against::Row("tower-resilience after 100 calls")));
    }
    Scenario {
        name: "breaker, growth: calls in a time window",
        kind: Kind::Anew,
        reference: Against::FastestPeer,
        rows,
    }
}

/// Costs what the smallest does; which itself is only the measure.
fn constant(row: Row, smallest: &'static str) -> Row {
    let smallest_itself = row.name == smallest;
    if smallest_itself { row.versus(Against::Row(smallest)) } else { row.within(CONSTANT, Against::Row(smallest)) }
}

const SIZES: [u32; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// Nothing leaves the window while it is measured.
const HOUR: Duration = Duration::from_secs(3_600);

/// What counts as the same cost: what two runs of the same differ by, and a window that no longer fits a cache.
const CONSTANT: f64 = 1.25;
