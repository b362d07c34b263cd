//! The files of the working tree.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The repository that this program was built from.
pub(crate) fn root() -> Result<PathBuf, Box<dyn Error>> {
    Ok(fs::canonicalize(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))?)
}

/// Returns the files with one of `extensions` that git tracks or would track, each with its text.
pub(crate) fn read(root: &Path, extensions: &[&str]) -> Result<Vec<(PathBuf, String)>, Box<dyn Error>> {
    let listed = Command::new("git").arg("-C").arg(root).args(LIST_FILES).output()?;
    if !listed.status.success() {
        return Err(String::from_utf8_lossy(&listed.stderr).trim().into());
    }
    let listed = String::from_utf8(listed.stdout)?;
    let has_extension = |file: &&Path| file.extension().is_some_and(|own| extensions.iter().any(|other| own == *other));
    let mut files = Vec::new();
    for file in listed.split_terminator('\0').map(Path::new).filter(has_extension) {
        // Git also lists a tracked file that was deleted and not committed.
        if let Ok(text) = fs::read_to_string(root.join(file)) {
            files.push((file.to_owned(), text));
        }
    }
    Ok(files)
}

const LIST_FILES: [&str; 6] = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"];
