//! Tests that may abort the process.

use std::process::Command;

/// Runs `body` in a process of its own, because an abort ends all tests of a process.
///
/// `module` is `module_path!()` and `test` is the name of the test function that calls this. The child process runs the same
/// test and finds itself here again, with the variable that says so.
///
/// # Panics
///
/// If the child process aborts, if `body` panics in there, or if the child process finds no such test.
#[track_caller]
pub fn in_its_own_process(module: &str, test: &str, body: impl FnOnce()) {
    const CHILD: &str = "SEAWALL_TEST_CHILD";
    // libtest names a test without the name of its crate.
    let name = module.split_once("::").map_or_else(|| test.to_owned(), |(_, module)| format!("{module}::{test}"));
    if std::env::var_os(CHILD).is_some_and(|child| *child == *name) {
        return body();
    }
    let binary = std::env::current_exe().expect("a test knows its binary");
    let child = Command::new(binary).args([&name, "--exact"]).env(CHILD, &name).output();
    let output = child.expect("the binary of this test can be started again");
    let (said, status) = (String::from_utf8_lossy(&output.stdout), output.status);
    assert!(status.success(), "`{name}` in its own process: {status}\n{said}");
    assert!(said.contains("1 passed"), "the process found no test `{name}`:\n{said}");
}
