//! Calls that come at an even pace, each cut off at the limit of when it began, in virtual time.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use seawall_core::{
    latency::{Adaptive, LatencyLimit},
    time::Instant,
};

pub(crate) struct Simulation {
    pub(crate) limit: LatencyLimit,
    /// As nobody should do it: what is cut off is not recorded.
    pub(crate) leaves_out: bool,
    now: u64,
    every: u64,
    /// When it ends, and what it took then.
    in_flight: BinaryHeap<Reverse<(u64, u64)>>,
}

/// What happened in a stretch of time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) calls: u64,
    pub(crate) cut_off: u64,
    /// Of those that were made.
    pub(crate) shortest_limit: Duration,
    pub(crate) longest_limit: Duration,
}

impl Simulation {
    /// A call `every` so often.
    pub(crate) fn new(config: Adaptive, every: Duration) -> Self {
        let limit = LatencyLimit::new(config);
        let every = every.as_nanos() as u64;
        Self { limit, leaves_out: false, now: 1 << 60, every, in_flight: BinaryHeap::new() }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_nanos(self.now)
    }

    /// Goes on for so long, with a callee that takes so long for each call.
    pub(crate) fn run(&mut self, length: Duration, mut callee: impl FnMut() -> Duration) -> Seen {
        let end = self.now + length.as_nanos() as u64;
        let mut seen = Seen { shortest_limit: Duration::MAX, ..Seen::default() };
        while self.now < end {
            self.end_calls();
            let (limit, takes) = (self.limit.limit(self.now()), callee());
            let ran = limit.min(takes).as_nanos() as u64;
            if takes <= limit || !self.leaves_out {
                self.in_flight.push(Reverse((self.now + ran, ran)));
            }
            seen.calls += 1;
            seen.cut_off += u64::from(takes > limit);
            seen.shortest_limit = seen.shortest_limit.min(limit);
            seen.longest_limit = seen.longest_limit.max(limit);
            self.now += self.every;
        }
        seen
    }

    fn end_calls(&mut self) {
        while let Some(&Reverse((at, ran))) = self.in_flight.peek() {
            if at > self.now {
                break;
            }
            self.in_flight.pop();
            self.limit.record(Duration::from_nanos(ran), Instant::from_nanos(at));
        }
    }
}

impl Seen {
    pub(crate) fn share_cut_off(&self) -> f64 {
        self.cut_off as f64 / self.calls as f64
    }
}
