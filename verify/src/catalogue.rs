//! All planted bugs.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    entry::{self, BugFile, Entry, TestName},
    workspace::{Package, Workspace},
};

/// The folder of the files of bugs, from the root of the repository.
const FOLDER: &str = "verify/planted";

/// A bug that can be planted.
#[derive(Debug)]
pub(crate) struct Bug<'a> {
    pub(crate) entry: Entry,
    /// The file that describes the bug, from the root of the repository.
    pub(crate) source: PathBuf,
    /// The package that has the bug.
    pub(crate) package: &'a Package,
}

/// Reads the bugs of all files.
pub(crate) fn read(workspace: &Workspace) -> Result<Vec<Bug<'_>>, Box<dyn Error>> {
    let mut bugs = Vec::new();
    for source in workspace.files.iter().filter(|file| describes_bugs(file)) {
        let wrong = |error: &dyn Error| format!("{}: {error}", source.display());
        let text = fs::read_to_string(workspace.root.join(source)).map_err(|error| wrong(&error))?;
        let file: BugFile = toml::from_str(&text).map_err(|error| wrong(&error))?;
        let package = workspace
            .packages
            .iter()
            .find(|package| package.folder == Path::new(&file.folder))
            .ok_or_else(|| format!("{}: there is no crate in `{}`", source.display(), file.folder))?;
        bugs.extend(file.entries.into_iter().map(|entry| Bug { entry, source: source.clone(), package }));
    }
    Ok(bugs)
}

pub(crate) fn describes_bugs(file: &Path) -> bool {
    file.starts_with(FOLDER) && file.extension().is_some_and(|extension| extension == "toml")
}

impl<'a> Bug<'a> {
    pub(crate) fn name(&self) -> &str {
        &self.entry.name
    }

    /// The tests that must catch the bug, those that must hang too.
    pub(crate) fn tests(&self) -> impl Iterator<Item = &TestName> {
        self.entry.caught_by.iter().chain(&self.entry.hangs)
    }

    /// The files that the bug changes, from the root of the repository; each once.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = self.entry.edits.iter().map(|edit| self.package.folder.join(&edit.file)).collect();
        files.sort();
        files.dedup();
        files
    }

    /// Returns `text`, the text of `file`, with the bug in it.
    ///
    /// # Errors
    ///
    /// In words, if an edit does not fit.
    pub(crate) fn plant(&self, file: &Path, text: &str) -> Result<String, String> {
        entry::apply(self.entry.edits.iter().filter(|edit| self.package.folder.join(&edit.file) == file), text)
    }

    /// The package that has `test`, if there is such a package.
    pub(crate) fn package_of(&self, test: &TestName, workspace: &'a Workspace) -> Option<&'a Package> {
        match &test.package {
            None => Some(self.package),
            Some(name) => workspace.packages.iter().find(|package| package.short_name() == name),
        }
    }
}
