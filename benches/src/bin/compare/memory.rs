//! Memory: what a contender holds for each of many keys.

use seawall_benches::memory::held;
use seawall_benches::report::{Table, Verdict};
use seawall_benches::scenario::{Limit, Scenario};

use crate::promise;

pub(crate) fn run(scenario: &Scenario, keys: u64) -> Vec<Verdict> {
    let bytes: Vec<f64> = scenario.rows.iter().map(|row| held(|| row.one()).1 as f64 / keys as f64).collect();
    let mut table = Table::new(["contender", "bytes a key", "ratio", "to", "target", ""]);
    let mut verdicts = Vec::new();
    for (row, own) in scenario.rows.iter().zip(&bytes) {
        let (mut name, mut cell) = (row.name.clone(), format!("{own:.1}"));
        for target in row.targets(scenario.reference) {
            let other = target.against.row(&scenario.rows, &bytes);
            let to = other.map_or("", |other| &scenario.rows[other].name);
            let figure = other.map(|other| match target.limit {
                Some(Limit::Over(_)) => own - bytes[other],
                _ => own / bytes[other],
            });
            let verdict = Verdict::new(scenario.name, &row.name, to, figure, promise(target.limit, "B"));
            let [figure, limit, word] = verdict.cells();
            table.row([std::mem::take(&mut name), std::mem::take(&mut cell), figure, to.into(), limit, word]);
            verdicts.push(verdict);
        }
    }
    table.print(scenario.name);
    verdicts
}
