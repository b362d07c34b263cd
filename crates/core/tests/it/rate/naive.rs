//! A rate limit as one would write it down: whole numbers that do not round, and plain lists.

use seawall_core::{
    rate::{Algorithm, Quota, Reason},
    time::Instant,
};

pub(crate) struct Model {
    pub(crate) quota: Quota,
    rule: Rule,
    /// Who waits, in the order of coming: a number, and a cost.
    pub(crate) waiting: Vec<(usize, u32)>,
}

/// Times are nanoseconds. A bucket is counted in halves of them, so the quota's interval must be a power of two.
enum Rule {
    Bucket { drawn: u128 },
    Window { passed: Vec<u64> },
}

/// How a wait has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Entered(Instant),
    TooLarge,
}

impl Model {
    pub(crate) fn new(quota: Quota, algorithm: Algorithm, now: Instant) -> Self {
        let rule = match algorithm {
            Algorithm::Gcra => Rule::Bucket { drawn: produced(now) },
            _ => Rule::Window { passed: Vec::new() },
        };
        Self { quota, rule, waiting: Vec::new() }
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
        while let Some(&(number, cost)) = self.waiting.first() {
            if !self.take(cost, now) {
                break;
            }
            self.waiting.remove(0);
            ended.push((number, Ended::Entered(now)));
        }
        ended
    }

    /// At once, or why not and when. To be called after a visit.
    pub(crate) fn enter(&mut self, cost: u32, now: Instant) -> Result<(), (Reason, Option<u64>)> {
        if cost > self.most() {
            return Err((Reason::TooLarge, None));
        }
        if self.waiting.is_empty() && self.take(cost, now) {
            return Ok(());
        }
        let total = self.waiting.iter().map(|(_, cost)| u64::from(*cost)).sum::<u64>() + u64::from(cost);
        Err((Reason::Exhausted, Some(self.wait_for(total, now))))
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
        self.quota = quota;
        let next = self.permit();
        if let Rule::Bucket { drawn } = &mut self.rule {
            let taken = drawn.saturating_sub(produced(now)).min(u128::from(former.max_burst()) * permit);
            let taken = (taken * next).div_ceil(permit).min(u128::from(quota.max_burst()) * next);
            *drawn = produced(now) + taken;
        }
        let most = self.most();
        let ended = self.waiting.iter().filter(|(_, cost)| *cost > most).map(|(number, _)| (*number, Ended::TooLarge));
        let ended = ended.collect();
        self.waiting.retain(|(_, cost)| *cost <= most);
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

    fn take(&mut self, cost: u32, now: Instant) -> bool {
        if cost > self.most() || self.wait_for(cost.into(), now) > 0 {
            return false;
        }
        let permit = self.permit();
        match &mut self.rule {
            Rule::Bucket { drawn } => {
                let from = if *drawn + 2 >= produced(now) { *drawn } else { produced(now) };
                *drawn = from + u128::from(cost) * permit;
            }
            Rule::Window { passed } => passed.extend((0..cost).map(|_| now.as_nanos())),
        }
        true
    }

    /// Half nanoseconds.
    fn permit(&self) -> u128 {
        2 * self.quota.interval().as_nanos()
    }
}

fn produced(now: Instant) -> u128 {
    2 * u128::from(now.as_nanos())
}
