//! The times of the script.

use std::ops::Range;
use std::time::Duration;

/// Healthy, an outage, and healthy to the end.
#[derive(Clone)]
pub(super) struct Script {
    pub(super) outage: Range<Duration>,
    pub(super) end: Duration,
}

impl Script {
    pub(super) fn new(end: Duration) -> Self {
        Self { outage: end.mul_f64(HEALTHY)..end.mul_f64(HEALTHY + OUTAGE), end }
    }

    /// The time before the outage, without the first moments, in which connections are made.
    pub(super) fn before(&self) -> Range<Duration> {
        self.outage.start / 4..self.outage.start
    }

    /// The last of the time after the outage.
    pub(super) fn at_the_end(&self) -> Range<Duration> {
        self.outage.end + (self.end - self.outage.end) / 2..self.end
    }
}

const HEALTHY: f64 = 0.15;
const OUTAGE: f64 = 0.45;
