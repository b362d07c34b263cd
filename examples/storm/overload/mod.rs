//! The second act: ten times the load that an upstream can bear, bare and behind a rate limit and a bulkhead.

mod guard;
mod load;
mod panel;
mod picture;
mod report;
mod tally;

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

use guard::Guard;
use tally::Tally;
use tokio::sync::Semaphore;

use crate::client::Caller;
use crate::upstream::{Means, Upstream};

/// Plays all sides, one after the other, in that time. Prints a table and writes a picture.
pub(crate) async fn play(time: Duration, seed: u64) -> Result<(), Box<dyn Error>> {
    let guards = Guard::all();
    let mut sides = Vec::new();
    for guard in &guards {
        let tally = side(guard, time / guards.len() as u32, seed).await?;
        eprintln!("{:10}  {tally}", guard.name());
        sides.push((guard.name(), tally));
    }
    println!("{}\n\n{EXPLAINED}", report::table(&sides));
    let path = Path::new("target/overload.svg");
    picture::draw(path, &sides)?;
    println!("\npicture: {}", path.display());
    Ok(())
}

/// Plays a side on an upstream of its own, with clients that do not wait for each other.
async fn side(guard: &Guard, time: Duration, seed: u64) -> io::Result<Tally> {
    let upstream = Upstream::bind(MEANS).await?;
    // The clients bound how long a call takes, and their time includes the wait for the guard.
    let caller = Caller::new(upstream.address(), Duration::MAX);
    let work = upstream.work();
    let mut tally = tokio::select! {
        tally = load::offer(guard, &caller, time, seed) => tally,
        never = upstream.serve(None) => match never {},
    };
    tally.worked(&work.lock().expect("nothing panics under it"));
    Ok(tally)
}

/// The upstream: a few requests at once, each for a fixed time, and a queue without a bound.
const SERVERS: usize = 4;
const MEANS: Means = Means { servers: SERVERS, service: Duration::from_millis(20), queue: Semaphore::MAX_PERMITS };
/// The calls that the upstream can answer in a second.
const CAPACITY: u32 = 200;
/// Calls offered in a second.
const OFFERED: u32 = 10 * CAPACITY;
/// How long a client waits, from when it wanted to call.
const PATIENCE: Duration = Duration::from_millis(200);

const EXPLAINED: &str = "\
An upstream answers 200 calls a second, 4 at once and 20 ms each, in the order of
arrival, and gets 2000. It cannot see that a client has gone. A client waits for
200 ms. The rate limit admits 200 calls a second. The bulkhead admits 8 at once,
and 16 more may queue for up to 100 ms. In the long queues 400 calls may wait
without end, first come first served or by CoDel. Half of the calls go through
the tower layers, half through `execute`. Good are answers in time, and % is of
the 200. Dead are answers for which no client waited any more; calls that the
upstream had not begun by the end are not among them.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capacity_is_what_the_servers_can_do() {
        assert_eq!(f64::from(CAPACITY), SERVERS as f64 / MEANS.service.as_secs_f64());
    }
}
