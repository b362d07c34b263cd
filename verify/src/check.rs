//! What can be wrong with a file of bugs, found without a build.

use std::{
    collections::HashSet,
    error::Error,
    path::{Path, PathBuf},
};

use crate::{
    catalogue::Bug,
    entry::TestName,
    models,
    workspace::{Package, Workspace},
};

/// Checks that each bug can be planted, and that each has a test.
///
/// # Errors
///
/// With a line for each thing that is wrong.
pub(crate) fn all(bugs: &[Bug<'_>], workspace: &Workspace) -> Result<(), Box<dyn Error>> {
    let mut wrong = Vec::new();
    let mut names = HashSet::new();
    let sources = Sources::new(workspace);
    for bug in bugs {
        let mut blame = |what: String| wrong.push(format!("{}: {}: {what}", bug.source.display(), bug.name()));
        if !names.insert(bug.name()) {
            blame("another bug has the same name".to_owned());
        }
        if bug.entry.effect.trim().is_empty() {
            blame("`effect` is empty".to_owned());
        }
        check_edits(bug, workspace).into_iter().for_each(&mut blame);
        check_tests(bug, &sources).into_iter().for_each(&mut blame);
    }
    wrong.extend(
        models::unproven(bugs, workspace)?.iter().map(|model| format!("no bug is caught by the loom model `{model}`")),
    );
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn check_edits(bug: &Bug<'_>, workspace: &Workspace) -> Vec<String> {
    if bug.entry.edits.is_empty() {
        return vec!["the bug has no edit".to_owned()];
    }
    let fits = |file: &Path| match workspace.read(file).and_then(|text| bug.plant(file, &text)) {
        Ok(_) => None,
        Err(error) => Some(format!("{}: {error}", file.display())),
    };
    bug.files().iter().filter_map(|file| fits(file)).collect()
}

fn check_tests(bug: &Bug<'_>, sources: &Sources<'_>) -> Vec<String> {
    if bug.tests().next().is_none() {
        return vec!["the bug names no test".to_owned()];
    }
    let mut wrong = Vec::new();
    for test in bug.tests() {
        match bug.package_of(test, sources.workspace) {
            None => wrong.push(format!("`{test}`: there is no such package")),
            Some(package) if !sources.can_have(package, test) => {
                wrong.push(format!("`{test}`: {} has no such test", package.name));
            }
            Some(_) => {}
        }
    }
    wrong
}

/// The Rust files of the repository, and the words in them.
struct Sources<'a> {
    workspace: &'a Workspace,
    words: HashSet<String>,
}

impl<'a> Sources<'a> {
    fn new(workspace: &'a Workspace) -> Self {
        let mut words = HashSet::new();
        for file in workspace.packages.iter().flat_map(|package| workspace.sources(package)) {
            let text = workspace.read(file).unwrap_or_default();
            for word in text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')) {
                if !words.contains(word) {
                    words.insert(word.to_owned());
                }
            }
        }
        Self { workspace, words }
    }

    /// Whether `package` can have `test`, as far as is known without a build: the target has the outermost module of the
    /// test, and the test's name is a word somewhere. A macro can make the test, and another package can have the macro.
    fn can_have(&self, package: &Package, test: &TestName) -> bool {
        let (module, function) = test.path.rsplit_once("::").unwrap_or(("", &test.path));
        let module = module.split("::").next().unwrap_or(module);
        let root = roots(package, &test.target).into_iter().find_map(|root| self.workspace.read(&root).ok());
        root.is_some_and(|root| module.is_empty() || declares(&root, module)) && self.words.contains(function)
    }
}

/// The files that can be the root of `target`.
fn roots(package: &Package, target: &str) -> Vec<PathBuf> {
    let files = match target {
        "lib" => vec!["src/lib.rs".to_owned()],
        _ => vec![format!("tests/{target}.rs"), format!("tests/{target}/main.rs")],
    };
    files.into_iter().map(|file| package.folder.join(file)).collect()
}

/// Whether `root`, the text of a target's root, has `module`.
fn declares(root: &str, module: &str) -> bool {
    let module_of =
        |line: &'_ str| line.split_once("mod ").map(|(_, rest)| rest.trim_end_matches([';', '{', ' ']).to_owned());
    root.lines().filter_map(module_of).any(|declared| declared == module)
}
