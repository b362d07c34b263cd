//! Two threads: what they cost each other.

use seawall_benches::report::{Promise, Table, Verdict, ns};
use seawall_benches::scenario::{Against, Limit, Scenario, Target};
use seawall_benches::threads::{self, Pair};

use crate::{Effort, promise};

pub(crate) fn run(scenario: &Scenario, effort: Effort) -> Vec<Verdict> {
    let mut pairs: Vec<Pair> = scenario.rows.iter().map(|row| Pair::new(&row.make)).collect();
    threads::interleave(&mut pairs, effort.batches * 10, effort.patience);

    let head = [
        "contender",
        "one, ns",
        "two, ns each",
        "p5",
        "p95",
        "batches",
        "in all",
        "other pair",
        "ratio",
        "to",
        "target",
        "",
    ];
    let mut table = Table::new(head);
    let mut verdicts = Vec::new();
    for (row, pair) in scenario.rows.iter().zip(&pairs) {
        let mut name = row.name.clone();
        let mut cells = figures(pair);
        for target in row.targets(scenario.reference) {
            let verdict = judge(scenario, &row.name, &pairs, pair, target);
            let [one, two, low, high, clean, in_all, other] = std::mem::take(&mut cells);
            let [ratio, limit, word] = verdict.cells();
            // Beside one thread the ratio stands in its own column.
            let [ratio, to] = match target.against {
                Against::OneThread => [String::new(), String::new()],
                _ => [ratio, verdict.to().into()],
            };
            table.row([std::mem::take(&mut name), one, two, low, high, clean, in_all, other, ratio, to, limit, word]);
            verdicts.push(verdict);
        }
    }
    table.print(&format!("{} (in all: calls of both, in those of one thread alone)", scenario.name));
    verdicts
}

fn figures(pair: &Pair) -> [String; 7] {
    let one = pair.one().map_or_else(|| "-".into(), |cost| ns(cost.median));
    let [worse, better] = pair.together();
    let [two, low, high] = match worse.cost() {
        Some(cost) => {
            let mark = if worse.sleeps() { "~" } else { "" };
            [cost.median, cost.low, cost.high].map(|value| format!("{mark}{}", ns(value)))
        }
        None => ["-".into(), String::new(), String::new()],
    };
    let in_all = |ratio: Option<f64>| ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.3}"));
    [one, two, low, high, worse.clean().to_string(), in_all(worse.throughput()), in_all(better.throughput())]
}

fn judge(scenario: &Scenario, contender: &str, pairs: &[Pair], pair: &Pair, target: Target) -> Verdict {
    if target.against == Against::OneThread {
        let promise = match target.limit {
            Some(Limit::Times(times)) => Promise::AtLeast(times),
            _ => Promise::None,
        };
        return Verdict::new(scenario.name, contender, "one thread", pair.together()[0].throughput(), promise);
    }
    let costs: Vec<f64> =
        pairs.iter().map(|pair| pair.together()[0].cost().map_or(f64::INFINITY, |cost| cost.median)).collect();
    let other = target.against.row(&scenario.rows, &costs);
    let to = other.map_or("", |other| &scenario.rows[other].name);
    let ratio = other.and_then(|other| pair.ratio_to(&pairs[other]));
    Verdict::new(scenario.name, contender, to, ratio, promise(target.limit, "ns"))
}
