//! Recent latencies as one would write them down: a list of all of them.

use std::time::Duration;

use seawall_core::time::Instant;

pub(crate) struct Model {
    window: u64,
    /// The epoch that each call counts in, and what it took.
    calls: Vec<(u64, Duration)>,
}

impl Model {
    pub(crate) fn new(window: Duration) -> Self {
        Self { window: window.as_nanos() as u64, calls: Vec::new() }
    }

    pub(crate) fn record(&mut self, latency: Duration, now: Instant) {
        self.calls.push((self.epoch(now), latency));
    }

    pub(crate) fn recent(&self, now: Instant) -> Vec<Duration> {
        let epoch = self.epoch(now);
        let recent = self.calls.iter().filter(|(counts_in, _)| counts_in + 1 >= epoch);
        recent.map(|(_, latency)| *latency).collect()
    }

    /// The nearest rank, in whole numbers.
    pub(crate) fn quantile(&self, thousandth: u64, now: Instant) -> Option<Duration> {
        let mut recent = self.recent(now);
        recent.sort();
        let rank = (thousandth * recent.len() as u64).div_ceil(1_000).max(1);
        recent.get(rank as usize - 1).copied()
    }

    /// That of the latest time that was seen.
    fn epoch(&self, now: Instant) -> u64 {
        let seen = self.calls.iter().map(|(epoch, _)| *epoch).max();
        seen.unwrap_or(0).max(now.as_nanos() / self.window)
    }
}
