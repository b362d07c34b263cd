use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::time::{Clock, Instant, Timer};

/// A clock that a test sets to any time, earlier times too. It counts its reads and its timers, and wakes no task.
///
/// Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub struct ProbeClock(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    nanos: AtomicU64,
    reads: AtomicU32,
    timers: AtomicU32,
    alive: AtomicU32,
    deaf: AtomicBool,
}

/// A timer of a [`ProbeClock`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct ProbeSleep {
    clock: ProbeClock,
    until: Instant,
}

impl ProbeClock {
    /// Sets the clock to so long after its origin.
    pub fn set(&self, since_origin: Duration) {
        self.0.nanos.store(nanos(since_origin), Ordering::Relaxed);
    }

    /// Advances the clock by `by`, at most to the end of time.
    pub fn advance(&self, by: Duration) {
        let now = self.0.nanos.load(Ordering::Relaxed);
        self.0.nanos.store(now.saturating_add(nanos(by)), Ordering::Relaxed);
    }

    /// Keeps its timers from ending.
    pub fn deafen(&self) {
        self.0.deaf.store(true, Ordering::Relaxed);
    }

    /// Returns how often the clock was read, and how many timers were made.
    pub fn asked(&self) -> (u32, u32) {
        (self.0.reads.load(Ordering::Relaxed), self.0.timers.load(Ordering::Relaxed))
    }

    /// Returns how many timers are alive.
    pub fn alive(&self) -> u32 {
        self.0.alive.load(Ordering::Relaxed)
    }

    /// Returns the time, and counts no read.
    fn peek(&self) -> Instant {
        Instant::from_nanos(self.0.nanos.load(Ordering::Relaxed))
    }
}

impl Clock for ProbeClock {
    fn now(&self) -> Instant {
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        self.peek()
    }
}

impl Timer for ProbeClock {
    type Sleep = ProbeSleep;

    fn sleep_until(&self, until: Instant) -> ProbeSleep {
        self.0.timers.fetch_add(1, Ordering::Relaxed);
        self.0.alive.fetch_add(1, Ordering::Relaxed);
        ProbeSleep { clock: self.clone(), until }
    }
}

impl Future for ProbeSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let deaf = self.clock.0.deaf.load(Ordering::Relaxed);
        if !deaf && self.clock.peek() >= self.until { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for ProbeSleep {
    fn drop(&mut self) {
        self.clock.0.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
