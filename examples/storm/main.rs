//! A storm on real sockets, in three acts. An HTTP upstream falls ill by script, and a client lives through it twice, bare and
//! behind a circuit breaker; then one is offered ten times what it can bear, bare and behind a rate limit and a bulkhead; then
//! one fails for a while, and is called without retries, with naive ones, and with retries on a budget. See `storm --help`.

mod client;
mod illness;
mod outage;
mod overload;
mod paint;
mod server;
mod table;
mod upstream;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Shows what a circuit breaker does when an upstream falls ill, what a rate limit
/// and a bulkhead do when it gets ten times what it can bear, and what a retry
/// budget does when it fails for a while.
///
/// First act, illness: a hyper server on loopback plays a script: 500s, hanging,
/// resets, slow, and healthy in between. 32 workers call it every 20 ms each
/// through a pooled hyper client, first bare, then behind a breaker: half of them
/// through its tower layer, half by `execute` on the same breaker. At the end there
/// are two tables and the picture target/storm.svg.
///
/// Second act, overload: a hyper server that can answer 200 calls a second, and
/// clients that call 2000 times a second, do not wait for each other, and give up
/// after 200 ms: first bare, then behind a rate limit, a bulkhead, both, and a
/// bulkhead with a long queue, first come first served and by CoDel. At the end
/// there are a table and the picture target/overload.svg.
///
/// Third act, outage: a hyper server that can answer 500 calls a second gets 300,
/// by clients that do not wait for each other; for a while it answers them all with
/// a 500. First without retries, then with three attempts for each call, then with
/// retries on a budget. At the end there are a table and the picture
/// target/outage.svg.
#[derive(Parser)]
#[command(name = "storm", after_long_help = NUMBERS, verbatim_doc_comment)]
struct Flags {
    /// How long each act takes, 6 to 600; the third is a quarter shorter, and
    /// takes 9 at least
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(6..=600))]
    seconds: u64,

    /// Where the jitter of all sides starts; the sockets' timing stays real
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,

    /// Plays one act alone
    #[arg(long)]
    act: Option<Act>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Act {
    Illness,
    Overload,
    Outage,
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
    let time = Duration::from_secs(flags.seconds);
    let acts = flags.act.map_or_else(|| Act::value_variants().to_vec(), |act| vec![act]);
    for (number, act) in acts.into_iter().enumerate() {
        if number > 0 {
            println!();
        }
        match act {
            Act::Illness => illness::play(time, flags.seed).await?,
            Act::Overload => overload::play(time, flags.seed).await?,
            Act::Outage => outage::play(time, flags.seed).await?,
        }
    }
    Ok(())
}

const NUMBERS: &str = "\
In the default 20 s of the first act a call times out after 400 ms, a slow
upstream answers within 150 to 300 ms and a healthy one within 3 to 7 ms. The
breaker opens on 15 failures in a row, on half of the calls failing in 2 s, or on
half of the last 40 taking longer than 100 ms; it stays open for 300 ms and then
sends 3 probes. Other lengths scale these times along, between 0.3 and 2 times;
the healthy upstream and the other acts stay as they are. Everything stays on
127.0.0.1.";
