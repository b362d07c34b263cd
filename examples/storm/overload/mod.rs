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

/// Plays all sides, one after the other, in that time; prints a table and leaves a picture.
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

/// An upstream of its own, and clients that do not wait for each other.
async fn side(guard: &Guard, time: Duration, seed: u64) -> io::Result<Tally> {
    let upstream = Upstream::bind(MEANS).await?;
    // How long a call may take is up to the clients, who wait for the guard too.
    let caller = Caller::new(upstream.address(), Duration::MAX);
    let work = upstream.work();
    let mut tally = tokio::select! {
        tally = load::offer(guard, &caller, time, seed) => tally,
        never = upstream.serve(None) => match never {},
    };
    tally.worked(&work.lock().expect("nothing panics under it"));
    Ok(tally)
}

/// The upstream: so many requests at once, each for so long, and no bound on the queue.
const SERVERS: usize = 4;
const MEANS: Means = Means { servers: SERVERS, service: Duration::from_millis(20), queue: Semaphore::MAX_PERMITS };
/// What it can answer in a second.
const CAPACITY: u32 = 200;
/// Calls offered in a second.
const OFFERED: u32 = 10 * CAPACITY;
/// How long a client waits, from when it wanted to call.
const PATIENCE: Duration = Duration::from_millis(200);

const EXPLAINED: &str = "\
Offered are 2000 calls a second to an upstream that answers 200: 4 at once, 20 ms
each, in the order of coming; it cannot see that a client has gone. A client waits
for 200 ms. The rate limit lets in 200 a second; the bulkhead 8 at once, and 16
more may queue for up to 100 ms. In the long queues 400 may, for as long as they
like, first come first served or by CoDel. Half of the calls go through the tower
layers, half through `execute`. Good are answers in time, and % is of the 200;
dead are those that nobody waited for any more, of all that reached the upstream
and that it had come to by the end.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capacity_is_what_the_servers_can_do() {
        assert_eq!(f64::from(CAPACITY), SERVERS as f64 / MEANS.service.as_secs_f64());
    }
}
