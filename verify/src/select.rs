//! Which bugs to plant.

use std::{collections::HashSet, error::Error, path::PathBuf};

use clap::Args;

use crate::{
    catalogue::{self, Bug},
    entry::{BugFile, Entry},
    workspace::{Workspace, git},
};

/// Which bugs to plant. Without any of these, all.
#[derive(Debug, Default, Args)]
pub(crate) struct Selection {
    /// The names of bugs
    names: Vec<String>,

    /// Only the bugs of this crate, as `core` or `circuit-breaker`
    #[arg(long = "crate", value_name = "NAME")]
    package: Option<String>,

    /// Only the bugs that the changes since this revision concern: those in a file that changed, and those that are new or
    /// described anew
    #[arg(long, value_name = "REV", num_args = 0..=1, default_missing_value = "HEAD")]
    changed: Option<String>,
}

impl Selection {
    /// Returns the bugs that are selected by all that is asked for.
    ///
    /// # Errors
    ///
    /// If a name is unknown, so that a typing mistake does not pass for "all caught".
    pub(crate) fn pick<'a>(
        &self,
        bugs: &'a [Bug<'a>],
        workspace: &Workspace,
    ) -> Result<Vec<&'a Bug<'a>>, Box<dyn Error>> {
        if let Some(name) = self.names.iter().find(|name| !bugs.iter().any(|bug| bug.name() == name.as_str())) {
            return Err(format!("there is no bug `{name}`").into());
        }
        if let Some(name) = &self.package {
            if !bugs.iter().any(|bug| bug.package.short_name() == name) {
                return Err(format!("there is no bug in a crate `{name}`").into());
            }
        }
        let changes = self.changed.as_deref().map(|since| Changes::read(since, workspace)).transpose()?;
        let is_picked = |bug: &Bug<'_>| {
            (self.names.is_empty() || self.names.iter().any(|name| bug.name() == name))
                && self.package.as_ref().is_none_or(|name| bug.package.short_name() == name)
                && changes.as_ref().is_none_or(|changes| changes.concern(bug))
        };
        Ok(bugs.iter().filter(|bug| is_picked(bug)).collect())
    }
}

/// What differs between a revision and the working tree.
struct Changes {
    files: HashSet<PathBuf>,
    /// The bugs of the files of bugs that changed, as the revision describes them.
    entries: Vec<Entry>,
}

impl Changes {
    fn read(since: &str, workspace: &Workspace) -> Result<Self, Box<dyn Error>> {
        let root = &workspace.root;
        let mut files: HashSet<_> = names(&git(root, &["diff", "--name-only", "--no-renames", "-z", since, "--"])?);
        files.extend(names(&git(root, &["ls-files", "--others", "--exclude-standard", "-z"])?));
        let mut entries = Vec::new();
        for file in files.iter().filter(|file| catalogue::describes_bugs(file)) {
            // A file that the revision lacks or that cannot be read has no bug that is still the same.
            if let Ok(text) = git(root, &["show", &format!("{since}:{}", file.display())]) {
                entries.extend(toml::from_str(&text).map_or_else(|_| Vec::new(), |file: BugFile| file.entries));
            }
        }
        Ok(Self { files, entries })
    }

    fn concern(&self, bug: &Bug<'_>) -> bool {
        let is_described_anew = self.files.contains(&bug.source) && !self.entries.contains(&bug.entry);
        is_described_anew || bug.files().iter().any(|file| self.files.contains(file))
    }
}

fn names(listed: &str) -> HashSet<PathBuf> {
    listed.split_terminator('\0').map(PathBuf::from).collect()
}
