//! `storm` as a user starts it: flags, exit codes, tables, picture.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs `storm` in a folder of its own, as it writes to `target/` where it stands.
fn storm(folder: &str, flags: &[&str]) -> (Output, PathBuf) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    fs::create_dir_all(&folder).expect("the target folder can be written to");
    let output =
        Command::new(env!("CARGO_BIN_EXE_storm")).args(flags).current_dir(&folder).output().expect("cargo built it");
    (output, folder.join("target/storm.svg"))
}

/// The numbers of a row of a table.
fn cells(summary: &str, name: &str) -> Vec<u64> {
    let is_named = |line: &&str| line.split('|').nth(1).is_some_and(|cell| cell.trim() == name);
    let line = summary.lines().find(is_named).unwrap_or_else(|| panic!("no row {name}: {summary}"));
    line.split('|').filter_map(|cell| cell.trim().parse().ok()).collect()
}

/// The two numbers, bare and with the breaker, of a row of the first act's summary.
fn row(summary: &str, name: &str) -> (u64, u64) {
    let cells = cells(summary, name);
    (cells[0], cells[1])
}

#[test]
fn a_wrong_flag_is_explained_and_fails() {
    for (flags, word) in [
        (&["--seconds", "0"][..], "6..=600"),
        (&["--seconds", "601"], "6..=600"),
        (&["--seconds", "abc"], "invalid digit"),
        (&["--seconds"], "--seconds <N>"),
        (&["--seed", "-1"], "--seed"),
        (&["--second", "6"], "--seconds"),
        (&["stray"], "stray"),
    ] {
        let (output, _) = storm("flags", flags);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
        assert!(told.starts_with("error: ") && told.contains(word), "{flags:?}: {told}");
        assert!(output.stdout.is_empty(), "{flags:?}");
    }
}

#[test]
fn help_names_every_flag() {
    let (output, _) = storm("help", &["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for flag in ["--seconds", "--seed", "--help"] {
        assert!(help.contains(flag), "{flag}: {help}");
    }
}

#[test]
fn a_short_storm_spares_the_sick_upstream_and_leaves_a_picture() {
    let (output, picture) = storm("short", &["--seconds", "6", "--seed", "7"]);
    let summary = String::from_utf8(output.stdout).unwrap();
    let progress = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{progress}");

    let (bare, guarded) = row(&summary, "calls that reached the sick upstream");
    assert!(guarded < bare / 2, "{summary}");
    let (bare, guarded) = row(&summary, "rejected");
    assert!(bare == 0 && guarded > 0, "{summary}");
    let (bare, guarded) = row(&summary, "times opened");
    assert!(bare == 0 && guarded > 0, "{summary}");
    // Without a terminal, a line for each phase of each run, and for each side of the second act.
    assert_eq!(progress.lines().count(), 18 + 4, "{progress}");

    // The second act. On a machine that is busy with other tests the bound is lower than what is claimed for a whole run.
    let percent = cells(&summary, "percent of the capacity");
    let [bare, guarded @ ..] = &percent[..] else { panic!("{summary}") };
    assert!(guarded.len() == 3 && guarded.iter().all(|guarded| *guarded >= 80 && bare * 2 < *guarded), "{summary}");
    assert_eq!(cells(&summary, "answers that were dead").len(), 4);

    let svg = fs::read_to_string(picture).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.len() < 60_000, "{} bytes", svg.len());
    for word in ["bare", "with the breaker", "500s", "hanging", "resets", "slow", "half-open"] {
        assert!(svg.contains(word), "{word}");
    }
}
