//! Calls that begin by the clock, whatever the answers.

use tokio::task::JoinSet;
use tokio::time::{self, Instant};
use tower::ServiceExt;

use super::OFFERED;
use super::contender::Contender;
use super::record::Record;
use super::script::Script;
use crate::client::Caller;

/// Offers calls until the end. Calls in flight are then dropped.
pub(super) async fn offer(
    contender: &Contender,
    caller: &Caller,
    script: &Script,
    begun: Instant,
    seed: u64,
) -> Record {
    let service = contender.layered(caller.clone());
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut record = Record::new(script.clone());
    let mut calls = JoinSet::new();
    for number in 0..(script.end.as_secs_f64() * f64::from(OFFERED)) as u32 {
        // One call in each turn, at a random time in the turn: uneven load, with the same rate over any stretch of time.
        // Otherwise chance would decide when the goodput is back at 95 %.
        let due = (f64::from(number) + dice.f64()) / f64::from(OFFERED);
        // Returns at once for a late call, and so makes up for lost time.
        time::sleep_until(begun + time::Duration::from_secs_f64(due)).await;
        record.made.push(begun.elapsed());
        if dice.bool() {
            let call = service.clone().oneshot(());
            calls.spawn(async move { (call.await.is_ok(), begun.elapsed()) });
        } else {
            let (contender, caller) = (contender.clone(), caller.clone());
            calls.spawn(async move { (contender.called(&caller).await.is_ok(), begun.elapsed()) });
        }
        while let Some(ended) = calls.try_join_next() {
            let (is_good, at) = ended.expect("no call panics");
            record.ended(is_good, at);
        }
    }
    record
}
