//! `storm` as a user starts it: flags, exit codes, tables, picture.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs `storm` in a folder of its own, because it writes to `target/` there. Returns the output and that `target/`.
fn storm(folder: &str, flags: &[&str]) -> (Output, PathBuf) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    // The files of an earlier run prove nothing.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the target folder can be written to");
    let output =
        Command::new(env!("CARGO_BIN_EXE_storm")).args(flags).current_dir(&folder).output().expect("cargo built it");
    (output, folder.join("target"))
}

/// The numbers of a row of a table.
fn cells(output: &str, name: &str) -> Vec<u64> {
    let is_named = |line: &&str| line.split('|').nth(1).is_some_and(|cell| cell.trim() == name);
    let line = output.lines().find(is_named).unwrap_or_else(|| panic!("no row {name}: {output}"));
    line.split('|').filter_map(|cell| cell.trim().parse().ok()).collect()
}

/// The two numbers, bare and with the breaker, of a row of the first act's summary.
fn row(summary: &str, name: &str) -> (u64, u64) {
    let cells = cells(summary, name);
    (cells[0], cells[1])
}

/// Good answers a second, percent of the capacity, failed, rejected, reached, dead.
fn side(output: &str, name: &str) -> [u64; 6] {
    cells(output, name).try_into().unwrap_or_else(|cells| panic!("{name}: {cells:?}"))
}

/// What every side of the second act must show. The claim, 90 % of the capacity, is for a whole run on a machine that has
/// nothing else to do: here a side has a second, of which a busy machine may be elsewhere for a while.
fn assert_overload(output: &str) {
    for name in ["bare", "long FIFO"] {
        let [_, percent, failed, _, reached, dead] = side(output, name);
        assert!(percent < 50 && failed > reached / 2 && dead > 50, "{name}: {output}");
    }
    for name in ["rate limit", "bulkhead", "both", "long CoDel"] {
        let [_, percent, failed, rejected, reached, dead] = side(output, name);
        assert!(percent >= 70, "{name}: {output}");
        assert!(rejected > 1000 && reached < 400 && failed + dead < 100, "{name}: {output}");
    }
}

/// Calls and attempts in the outage, good answers a second before it and at the end.
fn contender(output: &str, name: &str) -> [u64; 4] {
    // Other acts have rows of the same name.
    let table = &output[output.find("in outage").expect("the third act was played")..];
    let cells = cells(table, name);
    cells.get(..4).and_then(|cells| cells.try_into().ok()).unwrap_or_else(|| panic!("{name}: {cells:?}"))
}

/// What each contender of the third act must show; of what is claimed for a whole run, as much as a busy machine lets pass.
fn assert_outage(output: &str) {
    for (name, ratio) in [("bare", 0.95..1.05), ("naive", 2.0..3.05), ("budget", 1.1..1.35)] {
        let [calls, attempts, ..] = contender(output, name);
        assert!(ratio.contains(&(attempts as f64 / calls as f64)), "{name}: {output}");
    }
    for name in ["bare", "budget"] {
        let [_, _, before, at_the_end] = contender(output, name);
        assert!(at_the_end * 10 >= before * 9, "{name}: {output}");
    }
    let [_, _, before, at_the_end] = contender(output, "naive");
    assert!(at_the_end * 2 < before, "{output}");
}

/// A picture that holds these words.
fn assert_picture(path: &Path, words: &[&str]) {
    let svg = fs::read_to_string(path).expect("the act has left it there");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.len() < 60_000, "{} bytes", svg.len());
    for word in words {
        assert!(svg.contains(word), "{word}");
    }
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
        (&["--act", "third"], "[possible values: illness, overload, outage]"),
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
    for flag in ["--seconds", "--seed", "--act", "--help", "illness", "overload", "outage"] {
        assert!(help.contains(flag), "{flag}: {help}");
    }
}

#[test]
fn a_short_storm_spares_the_upstream_in_all_acts_and_leaves_pictures() {
    let (output, folder) = storm("short", &["--seconds", "6", "--seed", "7"]);
    let summary = String::from_utf8(output.stdout).unwrap();
    let progress = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{progress}");

    let (bare, guarded) = row(&summary, "calls that reached the sick upstream");
    assert!(guarded < bare / 2, "{summary}");
    let (bare, guarded) = row(&summary, "rejected");
    assert!(bare == 0 && guarded > 0, "{summary}");
    let (bare, guarded) = row(&summary, "times opened");
    assert!(bare == 0 && guarded > 0, "{summary}");
    // Without a terminal, a line for each phase of each run of the first act, and for each side of the other two.
    assert_eq!(progress.lines().count(), 18 + 6 + 3, "{progress}");
    assert_overload(&summary);
    assert_outage(&summary);

    let moods = ["bare", "with the breaker", "500s", "hanging", "resets", "slow", "half-open"];
    assert_picture(&folder.join("storm.svg"), &moods);
    let sides = ["bare", "rate limit", "bulkhead", "both", "long FIFO", "long CoDel"];
    assert_picture(&folder.join("overload.svg"), &sides);
    assert_picture(&folder.join("outage.svg"), &["bare", "naive", "budget", "attempts a call"]);
}

#[test]
fn an_act_can_be_played_alone() {
    let (output, folder) = storm("alone", &["--act", "overload", "--seconds", "6"]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(!table.contains("breaker") && table.contains("bulkhead"), "{table}");
    let pictures = ["storm.svg", "overload.svg", "outage.svg"].map(|picture| folder.join(picture).exists());
    assert_eq!(pictures, [false, true, false]);
}
