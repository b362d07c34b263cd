//! The workers that call, and when.

use std::time::Duration;

use tokio::time::{self, Instant, MissedTickBehavior};

use super::record::{Ending, Recorder};

/// When one worker calls: every `period` from `first` on, until `last`.
#[derive(Clone, Copy)]
pub(super) struct Turns {
    pub(super) first: Instant,
    pub(super) last: Instant,
    pub(super) period: Duration,
}

/// Takes its turns in order. A turn is missed if the previous call is still in flight, and is not made up for, so that the
/// concurrency stays bounded.
pub(super) async fn work<F, C, E>(turns: Turns, recorder: Recorder, mut call: F)
where
    F: FnMut() -> C,
    C: Future<Output = Result<(), E>>,
    Ending: From<Result<(), E>>,
{
    let mut ticks = time::interval_at(turns.first, turns.period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut expected = turns.first;
    loop {
        let turn = ticks.tick().await.min(turns.last);
        recorder.missed((turn - expected).as_nanos().div_ceil(turns.period.as_nanos()) as u64);
        if turn >= turns.last {
            return;
        }
        expected = turn + turns.period;
        let begun = Instant::now();
        let ending = call().await.into();
        recorder.ended(begun, ending);
    }
}
