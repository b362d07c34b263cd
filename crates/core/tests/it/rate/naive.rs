//! A rate limit as one would write it down: whole numbers that do not round, and plain lists.

use std::{mem, time::Duration};

use seawall_core::{
    rate::{Algorithm, Quota, Reason},
    time::Instant,
};

#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) quota: Quota,
    rule: Rule,
    /// Who waits, in the order of coming.
    pub(crate) waiting: Vec<Waiting>,
    /// By how much the last turn was taken late, if the bucket had run over by then.
    lag: u64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) number: usize,
    pub(crate) cost: u32,
    pub(crate) latest: Instant,
}

/// Times are nanoseconds. A bucket is counted in halves of them, so the quota's interval must be a power of two.
#[derive(Clone)]
enum Rule {
    Bucket { drawn: u128 },
    Window { passed: Vec<u64> },
}

/// How a wait has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Entered(Instant),
    TooLarge,
    TooLong,
}

impl Model {
    pub(crate) fn new(quota: Quota, algorithm: Algorithm, now: Instant) -> Self {
        let rule = match algorithm {
            Algorithm::Gcra => Rule::Bucket { drawn: produced(now) },
            _ => Rule::Window { passed: Vec::new() },
        };
        Self { quota, rule, waiting: Vec::new(), lag: 0 }
    }

    /// The most that may pass at once.
    pub(crate) fn most(&self) -> u32 {
        match self.rule {
            Rule::Bucket { .. } => self.quota.max_burst(),
            Rule::Window { .. } => self.quota.count(),
        }
    }

    /// How many could pass if nobody waited.
    pub(crate) fn available(&mut self, now: Instant) -> u32 {
        (0..=self.most()).rev().find(|&cost| self.wait_for(cost.into(), now) == 0).unwrap_or(0)
    }

    /// Lets pass whose turn has come; who that was.
    pub(crate) fn visit(&mut self, now: Instant) -> Vec<(usize, Ended)> {
        let mut ended = Vec::new();
        while let Some(&Waiting { number, cost, latest }) = self.waiting.first() {
            let how = if now >= latest && self.turn(cost) > latest.as_nanos() {
                Ended::TooLong
            } else if let Some(at) = self.take(cost, now, LATE) {
                Ended::Entered(at)
            } else {
                break;
            };
            self.waiting.remove(0);
            ended.push((number, how));
        }
        ended
    }

    /// At once, or why not and when. To be called after a visit.
    pub(crate) fn enter(&mut self, cost: u32, now: Instant) -> Result<Instant, (Reason, Option<u64>)> {
        if let (true, Rule::Bucket { drawn }) = (self.waiting.is_empty(), &self.rule) {
            if *drawn <= produced(now).saturating_sub(2 * u128::from(self.lag)) {
                self.lag = 0;
            }
        }
        if cost > self.most() {
            return Err((Reason::TooLarge, None));
        }
        if self.waiting.is_empty() {
            if let Some(at) = self.take(cost, now, self.lag) {
                return Ok(at);
            }
        }
        let total = self.waiting.iter().map(|waiting| u64::from(waiting.cost)).sum::<u64>() + u64::from(cost);
        Err((Reason::Exhausted, Some(self.wait_for(total, now))))
    }

    pub(crate) fn lag(&self) -> u64 {
        self.lag
    }

    pub(crate) fn give_back(&mut self, cost: u32, at: Instant, now: Instant) {
        let permit = self.permit();
        match &mut self.rule {
            // What has been produced since has made up for it.
            Rule::Bucket { drawn } => {
                *drawn -= (u128::from(cost) * permit).saturating_sub(produced(now).saturating_sub(produced(at)));
            }
            Rule::Window { passed } => {
                for _ in 0..cost {
                    // It may be a period ago.
                    if let Some(index) = passed.iter().position(|&passed| passed == at.as_nanos()) {
                        passed.remove(index);
                    }
                }
            }
        }
    }

    /// Who is refused by it.
    pub(crate) fn set_quota(&mut self, quota: Quota, now: Instant) -> Vec<(usize, Ended)> {
        let (permit, former) = (self.permit(), self.quota);
        (self.quota, self.lag) = (quota, 0);
        let next = self.permit();
        if let Rule::Bucket { drawn } = &mut self.rule {
            let taken = drawn.saturating_sub(produced(now)).min(u128::from(former.max_burst()) * permit);
            let taken = (taken * next).div_ceil(permit).min(u128::from(quota.max_burst()) * next);
            *drawn = produced(now) + taken;
        }
        let most = self.most();
        let (mut ended, mut ahead) = (Vec::new(), 0);
        for waiting in mem::take(&mut self.waiting) {
            let through = ahead + u64::from(waiting.cost);
            if waiting.cost > most {
                ended.push((waiting.number, Ended::TooLarge));
            } else if now + Duration::from_nanos(self.wait_for(through, now)) > waiting.latest {
                ended.push((waiting.number, Ended::TooLong));
            } else {
                ahead = through;
                self.waiting.push(waiting);
            }
        }
        ended
    }

    /// In how many nanoseconds so many can have passed, one by one.
    pub(crate) fn wait_for(&mut self, cost: u64, now: Instant) -> u64 {
        let (permit, count) = (self.permit(), self.quota.count() as usize);
        let (burst, period) = (u128::from(self.quota.max_burst()), self.quota.period().as_nanos() as u64);
        match &mut self.rule {
            Rule::Bucket { drawn } => {
                // One that became full a nanosecond ago keeps that.
                let drawn = if *drawn + 2 >= produced(now) { *drawn } else { produced(now) };
                let due = (drawn + u128::from(cost) * permit).saturating_sub(burst * permit);
                due.div_ceil(2).saturating_sub(now.as_nanos().into()) as u64
            }
            Rule::Window { passed } => {
                passed.retain(|passed| passed + period > now.as_nanos());
                let (mut passed, mut time) = (passed.clone(), now.as_nanos());
                for _ in 0..cost {
                    if passed.len() >= count {
                        time = time.max(passed[passed.len() - count] + period);
                    }
                    passed.push(time);
                }
                time - now.as_nanos()
            }
        }
    }

    /// As of when.
    fn take(&mut self, cost: u32, now: Instant, lag: u64) -> Option<Instant> {
        if cost > self.most() {
            return None;
        }
        if self.wait_for(cost.into(), now) > 0 {
            self.lag = 0;
            return None;
        }
        let (permit, burst) = (self.permit(), u128::from(self.quota.max_burst()));
        match &mut self.rule {
            Rule::Bucket { drawn } => {
                let begin = produced(now) - 2 * u128::from(lag);
                let from = if *drawn + 2 >= begin { *drawn } else { begin };
                let is_late = from + 2 < produced(now);
                *drawn = from + u128::from(cost) * permit;
                let turn = drawn.saturating_sub(burst * permit).div_ceil(2).clamp(begin / 2, now.as_nanos().into());
                let at = if is_late { Instant::from_nanos(turn as u64) } else { now };
                self.lag = now.as_nanos() - at.as_nanos();
                return Some(at);
            }
            Rule::Window { passed } => passed.extend((0..cost).map(|_| now.as_nanos())),
        }
        Some(now)
    }

    /// When the turn of the first one came or comes.
    fn turn(&self, cost: u32) -> u64 {
        let (permit, burst) = (self.permit(), u128::from(self.quota.max_burst()));
        match &self.rule {
            Rule::Bucket { drawn } => {
                (*drawn + u128::from(cost) * permit).saturating_sub(burst * permit).div_ceil(2) as u64
            }
            Rule::Window { passed } => match (passed.len() + cost as usize).checked_sub(self.quota.count() as usize) {
                None | Some(0) => 0,
                Some(leaving) => passed[leaving - 1] + self.quota.period().as_nanos() as u64,
            },
        }
    }

    /// Half nanoseconds.
    fn permit(&self) -> u128 {
        2 * self.quota.interval().as_nanos()
    }
}

/// What may be made up for.
const LATE: u64 = 20_000_000;

fn produced(now: Instant) -> u128 {
    2 * u128::from(now.as_nanos())
}
