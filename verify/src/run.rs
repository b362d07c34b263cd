//! Runs one test of a test executable, and reads how the test ended.

use std::{
    fmt,
    fs::{self, File},
    io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Passed,
    /// The test failed, or its process was killed by a signal. A panic in a destructor ends the process before it writes
    /// how the test ended.
    Failed,
    /// The test did not end in its time.
    Hung,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Hung => "did not end in time",
        })
    }
}

/// A test that runs in a process of its own, so that no test is blamed for what another left behind.
#[derive(Debug)]
#[must_use = "the process goes on until the test is waited for"]
pub(crate) struct Running {
    child: Child,
    until: Instant,
    path: String,
    output: PathBuf,
}

impl Running {
    /// Starts the test `path` of `executable` in the folder of its package. What the test prints goes to the file `output`.
    pub(crate) fn start(
        executable: &Path,
        path: &str,
        package: &Path,
        patience: Duration,
        output: PathBuf,
    ) -> io::Result<Self> {
        let printed = File::create(&output)?;
        let child = Command::new(executable)
            // One thread, so that the test's name is printed before the test begins.
            .args(["--exact", path, "--test-threads=1"])
            .current_dir(package)
            .env("CARGO_MANIFEST_DIR", package)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stderr(printed.try_clone()?)
            .stdout(printed)
            .spawn()?;
        Ok(Self { child, until: Instant::now() + patience, path: path.to_owned(), output })
    }

    /// Whether the time of the test is over.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Waits until the test has ended or its time is over.
    ///
    /// # Errors
    ///
    /// In words, if the test did not run.
    pub(crate) fn wait(mut self) -> Result<Ending, String> {
        let status = self.wait_for_exit().map_err(|error| format!("cannot wait for the test: {error}"))?;
        let output = fs::read(&self.output).map_err(|error| format!("{}: {error}", self.output.display()))?;
        ending(&String::from_utf8_lossy(&output), &self.path, status)
            .ok_or_else(|| format!("there is no such test, or it did not run (see {})", self.output.display()))
    }

    /// Returns `None` if the process had to be killed because its time was over.
    fn wait_for_exit(&mut self) -> io::Result<Option<ExitStatus>> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= self.until {
                self.child.kill()?;
                self.child.wait()?;
                return Ok(None);
            }
            thread::sleep(POLL);
        }
    }
}

/// How often a process is asked whether it has ended. Most tests take some milliseconds.
const POLL: Duration = Duration::from_millis(2);

/// The exit code of a test executable with a test that failed.
const FAILED: i32 = 101;

/// Returns how the test `path` ended by what its executable printed, or `None` if the test did not run to an end.
fn ending(output: &str, path: &str, status: Option<ExitStatus>) -> Option<Ending> {
    let names = [format!("test {path} ... "), format!("test {path} - should panic ... ")];
    if !output.lines().any(|line| names.iter().any(|name| line.starts_with(name))) {
        return None;
    }
    // The summary says more than the line of the test: what a test prints past the capture can stand before its verdict.
    let Some(status) = status else { return Some(Ending::Hung) };
    if status.signal().is_some() || (status.code() == Some(FAILED) && output.contains(ONE_FAILED)) {
        Some(Ending::Failed)
    } else if status.success() && output.contains(ONE_PASSED) {
        Some(Ending::Passed)
    } else {
        None
    }
}

const ONE_FAILED: &str = "\ntest result: FAILED. 0 passed; 1 failed;";
const ONE_PASSED: &str = "\ntest result: ok. 1 passed; 0 failed;";

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(code: i32) -> Option<ExitStatus> {
        Some(ExitStatus::from_raw(code << 8))
    }

    fn signal(signal: i32) -> Option<ExitStatus> {
        Some(ExitStatus::from_raw(signal))
    }

    fn summary(verdict: &str, passed: u32, failed: u32, ignored: u32) -> String {
        format!("\ntest result: {verdict}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured\n")
    }

    #[test]
    fn a_test_that_failed_or_passed_is_seen() {
        let failed = format!("running 1 test\ntest a::b ... FAILED\n{}", summary("FAILED", 0, 1, 0));
        assert_eq!(ending(&failed, "a::b", exit(101)), Some(Ending::Failed));
        let passed = format!("running 1 test\ntest a::b ... ok\n{}", summary("ok", 1, 0, 0));
        assert_eq!(ending(&passed, "a::b", exit(0)), Some(Ending::Passed));
        let panics = format!("test a::b - should panic ... FAILED\n{}", summary("FAILED", 0, 1, 0));
        assert_eq!(ending(&panics, "a::b", exit(101)), Some(Ending::Failed));
    }

    #[test]
    fn a_test_that_a_signal_or_the_end_of_its_time_stopped_has_begun() {
        assert_eq!(ending("test a::b ... ", "a::b", signal(6)), Some(Ending::Failed));
        assert_eq!(ending("test a::b ... ", "a::b", None), Some(Ending::Hung));
        assert_eq!(ending("running 1 test\n", "a::b", signal(6)), None);
        assert_eq!(ending("", "a::b", None), None);
    }

    #[test]
    fn a_test_that_did_not_run_proves_nothing() {
        let nothing = format!("running 0 tests\n{}", summary("ok", 0, 0, 0));
        assert_eq!(ending(&nothing, "a::b", exit(0)), None);
        let ignored = format!("test a::b ... ignored\n{}", summary("ok", 0, 0, 1));
        assert_eq!(ending(&ignored, "a::b", exit(0)), None);
        let another = format!("test a::bc ... FAILED\n{}", summary("FAILED", 0, 1, 0));
        assert_eq!(ending(&another, "a::b", exit(101)), None);
    }

    #[test]
    fn a_process_that_ends_by_itself_without_a_verdict_proves_nothing() {
        assert_eq!(ending("test a::b ... ", "a::b", exit(101)), None);
        assert_eq!(ending("test a::b ... ", "a::b", exit(0)), None);
    }

    #[test]
    fn what_a_test_prints_does_not_hide_its_verdict() {
        let printed = format!("test a::b ... a line\nFAILED\n{}", summary("FAILED", 0, 1, 0));
        assert_eq!(ending(&printed, "a::b", exit(101)), Some(Ending::Failed));
    }
}
