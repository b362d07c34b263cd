//! Plants each bug of `verify/planted` in a copy of the working tree and sees the tests fail that must catch it. A green
//! test proves little until somebody has seen it red.

mod catalogue;
mod check;
mod compile;
mod copy;
mod entry;
mod groups;
mod models;
mod run;
mod select;
mod trial;
mod trim;
mod workers;
mod workspace;

use std::{error::Error, num::NonZero, process::ExitCode, thread};

use clap::Parser;

use crate::{select::Selection, workspace::Workspace};

/// Plants bugs in copies of the working tree and runs the tests that must catch them.
///
/// Exits with 0 if each bug is caught, with 1 if a test misses its bug, and with 2 if a bug cannot be planted or a test
/// cannot run.
#[derive(Parser)]
#[command(name = "planted")]
struct Flags {
    /// Checks the files of bugs without a build, and plants nothing
    #[arg(long)]
    check: bool,

    /// Prints the names of the selected bugs, and plants nothing
    #[arg(long)]
    list: bool,

    /// How many bugs to plant at a time; each worker has a copy of the tree and a target folder
    #[arg(long, value_name = "N", env = "SEAWALL_WORKERS")]
    workers: Option<NonZero<usize>>,

    #[command(flatten)]
    selection: Selection,
}

fn main() -> ExitCode {
    match planted(&Flags::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("verify/planted: {error}");
            ExitCode::from(2)
        }
    }
}

fn planted(flags: &Flags) -> Result<ExitCode, Box<dyn Error>> {
    let workspace = Workspace::find()?;
    let bugs = catalogue::read(&workspace)?;
    let picked = flags.selection.pick(&bugs, &workspace)?;
    if flags.list {
        picked.iter().for_each(|bug| println!("{}", bug.name()));
        return Ok(ExitCode::SUCCESS);
    }
    check::all(&bugs, &workspace)?;
    if flags.check {
        println!("{} planted bugs, each fits and has a test", bugs.len());
        return Ok(ExitCode::SUCCESS);
    }
    let workers = match flags.workers {
        Some(workers) => workers,
        None => thread::available_parallelism()?,
    };
    let tally = workers::plant(&picked, &workspace, workers)?;
    println!("{} planted bugs, {tally}", picked.len());
    Ok(ExitCode::from(tally.exit_code()))
}
