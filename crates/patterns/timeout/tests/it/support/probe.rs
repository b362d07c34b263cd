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

/// A clock that is set by hand, backwards too, and counts what it is asked for. It wakes nobody.
#[derive(Debug, Clone, Default)]
pub(crate) struct Probe(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    nanos: AtomicU64,
    reads: AtomicU32,
    timers: AtomicU32,
    alive: AtomicU32,
    deaf: AtomicBool,
}

/// A timer of a [`Probe`].
pub(crate) struct ProbeSleep {
    probe: Probe,
    until: Instant,
}

impl Probe {
    pub(crate) fn set(&self, nanos: u64) {
        self.0.nanos.store(nanos, Ordering::Relaxed);
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.nanos.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
    }

    /// Its timers never fire.
    pub(crate) fn deafen(&self) {
        self.0.deaf.store(true, Ordering::Relaxed);
    }

    /// How often it was read, and how many timers were made.
    pub(crate) fn asked(&self) -> (u32, u32) {
        (self.0.reads.load(Ordering::Relaxed), self.0.timers.load(Ordering::Relaxed))
    }

    /// How many timers there are.
    pub(crate) fn alive(&self) -> u32 {
        self.0.alive.load(Ordering::Relaxed)
    }

    /// The time, not counted as a read.
    fn peek(&self) -> Instant {
        Instant::from_nanos(self.0.nanos.load(Ordering::Relaxed))
    }
}

impl Clock for Probe {
    fn now(&self) -> Instant {
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        self.peek()
    }
}

impl Timer for Probe {
    type Sleep = ProbeSleep;

    fn sleep_until(&self, until: Instant) -> ProbeSleep {
        self.0.timers.fetch_add(1, Ordering::Relaxed);
        self.0.alive.fetch_add(1, Ordering::Relaxed);
        ProbeSleep { probe: self.clone(), until }
    }
}

impl Future for ProbeSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let deaf = self.probe.0.deaf.load(Ordering::Relaxed);
        if !deaf && self.probe.peek() >= self.until { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for ProbeSleep {
    fn drop(&mut self) {
        self.probe.0.alive.fetch_sub(1, Ordering::Relaxed);
    }
}
