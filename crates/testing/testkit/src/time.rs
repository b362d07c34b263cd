//! Durations, and waits that must end.

use std::{future::Future, sync::mpsc, thread, time::Duration};

use seawall_core::{Backoff, Jitter};

/// The shortest duration.
pub const TICK: Duration = Duration::from_nanos(1);
/// A millisecond.
pub const MILLISECOND: Duration = Duration::from_millis(1);
/// A second.
pub const SECOND: Duration = Duration::from_secs(1);
/// An hour.
pub const HOUR: Duration = Duration::from_secs(3_600);
/// A year.
pub const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Far longer than anything in a test takes. A test that waits so long for another thread has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Returns so many milliseconds.
pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns a backoff of exactly `delay` each time.
pub fn exactly(delay: Duration) -> Backoff {
    Backoff::constant(delay).jitter(Jitter::None)
}

/// Returns the output of `future`. With paused time, a future that would wait for ever fails instead.
pub async fn some_day<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(100 * YEAR, future).await.expect("the future ends some day")
}

/// Runs `f` in a thread of its own, and waits for its end for at most [`PATIENCE`].
///
/// # Panics
///
/// If `f` panics or does not end.
pub fn in_time(f: impl FnOnce() + Send + 'static) {
    let (says, ended) = mpsc::channel();
    thread::spawn(move || {
        f();
        says.send(()).expect("the test waits for the thread");
    });
    ended.recv_timeout(PATIENCE).expect("the thread ends in time");
}
