//! One thread: nanoseconds per call.

use seawall_benches::measure::{self, Subject};
use seawall_benches::report::{Table, Verdict, ns};
use seawall_benches::scenario::{Against, Kind, Limit, Scenario};

use crate::{Effort, promise};

pub(crate) fn run(scenario: &Scenario, effort: Effort) -> Vec<Verdict> {
    let makes: Vec<_> = scenario.rows.iter().map(|row| move || row.one()).collect();
    let anew = scenario.kind == Kind::Anew;
    let mut subjects: Vec<Subject<'_>> = makes.iter().map(|make| Subject::new(make, anew)).collect();
    measure::interleave(&mut subjects, effort.batches, effort.patience);

    let costs: Vec<f64> =
        subjects.iter().map(|subject| subject.cost().map_or(f64::INFINITY, |cost| cost.median)).collect();
    let other = |against: Against| against.row(&scenario.rows, &costs).map(|index| (index, &scenario.rows[index].name));
    let mut table = Table::new(["contender", "ns", "p5", "p95", "batches", "ratio", "to", "target", ""]);
    let mut verdicts = Vec::new();
    for (row, subject) in scenario.rows.iter().zip(&subjects) {
        let mut cells = match subject.cost() {
            Some(cost) => [ns(cost.median), ns(cost.low), ns(cost.high), subject.clean().to_string()],
            None => ["-".into(), String::new(), String::new(), "none".into()],
        };
        let mut name = row.name.clone();
        for target in row.targets(scenario.reference) {
            let against = other(target.against);
            let figure = against.and_then(|(index, _)| match target.limit {
                Some(Limit::Over(_)) => subject.excess_over(&subjects[index]),
                _ => subject.ratio_to(&subjects[index]),
            });
            let to = against.map_or_else(String::new, |(_, name)| name.clone());
            let verdict = Verdict::new(scenario.name, &row.name, &to, figure, promise(target.limit, "ns"));
            let [median, low, high, clean] = std::mem::take(&mut cells);
            let [figure, limit, word] = verdict.cells();
            table.row([std::mem::take(&mut name), median, low, high, clean, figure, to, limit, word]);
            verdicts.push(verdict);
        }
    }
    table.print(scenario.name);
    verdicts
}
