//! seawall beside its peers, in one run: a table for each scenario, then what was promised and whether it is kept.

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use seawall_benches::measure::{self, Subject};
use seawall_benches::report::{Table, Verdict, ns};
use seawall_benches::scenario::{self, Against, Kind, Scenario};
use seawall_benches::threads::{self, Pair};

/// Measures seawall beside its peers: nanoseconds per call, and ratios.
#[derive(Debug, Parser)]
struct Options {
    /// A short run: fewer batches, wider spread.
    #[arg(long)]
    quick: bool,
    /// Only the scenarios whose name has this in it.
    #[arg(long, value_name = "SUBSTRING")]
    only: Option<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let scenarios = match scenario::chosen(options.only.as_deref()) {
        Ok(scenarios) => scenarios,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    println!("load average at the start: {}\n", load_average());
    let verdicts: Vec<Verdict> = scenarios.iter().flat_map(|scenario| run(scenario, effort)).collect();
    Verdict::print(&verdicts);
    println!("load average at the end: {}", load_average());
    ExitCode::SUCCESS
}

/// How many batches of each contender must count, and how long to try for them.
#[derive(Clone, Copy)]
struct Effort {
    batches: usize,
    patience: Duration,
}

impl Effort {
    const QUICK: Self = Self { batches: 40, patience: Duration::from_secs(4) };
    const FULL: Self = Self { batches: 400, patience: Duration::from_secs(40) };
}

fn run(scenario: &Scenario, effort: Effort) -> Vec<Verdict> {
    match scenario.kind {
        Kind::Alone | Kind::Anew => alone(scenario, effort),
        Kind::Shared => shared(scenario, effort),
    }
}

fn alone(scenario: &Scenario, effort: Effort) -> Vec<Verdict> {
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
            let ratio = against.and_then(|(index, _)| subject.ratio_to(&subjects[index]));
            let to = against.map_or_else(String::new, |(_, name)| name.clone());
            let verdict = Verdict::at_most(scenario.name, &row.name, &to, ratio, target.limit);
            let [median, low, high, clean] = std::mem::take(&mut cells);
            let [ratio, limit, word] = verdict.cells();
            table.row([std::mem::take(&mut name), median, low, high, clean, ratio, to, limit, word]);
            verdicts.push(verdict);
        }
    }
    table.print(scenario.name);
    verdicts
}

fn shared(scenario: &Scenario, effort: Effort) -> Vec<Verdict> {
    let mut pairs: Vec<Pair> = scenario.rows.iter().map(|row| Pair::new(&row.make)).collect();
    threads::interleave(&mut pairs, effort.batches * 10, effort.patience);

    let head = ["contender", "one, ns", "two, ns each", "p5", "p95", "batches", "in all", "other pair", "target", ""];
    let mut table = Table::new(head);
    let mut verdicts = Vec::new();
    for (row, pair) in scenario.rows.iter().zip(&pairs) {
        let one = pair.one().map_or_else(|| "-".into(), |cost| ns(cost.median));
        let [worse, better] = pair.together();
        let [two, low, high] = match worse.cost() {
            Some(cost) => {
                let mark = if worse.sleeps() { "~" } else { "" };
                [cost.median, cost.low, cost.high].map(|value| format!("{mark}{}", ns(value)))
            }
            None => ["-".into(), String::new(), String::new()],
        };
        let limit = row.targets(scenario.reference)[0].limit;
        let verdict = Verdict::at_least(scenario.name, &row.name, "one thread", worse.throughput(), limit);
        let [ratio, limit, word] = verdict.cells();
        let other = better.throughput().map_or_else(|| "-".into(), |ratio| format!("{ratio:.3}"));
        let clean = worse.clean().to_string();
        table.row([row.name.clone(), one, two, low, high, clean, ratio, other, limit, word]);
        verdicts.push(verdict);
    }
    table.print(&format!("{} (in all: calls of both, in those of one thread alone)", scenario.name));
    verdicts
}

fn load_average() -> String {
    fs::read_to_string("/proc/loadavg")
        .map_or_else(|_| "unknown".into(), |text| text.split(' ').take(3).collect::<Vec<_>>().join(" "))
}
