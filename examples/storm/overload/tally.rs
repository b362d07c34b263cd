//! How the calls of one side ended.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::CAPACITY;
use super::load::{Ended, Ending};
use crate::upstream::Work;

pub(super) struct Tally {
    begun: Instant,
    /// How long calls were offered.
    pub(super) time: Duration,
    /// Parts of that time, of equal width. Later calls are in no part.
    pub(super) slices: Vec<Slice>,
    pub(super) good: u64,
    pub(super) failed: u64,
    pub(super) rejected: u64,
    pub(super) reached: u64,
    pub(super) dead: u64,
    /// Of the good calls, in nanoseconds from the time at which each was due.
    pub(super) latency: Histogram<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) good: u64,
    pub(super) dead: u64,
}

impl Tally {
    pub(super) fn new(begun: Instant, time: Duration) -> Self {
        let slices = (time.as_nanos() / SLICE.as_nanos()).clamp(1, MOST_SLICES) as usize;
        Self {
            begun,
            time,
            slices: vec![Slice::default(); slices],
            good: 0,
            failed: 0,
            rejected: 0,
            reached: 0,
            dead: 0,
            latency: Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are in order"),
        }
    }

    pub(super) fn add(&mut self, Ended { due, at, ending }: Ended) {
        match ending {
            Ending::Good => {
                self.good += 1;
                self.latency.saturating_record((at - due).as_nanos() as u64);
                self.count(at, |slice| slice.good += 1);
            }
            Ending::Failed => self.failed += 1,
            Ending::Rejected => self.rejected += 1,
        }
    }

    pub(super) fn worked(&mut self, work: &Work) {
        self.reached = work.came.len() as u64;
        self.dead = work.dead.len() as u64;
        for &at in &work.dead {
            self.count(at, |slice| slice.dead += 1);
        }
    }

    pub(super) fn offered(&self) -> u64 {
        self.good + self.failed + self.rejected
    }

    /// Good answers a second, while calls were offered.
    pub(super) fn goodput(&self) -> f64 {
        self.slices.iter().map(|slice| slice.good).sum::<u64>() as f64 / self.time.as_secs_f64()
    }

    pub(super) fn percent_of_capacity(&self) -> f64 {
        100.0 * self.goodput() / f64::from(CAPACITY)
    }

    fn count(&mut self, at: Instant, add: impl Fn(&mut Slice)) {
        let number = (at - self.begun).as_secs_f64() / self.time.as_secs_f64() * self.slices.len() as f64;
        if let Some(slice) = self.slices.get_mut(number as usize) {
            add(slice);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { good, failed, rejected, reached, dead, .. } = self;
        write!(f, "good {good:5}  failed {failed:5}  rejected {rejected:5}  reached {reached:5}  dead {dead:4}")
    }
}

/// Some twenty answers in each slice, because the picture would show single answers otherwise.
const SLICE: Duration = Duration::from_millis(100);
const MOST_SLICES: u128 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goodput_is_what_came_while_calls_were_offered() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let mut tally = Tally::new(begun, Duration::from_millis(500));
        for (due, ended) in [(0, 30), (60, 110), (450, 499), (460, 510)] {
            tally.add(Ended { due: at(due), at: at(ended), ending: Ending::Good });
        }
        tally.add(Ended { due: at(10), at: at(210), ending: Ending::Failed });
        tally.worked(&Work { came: vec![begun; 5], dead: vec![at(220), at(600)] });

        assert_eq!((tally.offered(), tally.good, tally.dead, tally.reached), (5, 4, 2, 5));
        let slice = |good, dead| Slice { good, dead };
        assert_eq!(tally.slices, [slice(1, 0), slice(1, 0), slice(0, 1), slice(0, 0), slice(1, 0)]);
        assert_eq!(tally.goodput(), 6.0);
        assert_eq!(tally.percent_of_capacity(), 3.0);
    }
}
