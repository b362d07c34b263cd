use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use seawall_core::time::{Clock, Instant, Timer};

/// A manual clock that wakes a sleeper only when its sleep is over, and whose sleeps end late.
///
/// `ManualClock` wakes all sleepers with each step, so a caller that forgot its timer would not be noticed.
#[derive(Debug, Clone)]
pub(crate) struct LateClock(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    nanos: AtomicU64,
    sleepers: Mutex<Vec<(u64, Waker)>>,
    late: Late,
    seed: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Late {
    Never,
    /// At the next whole millisecond, as tokio's timers do.
    Ticks,
    /// By a different time each, up to a millisecond.
    ByLuck,
}

#[derive(Debug)]
pub(crate) struct LateSleep {
    clock: LateClock,
    until: u64,
}

impl LateClock {
    pub(crate) fn new(late: Late) -> Self {
        Self(Arc::new(Shared { nanos: AtomicU64::new(0), sleepers: Mutex::default(), late, seed: AtomicU64::new(7) }))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let now = self.0.nanos.fetch_add(by.as_nanos() as u64, Ordering::Relaxed) + by.as_nanos() as u64;
        let over: Vec<Waker> = {
            let mut sleepers = self.0.sleepers.lock().unwrap();
            let over = sleepers.iter().filter(|(until, _)| *until <= now).map(|(_, waker)| waker.clone()).collect();
            sleepers.retain(|(until, _)| *until > now);
            over
        };
        over.into_iter().for_each(Waker::wake);
    }
}

impl Clock for LateClock {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.nanos.load(Ordering::Relaxed))
    }
}

impl Timer for LateClock {
    type Sleep = LateSleep;

    fn sleep_until(&self, deadline: Instant) -> LateSleep {
        let nanos = deadline.as_nanos();
        let late = match self.0.late {
            Late::Never => 0,
            Late::Ticks => nanos.next_multiple_of(TICK) - nanos,
            Late::ByLuck => self.0.seed.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed) % (TICK + 1),
        };
        LateSleep { clock: self.clone(), until: nanos + late }
    }
}

impl Future for LateSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.clock.now().as_nanos() >= self.until {
            return Poll::Ready(());
        }
        self.clock.0.sleepers.lock().unwrap().push((self.until, cx.waker().clone()));
        Poll::Pending
    }
}

pub(crate) const TICK: u64 = 1_000_000;
