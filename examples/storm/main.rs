//! A storm on real sockets. First an HTTP upstream falls ill by script, and a client lives through it twice, bare and behind
//! a circuit breaker; then one is offered ten times what it can bear, bare and behind a rate limit and a bulkhead. See
//! `storm --help`.

mod client;
mod figures;
mod guarded;
mod overload;
mod panel;
mod picture;
mod progress;
mod record;
mod report;
mod run;
mod script;
mod upstream;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;

use crate::run::{Side, run};
use crate::script::Script;

/// Shows what a circuit breaker does when an upstream falls ill, and what a rate
/// limit and a bulkhead do when it gets ten times what it can bear.
///
/// First act: a hyper server on loopback plays a script: 500s, hanging, resets, slow, and
/// healthy in between. 32 workers call it every 20 ms each through a pooled hyper
/// client, first bare, then behind a breaker: half of them through its tower
/// layer, half by `execute` on the same breaker. At the end there are two tables
/// and the picture target/storm.svg.
///
/// Second act: an upstream of fixed capacity, and clients that do not wait for
/// each other; bare, and behind a rate limit, a bulkhead, and both. It takes half
/// as long as the first, and ends with a table.
#[derive(Parser)]
#[command(name = "storm", after_long_help = NUMBERS, verbatim_doc_comment)]
struct Flags {
    /// How long both runs of the first act take together, 6 to 600
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(6..=600))]
    seconds: u64,

    /// Where the jitter of both sides starts; the sockets' timing stays real
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match storm(&Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("storm: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn storm(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let script = Arc::new(Script::new(Duration::from_secs(flags.seconds) / 2));
    let bare = run(Side::Bare, &script, flags.seed).await?;
    let breaker = run(Side::Breaker, &script, flags.seed).await?;

    println!("{}\n{}", report::phases(&bare, &breaker), report::summary(&bare, &breaker));
    println!("\n{GOODPUT}\n\nThe breaker opened:");
    for reason in report::openings(&breaker) {
        println!("  {reason}");
    }
    let path = Path::new("target/storm.svg");
    picture::draw(path, &bare, &breaker).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    println!("\npicture: {}\n", path.display());
    overload::play(Duration::from_secs(flags.seconds) / 2, flags.seed).await
}

const GOODPUT: &str = "\
Goodput of the whole run counts the late answers of the slow upstream too, which
the breaker does not wait for, and misses the calls that it refuses until it has
seen that the upstream is well.";

const NUMBERS: &str = "\
In the default 20 s a call times out after 400 ms, a slow upstream answers
within 150 to 300 ms and a healthy one within 3 to 7 ms. The breaker opens on 15
failures in a row, on half of the calls failing in 2 s, or on half of the last
40 taking longer than 100 ms; it stays open for 300 ms and then sends 3 probes.
Other lengths scale these times along, between 0.3 and 2 times; the healthy
upstream stays as it is. Everything stays on 127.0.0.1.";
