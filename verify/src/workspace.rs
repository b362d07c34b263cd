//! The repository: its files and its packages.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
    str,
};

use serde::Deserialize;

/// The repository's working tree.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// The files of the working tree, from `root`: what git tracks, and what is new and not ignored.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) packages: Vec<Package>,
}

/// A package of the repository.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// The package's folder, from the root of the repository.
    pub(crate) folder: PathBuf,
    /// Whether the package is a workspace of its own.
    pub(crate) is_alone: bool,
}

#[derive(Deserialize)]
struct Manifest {
    package: Option<ManifestPackage>,
    workspace: Option<toml::Table>,
}

#[derive(Deserialize)]
struct ManifestPackage {
    name: String,
}

impl Workspace {
    /// Lists the files and the packages of the repository that this program was built from.
    pub(crate) fn find() -> Result<Self, Box<dyn Error>> {
        let root = fs::canonicalize(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))?;
        let files = list_files(&root)?;
        let mut packages = Vec::new();
        for file in files.iter().filter(|file| file.ends_with("Cargo.toml")) {
            let manifest: Manifest = toml::from_str(&fs::read_to_string(root.join(file))?)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            if let (Some(package), Some(folder)) = (manifest.package, file.parent()) {
                let is_alone = manifest.workspace.is_some();
                packages.push(Package { name: package.name, folder: folder.to_owned(), is_alone });
            }
        }
        Ok(Self { root, files, packages })
    }

    pub(crate) fn read(&self, file: &Path) -> Result<String, String> {
        fs::read_to_string(self.root.join(file)).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// The Rust files of `package`.
    pub(crate) fn sources<'a>(&'a self, package: &'a Package) -> impl Iterator<Item = &'a Path> {
        let is_source = |file: &&Path| file.extension().is_some_and(|extension| extension == "rs");
        self.files.iter().map(PathBuf::as_path).filter(|file| file.starts_with(&package.folder)).filter(is_source)
    }
}

impl Package {
    /// The package's name without `seawall-`, except for `seawall` itself.
    pub(crate) fn short_name(&self) -> &str {
        self.name.strip_prefix("seawall-").unwrap_or(&self.name)
    }
}

fn list_files(root: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let listed = git(root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"])?;
    // A tracked file that was deleted and not committed is listed too.
    Ok(listed.split_terminator('\0').map(PathBuf::from).filter(|file| root.join(file).exists()).collect())
}

/// Returns what git prints in `root`.
pub(crate) fn git(root: &Path, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output()?;
    if !output.status.success() {
        return Err(format!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
