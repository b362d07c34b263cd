//! The third act: an upstream with an outage, and callers without retries, with naive retries, and with a budget.

mod contender;
mod load;
mod panel;
mod picture;
mod record;
mod report;
mod script;

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

use contender::Contender;
use record::Record;
use script::Script;
use tokio::time::Instant;

use crate::client::Caller;
use crate::upstream::{Means, Upstream};

/// Plays all contenders, one after the other, in three quarters of that time. Prints a table and writes a picture.
pub(crate) async fn play(time: Duration, seed: u64) -> Result<(), Box<dyn Error>> {
    let script = Script::new((time / 4).max(SHORTEST));
    let mut runs = Vec::new();
    for contender in Contender::all(seed) {
        let record = run(&contender, &script, seed).await?;
        eprintln!("{:10}  {record}", contender.name());
        runs.push((contender.name(), record));
    }
    println!("{}\n\n{EXPLAINED}", report::table(&runs));
    let path = Path::new("target/outage.svg");
    picture::draw(path, &runs)?;
    println!("\npicture: {}", path.display());
    Ok(())
}

/// Plays a contender on an upstream of its own, with calls that do not wait for each other.
async fn run(contender: &Contender, script: &Script, seed: u64) -> io::Result<Record> {
    let upstream = Upstream::bind(MEANS).await?;
    // The contender bounds how long an attempt takes.
    let caller = Caller::new(upstream.address(), Duration::MAX);
    let work = upstream.work();
    let begun = Instant::now();
    let sick = begun + script.outage.start..begun + script.outage.end;
    let mut record = tokio::select! {
        record = load::offer(contender, &caller, script, begun, seed) => record,
        never = upstream.serve(Some(sick)) => match never {},
    };
    record.worked(&work.lock().expect("nothing panics under it"), begun);
    Ok(record)
}

/// The upstream. Its full queue takes twice as long as its clients wait.
const MEANS: Means = Means { servers: 10, service: Duration::from_millis(20), queue: 250 };
/// The calls that the upstream can answer in a second.
const CAPACITY: u32 = 500;
/// Calls offered in a second.
const OFFERED: u32 = 300;
/// How long an attempt may take.
const PATIENCE: Duration = Duration::from_millis(250);
/// The shortest run of a contender: time for the queue to fill, and to empty.
const SHORTEST: Duration = Duration::from_secs(3);

const EXPLAINED: &str = "\
An upstream can answer 500 calls a second, 10 at once and 20 ms each, and gets
300; 250 may queue. In the outage it works as before and then answers with a 500.
It cannot see that a client has gone. Each attempt may take 250 ms, half as long
as the full queue. Bare makes one attempt, naive makes up to three, 50 ms apart.
Budget is `Retry` with its defaults: up to three attempts, exponential backoff
with full jitter, and retries for a fifth of the calls and one a second, of which
50 can be saved. Half of the calls go through the tower layers, half through
`call`. Back is the time from the end of the outage until the good answers of a
quarter of a second are 95 % of their rate before. Dead are the answers after the
outage for which no client waited any more.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capacity_is_what_the_servers_can_do() {
        assert_eq!(f64::from(CAPACITY), MEANS.servers as f64 / MEANS.service.as_secs_f64());
    }

    #[test]
    fn only_all_attempts_of_all_calls_are_more_than_the_upstream_can_do() {
        assert!(f64::from(OFFERED) * 1.3 < f64::from(CAPACITY) && CAPACITY < 3 * OFFERED);
        assert!(f64::from(CAPACITY) * PATIENCE.as_secs_f64() < MEANS.queue as f64);
    }
}
