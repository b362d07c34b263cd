//! Counts types of the crates that share their name with a type of another file, and fails if there are many.

mod names;
#[path = "../../tree.rs"]
mod tree;

use std::{error::Error, path::Path, process::ExitCode};

use clap::Parser;

use crate::names::Names;

/// Counts the types whose name another file declares too, in percent of all types.
///
/// Exits with 0 if the share is below its limit, with 1 if it is not, and with 2 on an error.
#[derive(Parser)]
#[command(name = "homonyms")]
struct Flags {
    /// Prints each name that several files declare, with the files
    #[arg(long)]
    list: bool,
}

/// Names that mean the same in each crate of the family.
const FAMILY: [&str; 8] =
    ["Builder", "CallFuture", "Event", "EventKind", "Permit", "QueuedFuture", "ResponseFuture", "Snapshot"];

/// Percent of the declarations, without the family's names.
const LIMIT: usize = 12;

fn main() -> ExitCode {
    match homonyms(&Flags::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("homonyms: {error}");
            ExitCode::from(2)
        }
    }
}

fn homonyms(flags: &Flags) -> Result<bool, Box<dyn Error>> {
    let mut names = Names::default();
    let is_source = |file: &Path| file.starts_with("crates") && file.components().any(|part| part.as_os_str() == "src");
    for (file, text) in tree::read(&tree::root()?, &["rs"])?.into_iter().filter(|(file, _)| is_source(file)) {
        names.add(file, &text);
    }
    if flags.list {
        for (name, files) in names.homonyms() {
            println!("{name}{}", if FAMILY.contains(&name) { " (a name of the family)" } else { "" });
            files.iter().for_each(|file| println!("  {}", file.display()));
        }
    }
    let (all, own) = (names.share(&[]), names.share(&FAMILY));
    println!("{} of {} types share their name, {} %", all.shared, all.all, all.percent());
    println!("without the family's names {} of {}, {} % (below {LIMIT})", own.shared, own.all, own.percent());
    Ok(own.percent() < LIMIT)
}
