//! The planted bugs themselves, without a build.

use std::process::{Command, Output};

fn planted(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_planted")).args(arguments).output().expect("cargo has built it")
}

fn names(arguments: &[&str]) -> Vec<String> {
    let listed = String::from_utf8(planted(&[&["--list"], arguments].concat()).stdout).expect("names are UTF-8");
    listed.lines().map(str::to_owned).collect()
}

#[test]
fn each_bug_fits_and_has_a_test() {
    let checked = planted(&["--check"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn a_selection_has_all_that_was_asked_for_and_nothing_else() {
    let (all, core) = (names(&[]), names(&["--crate", "core"]));
    let [first, .., last] = &all[..] else { panic!("there are bugs") };
    assert_eq!(names(&[last, first]), [first.as_str(), last]);
    assert!(!core.is_empty() && core.len() < all.len());
    assert!(core.iter().all(|name| all.contains(name)));
}

#[test]
fn an_unknown_name_is_an_error() {
    for arguments in [&["no-such-bug"][..], &["--crate", "no-such-crate"], &["--changed", "no-such-revision"]] {
        assert_eq!(planted(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
