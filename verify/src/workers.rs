//! Plants bugs side by side.

use std::{
    collections::BTreeSet,
    error::Error,
    fmt, io,
    num::NonZero,
    sync::{Mutex, PoisonError},
    thread,
};

use crate::{
    catalogue::Bug,
    copy::Copy,
    groups::{Groups, Member},
    trial::{self, Bench, Finding, Verdict},
    workspace::Workspace,
};

/// What came of all bugs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The bugs that a test missed.
    missed: BTreeSet<String>,
    /// The bugs that could not be planted, and those with a test that did not run.
    failed: BTreeSet<String>,
}

/// Plants `bugs`, `workers` at a time, and prints a line for each test.
pub(crate) fn plant<'a>(
    bugs: &[&'a Bug<'a>],
    workspace: &'a Workspace,
    workers: NonZero<usize>,
) -> Result<Tally, Box<dyn Error>> {
    let groups = Mutex::new(Groups::new(bugs.iter().map(|&bug| (trial::builds(bug, workspace), bug))));
    let tally = Mutex::new(Tally::default());
    thread::scope(|scope| {
        let work = |number| {
            let (groups, tally) = (&groups, &tally);
            scope.spawn(move || work(number, groups, workspace, tally))
        };
        let running: Vec<_> = (0..workers.get().min(bugs.len())).map(work).collect();
        running.into_iter().try_for_each(|worker| worker.join().expect("a worker does not panic"))
    })?;
    Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn work<'a>(
    number: usize,
    groups: &Mutex<Groups<&'a Bug<'a>>>,
    workspace: &'a Workspace,
    tally: &Mutex<Tally>,
) -> io::Result<()> {
    let folder = workspace.root.join("target/planted").join(number.to_string());
    let bench = Bench { workspace, copy: Copy::new(workspace, folder.join("tree"))?, folder };
    let report = |verdict| tally.lock().unwrap_or_else(PoisonError::into_inner).report(&verdict);
    let mut member = Member::default();
    let mut hanging = Vec::new();
    loop {
        let next = groups.lock().unwrap_or_else(PoisonError::into_inner).next(&mut member);
        let Some(bug) = next else { break };
        hanging.extend(bench.try_out(bug, report));
        // Now and not at the end, because most tests that hang keep a core busy.
        let over: Vec<_>;
        (over, hanging) = hanging.into_iter().partition(trial::Hanging::is_over);
        over.into_iter().for_each(|hanging| report(hanging.wait()));
    }
    hanging.into_iter().for_each(|hanging| report(hanging.wait()));
    Ok(())
}

impl Tally {
    fn report(&mut self, Verdict { bug, test, caught }: &Verdict<'_>) {
        let name = bug.name();
        match caught {
            Ok(Finding::Caught) => println!("caught  {name:<34} by {test}"),
            Ok(Finding::Missed(ending)) => {
                println!("MISSED  {name:<34} by {test}, which {ending}");
                self.missed.insert(name.to_owned());
            }
            Err(error) => {
                println!("ERROR   {name:<34} by {test}: {error}");
                self.failed.insert(name.to_owned());
            }
        }
    }

    /// 0 if all bugs are caught, 1 if a test missed a bug, 2 if a test did not run.
    pub(crate) fn exit_code(&self) -> u8 {
        match (self.failed.is_empty(), self.missed.is_empty()) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 2,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &BTreeSet<String>| names.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        match (self.failed.is_empty(), self.missed.is_empty()) {
            (true, true) => f.write_str("all caught"),
            (true, false) => write!(f, "MISSED: {}", list(&self.missed)),
            (false, true) => write!(f, "ERRORS: {}", list(&self.failed)),
            (false, false) => write!(f, "MISSED: {}, ERRORS: {}", list(&self.missed), list(&self.failed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_bug_or_an_error_is_not_all_caught() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let tally = |missed: &[&str], failed: &[&str]| {
            let tally = Tally { missed: names(missed), failed: names(failed) };
            (tally.exit_code(), tally.to_string())
        };
        assert_eq!(tally(&[], &[]), (0, "all caught".to_owned()));
        assert_eq!(tally(&["b", "a"], &[]), (1, "MISSED: a b".to_owned()));
        assert_eq!(tally(&[], &["a"]), (2, "ERRORS: a".to_owned()));
        assert_eq!(tally(&["a"], &["b"]), (2, "MISSED: a, ERRORS: b".to_owned()));
    }
}
