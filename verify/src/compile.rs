//! Builds test targets.

use std::{
    collections::HashMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::{models, workspace::Package};

/// A test target that cargo builds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Build {
    pub(crate) package: String,
    pub(crate) is_loom: bool,
    /// `lib` for the crate's unit tests, or the name of a test target.
    pub(crate) target: String,
}

impl Build {
    pub(crate) fn new(package: &Package, target: &str) -> Self {
        Self { package: package.name.clone(), is_loom: models::are_in(target), target: target.to_owned() }
    }

    /// Whether cargo can make both at once.
    pub(crate) fn is_made_with(&self, other: &Self) -> bool {
        (&self.package, self.is_loom) == (&other.package, other.is_loom)
    }
}

/// Where a worker builds.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// The copy of the working tree.
    pub(crate) tree: &'a Path,
    /// The worker's own folder, for target folders and outputs.
    pub(crate) folder: &'a Path,
}

impl Place<'_> {
    /// Builds test targets of `package` that need the same flags. Returns the executable of each target.
    ///
    /// # Errors
    ///
    /// In words, if cargo fails; the compiler's messages are in the file that the error names.
    pub(crate) fn build(
        &self,
        package: &Package,
        is_loom: bool,
        targets: &[&str],
    ) -> Result<HashMap<String, PathBuf>, String> {
        let (messages, errors) = (self.folder.join("cargo.json"), self.folder.join("cargo.log"));
        let wrong = |error: std::io::Error| format!("cargo did not start: {error}");
        let status = self
            .cargo(package, is_loom, targets)
            .stdin(Stdio::null())
            .stdout(File::create(&messages).map_err(wrong)?)
            .stderr(File::create(&errors).map_err(wrong)?)
            .status()
            .map_err(wrong)?;
        if !status.success() {
            let first = fs::read_to_string(&errors).unwrap_or_default();
            let first = first.lines().find(|line| line.starts_with("error")).unwrap_or("cargo failed").to_owned();
            return Err(format!("does not compile: {first} (see {})", errors.display()));
        }
        Ok(executables(&fs::read_to_string(&messages).map_err(wrong)?))
    }

    fn cargo(&self, package: &Package, is_loom: bool, targets: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(self.tree).args(["test", "--no-run", "-q", "--message-format=json-render-diagnostics"]);
        if package.is_alone {
            cargo.arg("--manifest-path").arg(package.folder.join("Cargo.toml")).arg("--no-default-features");
        } else {
            cargo.args(["-p", &package.name]);
        }
        for &target in targets {
            if target == "lib" {
                cargo.arg("--lib")
            } else {
                cargo.args(["--test", target])
            };
        }
        // A target folder for each set of flags: the flag changes every crate.
        let target = self.folder.join(if is_loom { "loom" } else { "plain" });
        if is_loom {
            // Loom itself is worth the optimizer's time. The models and the code that they check are built for each bug.
            cargo.arg("--release").args(["--config", &format!("profile.release.package.{}.opt-level=0", package.name)]);
        }
        cargo
            .env("CARGO_TARGET_DIR", target)
            .env("RUSTFLAGS", if is_loom { "--cfg loom" } else { "" })
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_TERM_COLOR", "never")
            // No debugger reads these builds.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        cargo
    }
}

/// A message of cargo, as far as an executable can be in it.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// The executable of each test target in cargo's messages.
fn executables(messages: &str) -> HashMap<String, PathBuf> {
    let message = |line: &str| serde_json::from_str::<Message>(line).ok();
    let executable = |message: Message| match message {
        Message { target: Some(target), profile: Some(Profile { test: true }), executable: Some(executable) } => {
            let is_lib = target.kind.iter().any(|kind| kind == "lib");
            Some((if is_lib { "lib".to_owned() } else { target.name }, executable))
        }
        _ => None,
    };
    messages.lines().filter_map(message).filter_map(executable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_of_tests_are_found_among_cargos_messages() {
        let messages = r#"
{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"seawall_core"},"profile":{"test":false},"executable":null}
{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"it"},"profile":{"test":false},"executable":"/t/bin"}
{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"seawall_core"},"profile":{"test":true},"executable":"/t/core"}
{"reason":"compiler-artifact","target":{"kind":["test"],"name":"it"},"profile":{"test":true},"executable":"/t/it"}
{"reason":"build-finished","success":true}"#;
        let found = executables(messages);
        assert_eq!(found.len(), 2);
        assert_eq!(found["lib"], PathBuf::from("/t/core"));
        assert_eq!(found["it"], PathBuf::from("/t/it"));
    }
}
