//! The names of types.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// For each name of a type, the files that declare the name.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<String, BTreeSet<PathBuf>>);

/// How many declarations there are, and how many of them share their name with another.
#[derive(Debug, PartialEq)]
pub(crate) struct Share {
    pub(crate) shared: usize,
    pub(crate) all: usize,
}

impl Names {
    /// Adds the types that a file declares, except for those of its unit tests.
    pub(crate) fn add(&mut self, file: PathBuf, text: &str) {
        for line in text.lines().take_while(|line| !is_start_of_tests(line)) {
            if let Some(name) = declared(line) {
                self.0.entry(name.to_owned()).or_default().insert(file.clone());
            }
        }
    }

    /// Returns the names that several files declare, with the files.
    pub(crate) fn homonyms(&self) -> impl Iterator<Item = (&str, &BTreeSet<PathBuf>)> {
        self.0.iter().filter(|(_, files)| files.len() > 1).map(|(name, files)| (name.as_str(), files))
    }

    /// Counts the declarations of all names except for `apart`.
    pub(crate) fn share(&self, apart: &[&str]) -> Share {
        let counted =
            || self.0.iter().filter(|(name, _)| !apart.contains(&name.as_str())).map(|(_, files)| files.len());
        Share { shared: counted().filter(|files| *files > 1).sum(), all: counted().sum() }
    }
}

impl Share {
    /// In percent, rounded up.
    pub(crate) fn percent(&self) -> usize {
        (100 * self.shared).div_ceil(self.all.max(1))
    }
}

fn is_start_of_tests(line: &str) -> bool {
    line.starts_with("mod tests {")
}

/// Returns the name of the type that a line declares. An associated type is not a declaration.
fn declared(line: &str) -> Option<&str> {
    let trimmed = line.trim_start();
    let is_indented = trimmed.len() < line.len();
    let declaration = without_visibility(trimmed);
    let (keyword, rest) = declaration.split_once(' ')?;
    let is_type = match keyword {
        "struct" | "enum" | "trait" | "union" => true,
        "type" => !is_indented,
        _ => false,
    };
    let end = rest.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(rest.len());
    let name = &rest[..end];
    (is_type && name.starts_with(|character: char| character.is_ascii_uppercase())).then_some(name)
}

fn without_visibility(line: &str) -> &str {
    let Some(rest) = line.strip_prefix("pub") else { return line };
    let rest = if rest.starts_with('(') { rest.split_once(')').map_or(rest, |(_, rest)| rest) } else { rest };
    rest.trim_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_declaration_has_a_name() {
        let lines =
            ["pub struct Pass<T>(T);", "enum State {", "    pub(crate) trait Rest: Sized {", "pub type Share = u8;"];
        assert_eq!(lines.map(declared), [Some("Pass"), Some("State"), Some("Rest"), Some("Share")]);
        let others = ["    type Output = u8;", "use crate::Pass;", "// struct Pass", "struct $name;", "fn new() {"];
        assert_eq!(others.map(declared), [None; 5]);
    }

    #[test]
    fn a_name_in_one_file_is_no_homonym() {
        let mut names = Names::default();
        names.add("a.rs".into(), "struct Clock;\nstruct Clock;\nstruct Pass;\nmod tests {\nstruct State;");
        names.add("b.rs".into(), "struct Pass;\nstruct State;\nstruct Layer;");
        names.add("c.rs".into(), "struct Layer;");
        assert_eq!(names.homonyms().map(|(name, _)| name).collect::<Vec<_>>(), ["Layer", "Pass"]);
        assert_eq!(names.share(&[]), Share { shared: 4, all: 6 });
        assert_eq!(names.share(&["Layer"]), Share { shared: 2, all: 4 });
    }

    #[test]
    fn a_percentage_is_rounded_up() {
        assert_eq!(Share { shared: 1, all: 8 }.percent(), 13);
        assert_eq!(Share { shared: 0, all: 0 }.percent(), 0);
    }
}
