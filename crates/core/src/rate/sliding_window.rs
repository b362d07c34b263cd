use std::collections::VecDeque;

use super::Quota;
use crate::time::Instant;

/// At most `count` calls in any `period`, exactly: it remembers when each of them passed.
///
/// The quota's burst is not used: all of a period's calls may come at once. Memory is 8 bytes for each call of a period,
/// taken when it is built. It lies under a lock, as a cost above one takes several places at once, and they must be seen
/// together; what happens under it takes constant time, but for the forgetting of calls that are a period old, which is
/// constant for each of them.
#[derive(Debug)]
pub(super) struct SlidingWindow {
    count: u32,
    period: u64,
    /// When calls passed, in nanoseconds, in the order of time; none that is a period old, and not more than `count`,
    /// unless that was lowered since.
    passed: VecDeque<u64>,
    /// Who passed earlier may be forgotten.
    since: u64,
}

impl SlidingWindow {
    /// # Panics
    ///
    /// If the quota's count is above `MAX_COUNT`.
    #[track_caller]
    pub(super) fn new(quota: &Quota) -> Self {
        let mut window = Self { count: 0, period: 0, passed: VecDeque::new(), since: 0 };
        window.set_quota(quota);
        window
    }

    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[track_caller]
    pub(super) fn check(quota: &Quota) {
        let count = quota.count();
        assert!(count <= MAX_COUNT, "count of a sliding window is {count}; it must be from 1 to {MAX_COUNT}");
    }

    #[track_caller]
    pub(super) fn set_quota(&mut self, quota: &Quota) {
        Self::check(quota);
        (self.count, self.period) = (quota.count(), quota.period_nanos());
        self.passed.reserve((quota.count() as usize).saturating_sub(self.passed.len()));
    }

    /// Lets `cost` calls pass, which are at most `count`; if they cannot, in how many nanoseconds they can.
    pub(super) fn take(&mut self, cost: u32, now: Instant) -> Result<(), u64> {
        match self.wait_for(cost.into(), now) {
            0 => {
                let latest = self.look(now);
                self.passed.extend((0..cost).map(|_| latest));
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// In how many nanoseconds `cost` calls, of any number, can have passed, if they pass one by one.
    pub(super) fn wait_for(&mut self, cost: u64, now: Instant) -> u64 {
        let latest = self.look(now);
        // With none, only a cost of 0 is asked for.
        let count = u64::from(self.count.max(1));
        // As many as a period holds can pass when the same number of those before have left; and so on.
        let (rounds, last) = match cost.checked_sub(1) {
            Some(before) => (before / count, before % count + 1),
            None => return 0,
        };
        let leaving = (self.passed.len() as u64 + last).saturating_sub(count);
        let first_round = match leaving.checked_sub(1) {
            // None of them is later than `latest`, or a period earlier.
            Some(index) => self.period - (latest - self.passed[index as usize]) + (latest - now.as_nanos()),
            None => 0,
        };
        first_round.saturating_add(rounds.saturating_mul(self.period))
    }

    /// When the turn of a caller that waits for `cost` calls came, or will come, as far as is known.
    pub(super) fn turn(&self, cost: u32) -> Instant {
        let leaving = (self.passed.len() + cost as usize).saturating_sub(self.count as usize);
        let last = leaving.checked_sub(1).and_then(|index| self.passed.get(index));
        last.map_or(Instant::ORIGIN, |passed| Instant::from_nanos(passed.saturating_add(self.period)))
    }

    /// How many could pass.
    pub(super) fn available(&mut self, now: Instant) -> u32 {
        self.look(now);
        self.count.saturating_sub(self.passed.len() as u32)
    }

    /// Forgets `cost` calls that passed at `at` and were not made; none, if they may be forgotten already. They are noted
    /// as of then, or a little later if others had later readings of the clock.
    pub(super) fn refund(&mut self, cost: u32, at: Instant) {
        if at.as_nanos() >= self.since {
            let begin = self.passed.partition_point(|&passed| passed < at.as_nanos());
            let end = (begin + cost as usize).min(self.passed.len());
            self.passed.drain(begin..end);
        }
    }

    /// Forgets who passed a period ago. Returns the time that it is: that of `now`, or of the latest call.
    fn look(&mut self, now: Instant) -> u64 {
        let now = now.as_nanos();
        let latest = match self.passed.back() {
            // Not yet a step back: whoever reads the clock may be put to sleep before it comes here, and to count the
            // others as of its time would let them leave the window too early.
            Some(&last) if last.saturating_sub(now) <= ASLEEP => last.max(now),
            // What seems to come from the future counts as of now, or it would stay for longer than a period.
            _ => now,
        };
        for passed in self.passed.iter_mut().rev().take_while(|passed| **passed > latest) {
            *passed = latest;
        }
        while let Some(passed) = self.passed.front().copied().filter(|passed| latest - passed >= self.period) {
            self.passed.pop_front();
            self.since = passed + 1;
        }
        if self.since.saturating_sub(latest) > ASLEEP {
            // It is a step back, and not a late reading: what was forgotten may come again as of now.
            self.since = latest;
        }
        latest
    }
}

/// 128 MiB of them.
const MAX_COUNT: u32 = 1 << 24;

/// A second: see [`SKEW`](super::bucket::SKEW).
const ASLEEP: u64 = 1_000_000_000;
