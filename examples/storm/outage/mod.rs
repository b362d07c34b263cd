//! The third act: an upstream that fails for a while, and callers that retry: not at all, blindly, and on a budget.

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

/// Plays all contenders, one after the other, in three quarters of that time; prints a table and leaves a picture.
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

/// An upstream of its own, and calls that do not wait for each other.
async fn run(contender: &Contender, script: &Script, seed: u64) -> io::Result<Record> {
    let upstream = Upstream::bind(MEANS).await?;
    // How long an attempt may take is the contender's to say.
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

/// The upstream: full, its queue takes twice as long as its clients wait.
const MEANS: Means = Means { servers: 10, service: Duration::from_millis(20), queue: 250 };
/// What it can answer in a second.
const CAPACITY: u32 = 500;
/// Calls offered in a second.
const OFFERED: u32 = 300;
/// How long an attempt may take.
const PATIENCE: Duration = Duration::from_millis(250);
/// Of one contender: time for the queue to fill, and to see whether it empties.
const SHORTEST: Duration = Duration::from_secs(3);

const EXPLAINED: &str = "\
Offered are 300 calls a second to an upstream that can answer 500: 10 at once,
20 ms each, and 250 may queue. In the outage it works as ever and then answers
with a 500. It cannot see that a client has gone; each attempt may take 250 ms,
half as long as the full queue. Bare makes one attempt; naive up to three, 50 ms
apart; budget is `Retry` as it comes: up to three, exponential backoff with full
jitter, and retries for a fifth of the calls and one a second, of which 50 can
be saved up. Half of the calls go through the tower layers, half through `call`.
Back is the time from the end of the outage until the good answers of a quarter
of a second are 95 % of what they were before; dead are the answers after the
outage that nobody waited for any more.";

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
