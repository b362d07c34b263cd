//! A copy of the working tree, so that bugs never touch the tree itself.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{catalogue::Bug, workspace::Workspace};

/// A worker's copy of the working tree.
#[derive(Debug)]
pub(crate) struct Copy<'a> {
    workspace: &'a Workspace,
    root: PathBuf,
}

impl<'a> Copy<'a> {
    /// Makes the folder `root` equal to the working tree. Files that are equal already keep their time, so cargo does not
    /// build them again.
    pub(crate) fn new(workspace: &'a Workspace, root: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        let kept: HashSet<_> = workspace.files.iter().map(|file| root.join(file)).collect();
        remove_others(&root, &kept)?;
        let copy = Self { workspace, root };
        for file in &workspace.files {
            copy.restore(file)?;
        }
        Ok(copy)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Puts `bug` into the copy.
    pub(crate) fn plant(&self, bug: &Bug<'_>) -> Result<(), String> {
        for file in bug.files() {
            let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
            let text = bug.plant(&file, &self.workspace.read(&file)?).map_err(|error| wrong(&error))?;
            fs::write(self.root.join(&file), text).map_err(|error| wrong(&error))?;
        }
        Ok(())
    }

    /// Takes `bug` out of the copy.
    pub(crate) fn remove(&self, bug: &Bug<'_>) -> io::Result<()> {
        bug.files().iter().try_for_each(|file| self.restore(file))
    }

    /// Makes `file` equal to the working tree's.
    fn restore(&self, file: &Path) -> io::Result<()> {
        let (original, copy) = (self.workspace.root.join(file), self.root.join(file));
        if fs::read(&copy).ok() != Some(fs::read(&original)?) {
            if let Some(folder) = copy.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::copy(&original, &copy)?;
        }
        Ok(())
    }
}

/// Removes each file under `folder` that is not in `kept`, and each folder that is empty then. Cargo finds test targets by
/// their place, so a file that was moved away must not stay.
fn remove_others(folder: &Path, kept: &HashSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            remove_others(&path, kept)?;
            if fs::read_dir(&path)?.next().is_none() {
                fs::remove_dir(&path)?;
            }
        } else if !kept.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_removed_with_its_folder() {
        let root = std::env::temp_dir().join(format!("seawall-verify-{}", std::process::id()));
        fs::create_dir_all(root.join("moved")).expect("a folder");
        fs::create_dir_all(root.join("kept")).expect("a folder");
        for file in ["moved/test.rs", "kept/a.rs", "kept/b.rs"] {
            fs::write(root.join(file), "").expect("a file");
        }
        remove_others(&root, &HashSet::from([root.join("kept/a.rs")])).expect("all can be removed");
        assert!(root.join("kept/a.rs").exists());
        assert!(!root.join("kept/b.rs").exists() && !root.join("moved").exists());
        fs::remove_dir_all(root).expect("the test made it");
    }
}
