//! What became of the calls of one side.

use std::time::Duration;

use hdrhistogram::Histogram;
use seawall::Error;

use super::load::Ended;
use super::upstream::Counts;

pub(super) struct Tally {
    /// Until the last call had ended.
    pub(super) time: Duration,
    pub(super) good: u64,
    pub(super) failed: u64,
    pub(super) rejected: u64,
    pub(super) reached: u64,
    pub(super) dead: u64,
    /// Of the good ones, in microseconds.
    pub(super) latency: Histogram<u64>,
}

impl Tally {
    pub(super) fn new() -> Self {
        let latency = Histogram::new_with_bounds(1, 60_000_000, 3).expect("these bounds are allowed");
        Self { time: Duration::ZERO, good: 0, failed: 0, rejected: 0, reached: 0, dead: 0, latency }
    }

    pub(super) fn add(&mut self, (result, took): Ended) {
        match result {
            Ok(()) => {
                self.good += 1;
                self.latency.saturating_record(took.as_micros() as u64);
            }
            Err(Error::Inner(_)) => self.failed += 1,
            Err(Error::Rejected(_)) => self.rejected += 1,
        }
    }

    pub(super) fn with_upstream(self, counts: &Counts) -> Self {
        Self { reached: counts.reached(), dead: counts.dead(), ..self }
    }

    pub(super) fn offered(&self) -> u64 {
        self.good + self.failed + self.rejected
    }

    /// Good answers a second.
    pub(super) fn goodput(&self) -> f64 {
        self.good as f64 / self.time.as_secs_f64()
    }
}
