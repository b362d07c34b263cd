//! A storm on real sockets, in three acts. First an HTTP upstream falls ill by script, once with bare calls and once behind a
//! circuit breaker. Then an upstream gets ten times the load that it can bear, bare and behind a rate limit and a bulkhead.
//! Then an upstream has an outage, without retries, with naive retries, and with retries on a budget. See `storm --help`.

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
/// and a bulkhead do at ten times the load that an upstream can bear, and what a
/// retry budget does in an outage.
///
/// First act, illness: a hyper server on loopback plays a script: 500s, hanging,
/// resets, slow, and healthy in between. Each of 32 workers calls it every 20 ms
/// through a pooled hyper client, first bare, then behind a breaker. Half of the
/// workers use the breaker's tower layer, the other half use `execute` on the same
/// breaker. The act ends with two tables and the picture target/storm.svg.
///
/// Second act, overload: a hyper server can answer 200 calls a second. Its clients
/// call 2000 times a second, do not wait for each other, and give up after 200 ms.
/// They do so bare, then behind a rate limit, a bulkhead, both, and a bulkhead with
/// a long queue, first come first served and by CoDel. The act ends with a table
/// and the picture target/overload.svg.
///
/// Third act, outage: a hyper server can answer 500 calls a second and gets 300, by
/// clients that do not wait for each other. In the outage it answers each call with
/// a 500. The clients make no retries, then three attempts for each call, then
/// retries on a budget. The act ends with a table and the picture
/// target/outage.svg.
#[derive(Parser)]
#[command(name = "storm", after_long_help = NUMBERS, verbatim_doc_comment)]
struct Flags {
    /// How many seconds each act takes, 6 to 600; the third act is a quarter
    /// shorter, and takes 9 at least
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(6..=600))]
    seconds: u64,

    /// The seed of the jitter of all sides; the sockets' timing stays real
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
In the default 20 s of the first act a call times out after 400 ms. A slow
upstream answers within 150 to 300 ms, and a healthy upstream within 3 to 7 ms.
The breaker opens on 15 failures in a row, on half of the calls failing in 2 s,
or on half of the last 40 calls taking longer than 100 ms. It stays open for
300 ms and then sends 3 probes. With another length these times are scaled, by
0.3 to 2. The healthy upstream and the other acts stay as they are. Everything
stays on 127.0.0.1.";
