//! The small programs as a user starts them: they end by themselves, and say what they claim.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::run;

const AXUM_SERVER: &str = env!("CARGO_BIN_EXE_axum-server");
const DATABASE: &str = env!("CARGO_BIN_EXE_database");
const HYPER_CLIENT: &str = env!("CARGO_BIN_EXE_hyper-client");

/// The number in the line that begins with `name`.
fn number(account: &str, name: &str) -> u64 {
    let mut lines = account.lines().filter_map(|line| line.trim().strip_prefix(name));
    let line = lines.next().unwrap_or_else(|| panic!("no {name}: {account}"));
    let number = line.split_whitespace().next().and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("no number of {name}: {account}"))
}

#[test]
fn each_program_says_what_it_is_for() {
    for (program, flag) in [(AXUM_SERVER, "--listen"), (DATABASE, "--writers"), (HYPER_CLIENT, "--seconds")] {
        let help = run(program, &["--help"]);
        assert!(help.contains("Usage:") && help.contains(flag), "{help}");
        assert!(help.lines().all(|line| line.len() <= 88), "{help}");
    }
}

#[test]
fn each_program_takes_no_other_flags() {
    for program in [AXUM_SERVER, DATABASE, HYPER_CLIENT] {
        let output = Command::new(program).arg("--nonsense").output().expect("cargo built it");
        assert_eq!(output.status.code(), Some(2), "{program}");
    }
}

#[test]
fn the_axum_server_limits_the_greedy_and_serves_the_polite() {
    let account = run(AXUM_SERVER, &[]);
    let greedy = account.lines().find(|line| line.starts_with("greedy")).expect("it is accounted for");
    assert!(greedy.contains(" x 200") && greedy.contains(" x 429") && greedy.contains(" x 503"), "{account}");
    let polite = account.lines().find(|line| line.starts_with("polite")).expect("it is accounted for");
    assert!(polite.contains(" x 200") && !polite.contains(" x 429") && polite.contains(" 1 x 504"), "{account}");
    for line in [
        "HTTP/1.1 429 Too Many Requests",
        "retry-after: 1",
        r#"ratelimit-policy: "default";q=20;w=1"#,
        r#"ratelimit: "default";r=0;t=1"#,
    ] {
        assert!(account.lines().any(|printed| printed.trim() == line), "no {line}: {account}");
    }
}

#[test]
fn the_axum_server_serves_at_an_address() {
    let mut server = Command::new(AXUM_SERVER)
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("cargo built it");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("it is piped")).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").expect("it says where").to_owned();
    let mut answer = String::new();
    let asked = TcpStream::connect(&address).and_then(|mut stream| {
        stream.write_all(b"GET /report HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        stream.read_to_string(&mut answer)
    });
    server.kill().and_then(|()| server.wait()).expect("it was still there");
    asked.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n42\n"), "{answer}");
}

#[test]
fn the_hyper_client_gets_over_failures_and_an_outage() {
    let account = run(HYPER_CLIENT, &[]);
    for line in ["timeout `flaky`: 10s", "timeout `flaky.attempt`: 200ms", "the call"] {
        assert!(account.lines().any(|printed| printed.trim() == line), "no {line}: {account}");
    }
    for event in ["closed -> open: ", "half-open -> closed"] {
        assert!(account.contains(event), "no {event}: {account}");
    }
    for name in ["succeeded", "rejected", "retries", "POSTs"] {
        assert!(number(&account, name) > 0, "{name}: {account}");
    }
    // A call makes one attempt more than it has retries. If the call ends rejected, its last attempt did not reach the server.
    let [calls, retries, refused] = ["calls", "retries", "rejected"].map(|name| number(&account, name));
    assert!(number(&account, "attempts") <= calls + retries - refused, "{account}");
}

#[test]
fn the_database_retries_what_is_busy_and_sheds_what_is_too_much() {
    let account = run(DATABASE, &[]);
    for name in ["written", "busy", "retried", "shed"] {
        assert!(number(&account, name) > 0, "{name}: {account}");
    }
    // No order is lost or stored twice, except for calls that were cut off.
    let (written, cut_off) = (number(&account, "written"), number(&account, "cut off"));
    let stored = account.split("the file has ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    assert!(stored.is_some_and(|stored: u64| (written..=written + cut_off).contains(&stored)), "{account}");
    for event in ["closed -> open: 5 failures in a row", "half-open -> closed"] {
        assert!(account.contains(event), "no {event}: {account}");
    }
    assert!(account.contains("rejected without a connection"), "{account}");
}
