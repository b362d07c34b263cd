//! One bug: planted, and its tests run.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    catalogue::Bug,
    compile::{Build, Place},
    copy::Copy,
    entry::TestName,
    run::{Ending, Running},
    trim::Modules,
    workspace::{Package, Workspace},
};

/// A worker's copy of the tree, and the folder of all that the worker makes.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) copy: Copy<'a>,
    pub(crate) folder: PathBuf,
}

/// What a test of a planted bug has shown.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) bug: &'a Bug<'a>,
    pub(crate) test: &'a TestName,
    /// Whether the test caught the bug, or in words why that is unknown.
    pub(crate) caught: Result<Finding, String>,
}

/// Whether a test caught its bug.
#[derive(Debug)]
pub(crate) enum Finding {
    Caught,
    /// How the test ended instead.
    Missed(Ending),
}

/// A test that must not end. It runs on beside the builds of the next bugs.
#[derive(Debug)]
#[must_use = "the test goes on until it is waited for"]
pub(crate) struct Hanging<'a> {
    case: Case<'a>,
    running: Running,
}

/// A test that must catch a bug, and how.
#[derive(Clone, Copy, Debug)]
struct Case<'a> {
    bug: &'a Bug<'a>,
    test: &'a TestName,
    package: &'a Package,
    must_hang: bool,
}

/// The builds that the tests of `bug` need, in order.
pub(crate) fn builds(bug: &Bug<'_>, workspace: &Workspace) -> Vec<Build> {
    let mut builds: Vec<_> = cases(bug, workspace).iter().map(Case::build).collect();
    builds.sort();
    builds.dedup();
    builds
}

fn cases<'a>(bug: &'a Bug<'a>, workspace: &'a Workspace) -> Vec<Case<'a>> {
    let case =
        |must_hang| move |test| bug.package_of(test, workspace).map(|package| Case { bug, test, package, must_hang });
    let caught_by = bug.entry.caught_by.iter().filter_map(case(false));
    caught_by.chain(bug.entry.hangs.iter().filter_map(case(true))).collect()
}

impl<'a> Bench<'a> {
    /// Plants `bug`, runs its tests, and takes it out again. Returns the tests that must hang; they still run.
    pub(crate) fn try_out(&self, bug: &'a Bug<'a>, mut report: impl FnMut(Verdict<'a>)) -> Vec<Hanging<'a>> {
        let cases = cases(bug, self.workspace);
        let mut hanging = Vec::new();
        let planted = self.copy.plant(bug);
        for same in cases.chunk_by(|one, other| one.build().is_made_with(&other.build())) {
            let built = planted.clone().and_then(|()| self.build(same));
            for &case in same {
                match built.as_ref().map_err(String::clone).and_then(|built| self.start(case, built)) {
                    Ok(running) if case.must_hang => hanging.push(Hanging { case, running }),
                    Ok(running) => report(case.judge(running.wait())),
                    Err(error) => report(case.judge(Err(error))),
                }
            }
        }
        if let Err(error) = self.copy.remove(bug) {
            cases.iter().for_each(|case| report(case.judge(Err(format!("cannot be taken out again: {error}")))));
        }
        hanging
    }

    /// Builds the targets of cases that share a package and flags.
    fn build(&self, cases: &[Case<'_>]) -> Result<HashMap<String, PathBuf>, String> {
        let [first, ..] = cases else { return Ok(HashMap::new()) };
        let mut targets: Vec<_> = cases.iter().map(|case| case.test.target.as_str()).collect();
        targets.sort_unstable();
        targets.dedup();
        for target in &targets {
            let paths = cases.iter().filter(|case| case.test.target == **target).map(|case| case.test.path.as_str());
            self.trim(&first.package.folder.join("tests").join(target), paths)
                .map_err(|error| format!("the modules of `{target}` cannot be left out: {error}"))?;
        }
        let place = Place { tree: self.copy.root(), folder: &self.folder };
        place.build(first.package, first.build().is_loom, &targets)
    }

    /// Leaves in the test binary in `folder` what the tests at `paths` need. The copy's root keeps its time if it is equal.
    fn trim<'b>(&self, folder: &Path, paths: impl Iterator<Item = &'b str>) -> io::Result<()> {
        let Some(modules) = Modules::read(&self.workspace.root.join(folder))? else { return Ok(()) };
        let root = modules.only(paths.filter_map(|path| path.split("::").next()));
        let copy = self.copy.root().join(folder).join("main.rs");
        if fs::read_to_string(&copy)? == root { Ok(()) } else { fs::write(copy, root) }
    }

    fn start(&self, case: Case<'_>, built: &HashMap<String, PathBuf>) -> Result<Running, String> {
        let executable = built.get(&case.test.target).ok_or("cargo built no such target")?;
        let folder = self.copy.root().join(&case.package.folder);
        // A test that hangs runs beside others, so it has a file of its own.
        let (patience, output) = match case.must_hang {
            true => (HANG, format!("{}.{}.log", case.bug.name(), case.test.path.replace("::", "."))),
            false => (PATIENCE, "test.log".to_owned()),
        };
        let output = self.folder.join(output);
        Running::start(executable, &case.test.path, &folder, patience, output)
            .map_err(|error| format!("the test did not start: {error}"))
    }
}

impl<'a> Hanging<'a> {
    /// Whether the test has hung for long enough, if it has not ended.
    pub(crate) fn is_over(&self) -> bool {
        self.running.is_over()
    }

    /// Waits until the test has hung for long enough.
    pub(crate) fn wait(self) -> Verdict<'a> {
        self.case.judge(self.running.wait())
    }
}

impl<'a> Case<'a> {
    fn build(&self) -> Build {
        Build::new(self.package, &self.test.target)
    }

    fn judge(self, ending: Result<Ending, String>) -> Verdict<'a> {
        let must = if self.must_hang { Ending::Hung } else { Ending::Failed };
        let caught = ending.map(|ending| if ending == must { Finding::Caught } else { Finding::Missed(ending) });
        Verdict { bug: self.bug, test: self.test, caught }
    }
}

/// How long a test may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a test that must hang is watched. Such a test takes milliseconds without its bug.
const HANG: Duration = Duration::from_secs(15);
