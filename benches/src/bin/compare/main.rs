//! seawall beside its peers, in one run: a table for each scenario, then what was promised and whether it is kept.

mod alone;
mod memory;
mod shared;

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use seawall_benches::memory::Counting;
use seawall_benches::report::{Promise, Verdict};
use seawall_benches::scenario::{self, Kind, Limit, Scenario};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Measures seawall beside its peers: nanoseconds per call, ratios, and bytes per key.
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
        Kind::Alone | Kind::Anew | Kind::Large | Kind::Turning => alone::run(scenario, effort),
        Kind::Shared => shared::run(scenario, effort),
        Kind::Memory { keys } => memory::run(scenario, keys),
    }
}

/// What was promised of a cost in that unit.
fn promise(limit: Option<Limit>, unit: &'static str) -> Promise {
    match limit {
        None => Promise::None,
        Some(Limit::Times(times)) => Promise::AtMost(times),
        Some(Limit::Over(more)) => Promise::AtMostOver(more, unit),
    }
}

fn load_average() -> String {
    fs::read_to_string("/proc/loadavg")
        .map_or_else(|_| "unknown".into(), |text| text.split(' ').take(3).collect::<Vec<_>>().join(" "))
}
