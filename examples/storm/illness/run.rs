//! One run: an upstream, a client, and the breaker between them or not.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::task::JoinSet;
use tower::ServiceExt;

use super::guarded;
use super::progress::Progress;
use super::record::{Record, Recorder};
use super::script::{Script, WORKERS};
use super::upstream;
use super::work::{Turns, work};
use crate::client::Caller;
use crate::server::Server;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Bare,
    Breaker,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bare => "bare",
            Self::Breaker => "breaker",
        })
    }
}

/// Plays the script once, on an upstream and connections of its own.
pub(super) async fn run(side: Side, script: &Arc<Script>, seed: u64) -> io::Result<Record> {
    let pace = script.pace();
    let server = Server::bind().await?;
    let caller = Caller::new(server.address(), pace.timeout);
    let recorder = Recorder::start(Arc::clone(script));
    let mut progress = Progress::new(side, script);

    let workers = hire(side, script, &caller, &recorder, seed);
    tokio::select! {
        _ = workers.join_all() => {}
        never = upstream::serve(server, Arc::clone(script), recorder.clone(), seed) => match never {},
        never = progress.follow(&recorder) => match never {},
    }
    let record = recorder.snapshot();
    progress.finish(&record);
    Ok(record)
}

fn hire(side: Side, script: &Script, caller: &Caller, recorder: &Recorder, seed: u64) -> JoinSet<()> {
    let (period, start) = (script.pace().period, recorder.started());
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut workers = JoinSet::new();
    // Idle in the bare run.
    let breaker = guarded::breaker(script.pace(), recorder.clone());
    for number in 0..WORKERS {
        let turns = Turns { first: start + period.mul_f64(dice.f64()), last: start + script.length(), period };
        let (caller, recorder) = (caller.clone(), recorder.clone());
        match side {
            Side::Bare => workers.spawn(work(turns, recorder, move || {
                let caller = caller.clone();
                async move { caller.call().await }
            })),
            // Half of the workers each: two ways in, one breaker.
            Side::Breaker if number % 2 == 0 => {
                let service = guarded::layered(&breaker, caller);
                workers.spawn(work(turns, recorder, move || service.clone().oneshot(())))
            }
            Side::Breaker => {
                let breaker = breaker.clone();
                workers.spawn(work(turns, recorder, move || guarded::executed(breaker.clone(), caller.clone())))
            }
        };
    }
    workers
}
