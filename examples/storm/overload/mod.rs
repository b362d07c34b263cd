//! The second act: ten times the load that an upstream can bear, bare and behind a rate limit and a bulkhead.

mod load;
mod report;
mod tally;
mod upstream;

use std::error::Error;
use std::time::Duration;

use load::Guard;
use tally::Tally;
use upstream::Upstream;

use crate::client::Caller;

/// Plays all sides, one after the other, in that time, and prints a table.
pub(crate) async fn play(time: Duration, seed: u64) -> Result<(), Box<dyn Error>> {
    let mut sides = Vec::new();
    for guard in Guard::ALL {
        eprintln!("overload: {guard}");
        sides.push((guard, side(guard, time / Guard::ALL.len() as u32, seed).await?));
    }
    println!("{}\n\n{EXPLAINED}", report::table(&sides));
    Ok(())
}

/// An upstream of its own, and clients that do not wait for each other.
async fn side(guard: Guard, time: Duration, seed: u64) -> Result<Tally, Box<dyn Error>> {
    let upstream = Upstream::bind(SERVERS, SERVICE).await?;
    let caller = Caller::new(upstream.address(), PATIENCE);
    let counts = upstream.counts();
    let tally = tokio::select! {
        tally = load::offer(guard, caller, time, seed) => tally,
        served = upstream.serve() => return Err(served.expect_err("it serves until it is dropped").into()),
    };
    Ok(tally.with_upstream(&counts))
}

/// The upstream: so many requests at once, each for so long. What has come is worked on in the order of coming, whether
/// its client still waits or not.
const SERVERS: usize = 4;
const SERVICE: Duration = Duration::from_millis(20);
/// What it can answer in a second.
const CAPACITY: u32 = 200;
/// Calls offered in a second.
const OFFERED: u32 = 10 * CAPACITY;
/// How long a client waits.
const PATIENCE: Duration = Duration::from_millis(200);

const EXPLAINED: &str = "\
Offered are 2000 calls a second to an upstream that answers 200: 4 at once, 20 ms
each, in the order of coming; it cannot see that a client has gone. A client waits
for 200 ms. The rate limit lets in 200 a second, the bulkhead 8 at once and 16 more
in its queue for up to 100 ms; half of the calls go through the tower layers, half
through `execute`. Good are answers in time; dead are those nobody waited for.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capacity_is_what_the_servers_can_do() {
        assert_eq!(f64::from(CAPACITY), SERVERS as f64 / SERVICE.as_secs_f64());
    }
}
