//! Leaves out the test modules that a bug's tests do not need.
//!
//! All tests of a crate are modules of one binary. A bug needs a few of them, and to build the others takes most of the time.

use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    path::Path,
};

/// The root of a test binary, and the text of each of its modules.
#[derive(Debug)]
pub(crate) struct Modules {
    root: String,
    texts: HashMap<String, String>,
}

impl Modules {
    /// Reads the binary whose root is `folder/main.rs`. Returns `None` if there is no such file.
    pub(crate) fn read(folder: &Path) -> io::Result<Option<Self>> {
        let main = folder.join("main.rs");
        if !main.exists() {
            return Ok(None);
        }
        let root = fs::read_to_string(main)?;
        let mut texts = HashMap::new();
        for module in root.lines().filter_map(declared) {
            let mut text = String::new();
            append(&folder.join(format!("{module}.rs")), &mut text)?;
            append(&folder.join(module), &mut text)?;
            texts.insert(module.to_owned(), text);
        }
        Ok(Some(Self { root, texts }))
    }

    /// The root with the modules in `wanted`, those that they use, and no others.
    pub(crate) fn only<'a>(&self, wanted: impl IntoIterator<Item = &'a str>) -> String {
        let kept = self.closure(wanted);
        let mut lines: Vec<&str> = Vec::new();
        for line in self.root.lines() {
            if declared(line).is_none_or(|module| kept.contains(module)) {
                lines.push(line);
            } else {
                // The attributes of what is left out go with it.
                while lines.last().is_some_and(|line| line.starts_with("#[")) {
                    lines.pop();
                }
            }
        }
        lines.join("\n") + "\n"
    }

    /// `wanted`, and all that it names, directly or not.
    fn closure<'a>(&self, wanted: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        let mut waiting: Vec<String> = wanted.into_iter().map(str::to_owned).collect();
        // What the root uses by itself is needed by any module.
        let own = self.root.lines().filter(|line| declared(line).is_none()).collect::<Vec<_>>().join("\n");
        waiting.extend(self.texts.keys().filter(|name| uses(&own, name)).cloned());
        let mut kept = BTreeSet::new();
        while let Some(module) = waiting.pop() {
            let Some(text) = self.texts.get(&module) else { continue };
            if kept.insert(module) {
                waiting.extend(self.texts.keys().filter(|name| uses(text, name)).cloned());
            }
        }
        kept
    }
}

/// The module that `line` of a root declares.
fn declared(line: &str) -> Option<&str> {
    line.strip_prefix("mod ")?.strip_suffix(';')
}

/// Whether `text` may use `module` of its root. A module that it does not use may be found too: to keep that is only slower.
fn uses(text: &str, module: &str) -> bool {
    let names = |before: &str| {
        text.match_indices(before).any(|(at, _)| {
            let rest = &text[at + before.len()..];
            rest.starts_with(module)
                && !rest[module.len()..].starts_with(|next: char| next == '_' || next.is_alphanumeric())
        })
    };
    names("crate::") || text.contains("crate::{") && [" ", "{"].into_iter().any(names)
}

/// Appends the file at `path`, or all files in the folder at `path`, to `text`.
fn append(path: &Path, text: &mut String) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            append(&entry?.path(), text)?;
        }
    } else if path.is_file() {
        text.push_str(&fs::read_to_string(path)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules() -> Modules {
        let root = "//! Tests.\n\n#![allow(x)]\n\nmod cancel;\n#[cfg(feature = \"tonic\")]\n#[allow(y)]\nmod panic;\nmod support;\nmod way;\n";
        let text = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let texts = HashMap::from([
            text("cancel", "use crate::{support::{A, B}};"),
            text("panic", "use crate::support_of_panic;"),
            text("support", "use crate::way::Way;"),
            text("way", ""),
        ]);
        Modules { root: root.to_owned(), texts }
    }

    #[test]
    fn a_module_is_kept_with_all_that_it_uses() {
        assert_eq!(modules().only(["cancel"]), "//! Tests.\n\n#![allow(x)]\n\nmod cancel;\nmod support;\nmod way;\n");
    }

    #[test]
    fn attributes_go_with_their_module_and_a_longer_name_is_not_a_use() {
        assert_eq!(modules().only(["way"]), "//! Tests.\n\n#![allow(x)]\n\nmod way;\n");
        assert!(modules().only(["panic"]).ends_with("#[cfg(feature = \"tonic\")]\n#[allow(y)]\nmod panic;\n"));
    }
}
