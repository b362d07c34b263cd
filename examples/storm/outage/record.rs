//! How the calls of a contender ended, and what the upstream saw of them.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

use super::script::Script;
use crate::upstream::Work;

/// The times of events, from the beginning of the run.
pub(super) struct Record {
    pub(super) script: Script,
    pub(super) made: Vec<Duration>,
    pub(super) good: Vec<Duration>,
    pub(super) failed: Vec<Duration>,
    /// Attempts that came to the upstream.
    pub(super) reached: Vec<Duration>,
    /// Answers for which no client waited.
    pub(super) dead: Vec<Duration>,
}

impl Record {
    pub(super) fn new(script: Script) -> Self {
        let [made, good, failed, reached, dead] = [const { Vec::new() }; 5];
        Self { script, made, good, failed, reached, dead }
    }

    pub(super) fn ended(&mut self, is_good: bool, at: Duration) {
        if is_good { self.good.push(at) } else { self.failed.push(at) }
    }

    pub(super) fn worked(&mut self, work: &Work, begun: Instant) {
        let since = |times: &[Instant]| times.iter().map(|&at| at - begun).collect();
        (self.reached, self.dead) = (since(&work.came), since(&work.dead));
    }

    /// Calls that began in the outage, and attempts that reached the upstream during the outage.
    pub(super) fn outage(&self) -> (usize, usize) {
        (count(&self.made, &self.script.outage), count(&self.reached, &self.script.outage))
    }

    /// Attempts for each call, in the outage.
    pub(super) fn amplification(&self) -> f64 {
        let (calls, attempts) = self.outage();
        attempts as f64 / calls as f64
    }

    /// Good answers a second.
    pub(super) fn goodput(&self, within: Range<Duration>) -> f64 {
        count(&self.good, &within) as f64 / (within.end - within.start).as_secs_f64()
    }

    /// How long after the outage the goodput was back: from then on, a `WHILE` has as many answers as before.
    pub(super) fn back(&self) -> Option<Duration> {
        let enough = BACK * self.goodput(self.script.before());
        let is_back = |&at: &Duration| {
            at >= self.script.outage.end && at + WHILE <= self.script.end && self.goodput(at..at + WHILE) >= enough
        };
        self.good.iter().copied().filter(is_back).min().map(|at| at - self.script.outage.end)
    }

    pub(super) fn dead_after_outage(&self) -> usize {
        count(&self.dead, &(self.script.outage.end..self.script.end))
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { made, good, failed, reached, dead, .. } = self;
        let [made, good, failed, reached, dead] = [made, good, failed, reached, dead].map(Vec::len);
        write!(f, "calls {made:5}  good {good:5}  failed {failed:5}  reached {reached:5}  dead {dead:5}")
    }
}

fn count(times: &[Duration], within: &Range<Duration>) -> usize {
    times.iter().filter(|at| within.contains(at)).count()
}

const BACK: f64 = 0.95;
/// Some 75 calls.
const WHILE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn every_ten(from: u64, until: u64) -> impl Iterator<Item = Duration> {
        (from..until).step_by(10).map(ms)
    }

    #[test]
    fn goodput_is_back_when_it_stays_for_a_while() {
        let mut record = Record::new(Script { outage: ms(400)..ms(1_000), end: ms(2_000) });
        record.good.extend(every_ten(0, 400));
        assert_eq!(record.goodput(ms(100)..ms(400)), 100.0);
        assert_eq!(record.back(), None);
        // Too few in a `WHILE`.
        record.good.extend(every_ten(1_100, 1_150));
        assert_eq!(record.back(), None);
        record.good.extend(every_ten(1_200, 1_500));
        assert_eq!(record.back(), Some(ms(200)));
    }

    #[test]
    fn the_end_of_the_run_is_not_taken_for_a_while() {
        let mut record = Record::new(Script { outage: ms(400)..ms(1_000), end: ms(2_000) });
        record.good.extend(every_ten(0, 400).chain(every_ten(1_800, 2_000)));
        assert_eq!(record.back(), None);
    }

    #[test]
    fn amplification_is_of_the_outage() {
        let mut record = Record::new(Script { outage: ms(400)..ms(1_000), end: ms(2_000) });
        record.made = vec![ms(399), ms(400), ms(999), ms(1_000)];
        record.reached = vec![ms(399), ms(401), ms(500), ms(600), ms(999), ms(1_000)];
        assert_eq!((record.outage(), record.amplification()), ((2, 4), 2.0));
    }
}
