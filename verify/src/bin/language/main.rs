//! Counts habits of language in all comments and pages, and fails if the project has more than a few.

mod habits;
mod prose;
mod report;
#[path = "../../tree.rs"]
mod tree;

use std::{error::Error, io, path::PathBuf, process::ExitCode};

use clap::Parser;

use crate::report::FileReport;

/// Counts words that make a sentence hard to read, in 1,000 words of comments and pages.
///
/// Exits with 0 if each count is within its limit, with 1 if a count is above, and with 2 on an error.
#[derive(Parser)]
#[command(name = "language")]
struct Flags {
    /// Prints each use with its line, the files with the most uses first
    #[arg(long)]
    list: bool,

    /// Files and folders to read, from the root of the repository; all if none is named
    paths: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match language(&Flags::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("language: {error}");
            ExitCode::from(2)
        }
    }
}

fn language(flags: &Flags) -> Result<bool, Box<dyn Error>> {
    let mut reports = Vec::new();
    for (file, text) in tree::read(&tree::root()?, &["rs", "md"])? {
        if flags.paths.is_empty() || flags.paths.iter().any(|path| file.starts_with(path)) {
            let is_page = file.extension().is_some_and(|extension| extension == "md");
            let words = if is_page { prose::of_page(&text) } else { prose::of_comments(&text) };
            reports.push(FileReport::new(file, &words));
        }
    }
    if flags.list {
        report::list(&mut reports, &mut io::stdout().lock())?;
    }
    Ok(report::summarize(&reports))
}
