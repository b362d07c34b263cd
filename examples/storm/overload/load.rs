//! Calls that begin by the clock, whatever the answers.

use std::time::Duration;

use seawall::Error;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};
use tower::ServiceExt;

use super::guard::Guard;
use super::tally::Tally;
use super::{OFFERED, PATIENCE};
use crate::client::{Caller, Fault};

/// An ended call.
pub(super) struct Ended {
    /// When the call was due. It may have begun later, which is not the client's fault.
    pub(super) due: Instant,
    pub(super) at: Instant,
    pub(super) ending: Ending,
}

pub(super) enum Ending {
    Good,
    Failed,
    Rejected,
}

/// Offers calls for that long, and waits for the last call.
pub(super) async fn offer(guard: &Guard, caller: &Caller, time: Duration, seed: u64) -> Tally {
    let service = guard.layered(caller.clone());
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut calls = JoinSet::new();
    let begun = Instant::now();
    let mut tally = Tally::new(begun, time);
    let mut due = begun;
    loop {
        // Independent clients: the time to the next call is exponential.
        due += Duration::from_secs_f64(-(1.0 - dice.f64()).ln() / f64::from(OFFERED));
        if due >= begun + time {
            break;
        }
        // Returns at once for a late call, and so makes up for lost time.
        time::sleep_until(due).await;
        if dice.bool() {
            calls.spawn(wait(due, service.clone().oneshot(())));
        } else {
            let (guard, caller) = (guard.clone(), caller.clone());
            calls.spawn(wait(due, async move { guard.executed(&caller).await }));
        }
        while let Some(ended) = calls.try_join_next() {
            tally.add(ended.expect("no call panics"));
        }
    }
    while let Some(ended) = calls.join_next().await {
        tally.add(ended.expect("no call panics"));
    }
    tally
}

/// Makes one call, for a client that gives up after `PATIENCE`.
async fn wait(due: Instant, call: impl Future<Output = Result<(), Error<Fault>>>) -> Ended {
    let result = time::timeout_at(due + PATIENCE, call).await;
    let at = Instant::now();
    let ending = match result {
        Ok(Err(Error::Rejected(_))) => Ending::Rejected,
        // On a busy machine both may be ready at once.
        Ok(Ok(())) if at <= due + PATIENCE => Ending::Good,
        _ => Ending::Failed,
    };
    Ended { due, at, ending }
}
