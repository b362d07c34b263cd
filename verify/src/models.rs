//! The models that loom checks. A model that catches no bug may be unable to fail.

use std::path::Path;

use crate::{catalogue::Bug, entry::TestName, workspace::Workspace};

/// Lists the models that catch no bug, as `package:target path`.
pub(crate) fn unproven(bugs: &[Bug<'_>], workspace: &Workspace) -> Result<Vec<String>, String> {
    let mut unproven = Vec::new();
    for package in &workspace.packages {
        let catches = |model: &TestName| {
            let is_model = |bug: &Bug<'_>, test: &TestName| {
                (&test.target, &test.path) == (&model.target, &model.path)
                    && bug.package_of(test, workspace).is_some_and(|owner| owner.folder == package.folder)
            };
            bugs.iter().any(|bug| bug.tests().any(|test| is_model(bug, test)))
        };
        for file in workspace.sources(package) {
            let Some((target, module)) = place(file.strip_prefix(&package.folder).unwrap_or(file)) else { continue };
            for function in tests_in(&workspace.read(file)?) {
                let path = format!("{module}{function}");
                let package = Some(package.short_name().to_owned());
                let model = TestName { package, target: target.clone(), path };
                if !catches(&model) {
                    unproven.push(model.to_string());
                }
            }
        }
    }
    Ok(unproven)
}

/// Whether loom runs the tests of `target`.
pub(crate) fn are_in(target: &str) -> bool {
    target.starts_with("loom")
}

/// The test target of a file with models, and the path of its module there, with `::` at the end. `file` is relative to
/// the package.
fn place(file: &Path) -> Option<(String, String)> {
    let within = file.strip_prefix("tests").ok()?.with_extension("");
    let mut parts: Vec<_> = within.iter().filter_map(|part| part.to_str()).collect();
    if parts.last().is_some_and(|&last| last == "main" || last == "mod") {
        parts.pop();
    }
    let (target, modules) = parts.split_first()?;
    are_in(target).then(|| ((*target).to_owned(), modules.iter().map(|module| format!("{module}::")).collect()))
}

/// The names of the functions that follow `#[test]`, with other attributes between them or not.
fn tests_in(text: &str) -> Vec<&str> {
    let mut tests = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line == "#[test]" {
            is_test = true;
        } else if let (true, Some(rest)) = (is_test, line.strip_prefix("fn ")) {
            tests.extend(rest.split(['(', '<']).next());
            is_test = false;
        }
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_by_its_target_and_module() {
        let at = |file| place(Path::new(file)).map(|(target, module)| format!("{target} {module}"));
        assert_eq!(at("tests/loom.rs").as_deref(), Some("loom "));
        assert_eq!(at("tests/loom/main.rs").as_deref(), Some("loom "));
        assert_eq!(at("tests/loom/slots.rs").as_deref(), Some("loom slots::"));
        assert_eq!(at("tests/loom/rate/mod.rs").as_deref(), Some("loom rate::"));
        assert_eq!(at("tests/it/loom.rs"), None);
        assert_eq!(at("src/loom.rs"), None);
    }

    #[test]
    fn each_test_of_a_file_is_found() {
        let text = "#[test]\nfn one() {\n    fn helper() {}\n}\nfn two() {}\n#[test]\n#[ignore]\nfn three() {}\n";
        assert_eq!(tests_in(text), ["one", "three"]);
    }
}
