//! Instructions per call, counted by callgrind: exact and repeatable where nanoseconds are not, but blind to what an
//! atomic, a lock or a miss of the cache costs.
//!
//! The program runs itself under valgrind with `n` calls and with `2n`; the difference is that of `n` calls. Counted are
//! the calls alone: what is done before them, such as to calibrate a clock, takes another number of steps each time.

use std::env;
use std::hint::black_box;
use std::io;
use std::process::{Command, ExitCode};

use clap::Parser;
use seawall_benches::contenders::Run;
use seawall_benches::report::Table;
use seawall_benches::scenario::{self, Kind, Scenario};

/// Counts instructions per call, seawall beside its peers.
#[derive(Debug, Parser)]
struct Options {
    /// Only the scenarios whose name has this in it.
    #[arg(long, value_name = "SUBSTRING")]
    only: Option<String>,
    /// How many calls the difference is of.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(100..))]
    calls: u64,
    /// Makes the calls of one row, to be watched: scenario and row by number.
    #[arg(long, hide = true, num_args = 2)]
    child: Option<Vec<usize>>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(row) = &options.child {
        make_calls(row[0], row[1], options.calls);
        return ExitCode::SUCCESS;
    }
    match count(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn count(options: &Options) -> Result<(), String> {
    let names: Vec<&str> = scenario::chosen(options.only.as_deref())?.iter().map(|scenario| scenario.name).collect();
    // A child finds its row by number among all of them.
    for (index, scenario) in scenario::all().iter().enumerate() {
        if names.contains(&scenario.name) && scenario.kind == Kind::Alone {
            count_scenario(index, scenario, options.calls)?;
        }
    }
    Ok(())
}

fn count_scenario(index: usize, scenario: &Scenario, calls: u64) -> Result<(), String> {
    let count = |row| -> Result<f64, String> {
        let (once, twice) = (watch(index, row, calls)?, watch(index, row, 2 * calls)?);
        Ok(twice.saturating_sub(once) as f64 / calls as f64)
    };
    let counts = (0..scenario.rows.len()).map(count).collect::<Result<Vec<f64>, _>>()?;
    let mut table = Table::new(["contender", "instructions", "ratio", "to"]);
    for (row, own) in scenario.rows.iter().zip(&counts) {
        for (line, target) in row.targets(scenario.reference).iter().enumerate() {
            let other = target.against.row(&scenario.rows, &counts);
            let name = if line == 0 { row.name.clone() } else { String::new() };
            let ratio = other.map_or_else(String::new, |other| format!("{:.3}", own / counts[other]));
            let to = other.map_or_else(String::new, |other| scenario.rows[other].name.clone());
            table.row([name, format!("{own:.1}"), ratio, to]);
        }
    }
    table.print(scenario.name);
    Ok(())
}

/// The instructions of a whole process that makes that many calls.
fn watch(scenario: usize, row: usize, calls: u64) -> Result<u64, String> {
    let program = env::current_exe().map_err(|error| format!("cannot find this program's own file: {error}"))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(["--collect-atstart=no", "--toggle-collect=*counted_calls*"])
        .arg(program)
        .args(["--calls", &calls.to_string(), "--child", &scenario.to_string(), &row.to_string()])
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "valgrind is not installed: NOTHING WAS COUNTED (it is a package of that name \
                                        in most distributions)"
                .into(),
            _ => format!("cannot run valgrind: {error}"),
        })?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("the watched program failed ({}):\n{told}", output.status));
    }
    let collected = told.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    collected.ok_or_else(|| format!("callgrind told no count:\n{told}"))
}

fn make_calls(scenario: usize, row: usize, calls: u64) {
    let scenarios = scenario::all();
    let mut run = scenarios[scenario].rows[row].one();
    counted_calls(&mut run, calls);
}

/// By its name valgrind knows what to count.
#[inline(never)]
fn counted_calls(run: &mut Run, calls: u64) {
    black_box(run)(calls);
}
