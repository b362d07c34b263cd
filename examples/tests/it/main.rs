//! The programs as a user starts them.

mod clients;
mod programs;
mod storm;

use std::process::Command;

/// What a program prints if all goes well.
fn run(program: &str, flags: &[&str]) -> String {
    let output = Command::new(program).args(flags).output().expect("cargo built it");
    let [printed, complaint] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("it is text"));
    assert!(output.status.success() && complaint.is_empty(), "{program}: {printed}{complaint}");
    printed
}
