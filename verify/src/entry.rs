//! What a file of bugs says. A file has one crate's bugs, or those of one area of it.

use std::{fmt, ops::Range};

use serde::Deserialize;

/// A file of bugs, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BugFile {
    /// The crate's folder, from the root of the repository.
    #[serde(rename = "crate")]
    pub(crate) folder: String,
    #[serde(rename = "bug", default)]
    pub(crate) entries: Vec<Entry>,
}

/// A bug, as written.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// What goes wrong with the bug, in a sentence.
    pub(crate) effect: String,
    /// Tests that fail with the bug.
    #[serde(default)]
    pub(crate) caught_by: Vec<TestName>,
    /// Tests that do not end with the bug.
    #[serde(default)]
    pub(crate) hangs: Vec<TestName>,
    #[serde(rename = "edit", default)]
    pub(crate) edits: Vec<Edit>,
}

/// One change to one file.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    /// The file, from the crate's folder.
    pub(crate) file: String,
    /// A text that is in the file exactly once.
    pub(crate) find: String,
    /// What takes its place.
    pub(crate) replace: String,
}

impl Edit {
    /// Where in `text` the edit is made.
    ///
    /// # Errors
    ///
    /// In words, if the edit changes nothing, or if its place is not unique.
    fn place(&self, text: &str) -> Result<Range<usize>, String> {
        if self.find.is_empty() {
            return Err("`find` is empty".to_owned());
        }
        if self.find == self.replace {
            return Err(format!("`find` and `replace` are the same:\n{}", self.find));
        }
        let start = text.find(&self.find).ok_or_else(|| format!("`find` is not in the file:\n{}", self.find))?;
        // From the next character on, because a second match can begin inside the first.
        let next = start + self.find.chars().next().map_or(0, char::len_utf8);
        if text[next..].contains(&self.find) {
            return Err(format!("`find` is in the file more than once:\n{}", self.find));
        }
        Ok(start..start + self.find.len())
    }
}

/// Returns `text` with all `edits` made. The place of each is sought in `text` itself, so their order does not matter.
///
/// # Errors
///
/// In words, if an edit does not fit, or if two overlap.
pub(crate) fn apply<'a>(edits: impl IntoIterator<Item = &'a Edit>, text: &str) -> Result<String, String> {
    let place = |edit: &'a Edit| edit.place(text).map(|place| (place, edit));
    let mut places = edits.into_iter().map(place).collect::<Result<Vec<_>, _>>()?;
    places.sort_by_key(|(place, _)| place.start);
    let (mut edited, mut end) = (String::new(), 0);
    for (place, edit) in places {
        let before = text.get(end..place.start).ok_or_else(|| format!("two edits overlap:\n{}", edit.find))?;
        edited.extend([before, &edit.replace]);
        end = place.end;
    }
    edited.push_str(&text[end..]);
    Ok(edited)
}

/// The name of a test: `[package:]target path`, as in `it cancel::a_dropped_call` or `core:lib wire::tests::zero`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct TestName {
    /// The package's name without `seawall-`. `None`: the package of the file's crate.
    pub(crate) package: Option<String>,
    /// `lib` for the crate's unit tests, or the name of a test target.
    pub(crate) target: String,
    /// The path that the test runner knows the test by.
    pub(crate) path: String,
}

impl TryFrom<String> for TestName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not `target path` or `package:target path`");
        let (place, path) = text.split_once(' ').ok_or_else(wrong)?;
        let (package, target) = match place.split_once(':') {
            Some((package, target)) => (Some(package), target),
            None => (None, place),
        };
        if target.is_empty() || package == Some("") || path.is_empty() || path.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Self { package: package.map(str::to_owned), target: target.to_owned(), path: path.to_owned() })
    }
}

impl fmt::Display for TestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(package) = &self.package {
            write!(f, "{package}:")?;
        }
        write!(f, "{} {}", self.target, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(edits: &[(&str, &str)], text: &str) -> Result<String, String> {
        let edit = |&(find, replace): &(&str, &str)| Edit {
            file: String::new(),
            find: find.to_owned(),
            replace: replace.to_owned(),
        };
        apply(&edits.iter().map(edit).collect::<Vec<_>>(), text)
    }

    #[test]
    fn an_edit_replaces_its_text_and_leaves_the_rest() {
        assert_eq!(edits(&[("b\n", "")], "a\nb\nc\n").as_deref(), Ok("a\nc\n"));
        assert_eq!(edits(&[("b", "bb")], "abc").as_deref(), Ok("abbc"));
        assert_eq!(edits(&[("é", "e")], "aéc").as_deref(), Ok("aec"));
    }

    #[test]
    fn edits_are_made_at_once_in_any_order() {
        assert_eq!(edits(&[("c", "a"), ("a", "b"), ("b", "c")], "a b c").as_deref(), Ok("b c a"));
        assert_eq!(edits(&[("a", "b"), ("b", "a")], "ab").as_deref(), Ok("ba"));
    }

    #[test]
    fn an_edit_without_a_place_of_its_own_is_an_error() {
        for text in ["", "aa", "ab ab"] {
            assert!(edits(&[("ab", "c")], text).is_err(), "{text}");
        }
        assert!(edits(&[("aa", "c")], "aaa").is_err(), "the second match begins inside the first");
        assert!(edits(&[("ab", "c"), ("bc", "d")], "abc").is_err(), "the edits overlap");
    }

    #[test]
    fn an_edit_that_changes_nothing_is_an_error() {
        assert!(edits(&[("", "a")], "").is_err());
        assert!(edits(&[("a", "a")], "a").is_err());
    }

    #[test]
    fn a_test_name_is_read_and_written_alike() {
        for text in ["it cancel::a_dropped_call", "core:lib wire::tests::zero", "loom one_slot"] {
            assert_eq!(TestName::try_from(text.to_owned()).expect("a name").to_string(), text);
        }
    }

    #[test]
    fn what_is_no_test_name_is_refused() {
        for text in ["", "model", "it ", " path", ":it path", "core: path", "it two paths", "core:it  path"] {
            assert!(TestName::try_from(text.to_owned()).is_err(), "`{text}`");
        }
    }
}
