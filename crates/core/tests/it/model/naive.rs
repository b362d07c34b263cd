//! A circuit breaker as one would explain it: every call is remembered, and all is counted anew each time.

use seawall_core::{
    Outcome,
    breaker::{Change, Counts, Reading, State, Trigger, Why},
};

use crate::model::script::{Force, Look, Rule, Rules, What};

pub(crate) struct Model {
    pub(crate) rules: Rules,
    pub(crate) generation: u32,
    pub(crate) since: u64,
    pub(crate) refused: u64,
    pub(crate) stale: u64,
    state: Now,
    calls: Vec<Call>,
    /// Calls recorded in this generation: when, failed, how long.
    recorded: Vec<(u64, bool, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Now {
    Closed,
    Open { since: u64, level: u32 },
    HalfOpen { level: u32, ended: [u32; 2], let_in: u64 },
    ForcedOpen,
    ForcedClosed,
    MetricsOnly { told: bool },
}

#[derive(Debug, Clone, Copy)]
struct Call {
    generation: u32,
    started: u64,
    ended: bool,
}

/// A change, as far as a model can know it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Told {
    Changed { generation: u32, from: State, to: State, at: u64, until: Option<u64>, why: Why },
    WouldOpen(Trigger),
}

impl From<Change> for Told {
    fn from(change: Change) -> Self {
        Self::Changed {
            generation: change.generation(),
            from: change.from(),
            to: change.to(),
            at: change.at().as_nanos(),
            until: change.until().map(|until| until.as_nanos()),
            why: change.why(),
        }
    }
}

impl Model {
    pub(crate) fn new(rules: Rules) -> Self {
        let (calls, recorded) = (Vec::new(), Vec::new());
        Self { rules, generation: 0, since: 0, refused: 0, stale: 0, state: Now::Closed, calls, recorded }
    }

    pub(crate) fn enter(&mut self, now: u64) -> Result<(usize, Option<Told>), u64> {
        let mut told = None;
        if let Some(until) = self.refused_until(now) {
            self.refused += 1;
            return Err(until);
        }
        match self.state {
            Now::Open { level, .. } => {
                let next = Now::HalfOpen { level, ended: [0, 0], let_in: now };
                told = Some(self.go(next, now, Why::OpenPeriodOver));
            }
            Now::HalfOpen { level, ended, .. } => {
                if self.places_taken() {
                    let next = Now::HalfOpen { level, ended, let_in: now };
                    told = Some(self.go(next, now, Why::LeaseExpired));
                }
                self.state = Now::HalfOpen { level, ended, let_in: now };
            }
            _ => {}
        }
        self.calls.push(Call { generation: self.generation, started: now, ended: false });
        Ok((self.calls.len() - 1, told))
    }

    pub(crate) fn exit(&mut self, call: usize, outcome: Outcome, now: u64) -> Option<Told> {
        let Call { generation, started, .. } = self.calls[call];
        self.calls[call].ended = true;
        if generation != self.generation {
            self.stale += 1;
            return None;
        }
        let elapsed = now - started;
        match (self.state, outcome) {
            (Now::ForcedClosed, _) | (_, Outcome::Ignored) => None,
            (Now::Closed, _) => {
                self.recorded.push((now, outcome == Outcome::Failure, elapsed));
                let (trigger, _) = self.tripped(now)?;
                let opened = Now::Open { since: now, level: 0 };
                Some(self.go(opened, now, Why::Tripped(trigger)))
            }
            (Now::MetricsOnly { told }, _) => {
                self.recorded.push((now, outcome == Outcome::Failure, elapsed));
                let (trigger, _) = self.tripped(now)?;
                self.state = Now::MetricsOnly { told: true };
                (!told).then_some(Told::WouldOpen(trigger))
            }
            (Now::HalfOpen { level, ended, let_in }, _) => {
                self.probe_ended(level, ended, let_in, outcome, elapsed, now)
            }
            (Now::Open { .. } | Now::ForcedOpen, _) => unreachable!("nothing is let in there"),
        }
    }

    pub(crate) fn abandon(&mut self, call: usize, now: u64) -> Option<Told> {
        let ran = u128::from(now - self.calls[call].started);
        let outcome = match self.rules.abandoned_after {
            Some(limit) if ran >= limit.as_nanos() => Outcome::Failure,
            _ => self.rules.abandoned,
        };
        self.exit(call, outcome, now)
    }

    pub(crate) fn force(&mut self, to: Force, now: u64) -> Option<Told> {
        let next = match (to, self.state) {
            (Force::Open, Now::ForcedOpen)
            | (Force::Closed, Now::ForcedClosed)
            | (Force::Metrics, Now::MetricsOnly { .. }) => return None,
            (Force::Open, _) => Now::ForcedOpen,
            (Force::Closed, _) => Now::ForcedClosed,
            (Force::Metrics, _) => Now::MetricsOnly { told: false },
            (Force::Reset, _) => Now::Closed,
        };
        Some(self.go(next, now, Why::Manual))
    }

    pub(crate) fn state(&self, now: u64) -> State {
        match self.state {
            Now::Open { .. } if self.refused_until(now).is_none() => State::HalfOpen,
            state => state.name(),
        }
    }

    pub(crate) fn refuses(&self, now: u64) -> bool {
        self.refused_until(now).is_some()
    }

    pub(crate) fn refusing_state(&self) -> Option<State> {
        Some(self.state.name())
    }

    pub(crate) fn undecided(&self) -> usize {
        let probing = matches!(self.state, Now::HalfOpen { .. });
        self.calls.iter().filter(|call| probing && !call.ended && call.generation == self.generation).count()
    }

    pub(crate) fn readings(&self, now: u64) -> Vec<Reading> {
        self.rules.trips.iter().filter_map(|rule| self.reading(rule, now)).collect()
    }

    fn refused_until(&self, now: u64) -> Option<u64> {
        let until = match self.state {
            Now::Closed | Now::ForcedClosed | Now::MetricsOnly { .. } => return None,
            Now::ForcedOpen => return Some(u64::MAX),
            Now::Open { since, level } => plus(since, self.rules.open_for.delay(level.min(63)).as_nanos()),
            Now::HalfOpen { let_in, .. } if self.places_taken() => plus(let_in, self.rules.lease.as_nanos()),
            Now::HalfOpen { .. } => return None,
        };
        (now < until).then_some(until)
    }

    fn places_taken(&self) -> bool {
        let Now::HalfOpen { ended, .. } = self.state else { return false };
        self.undecided() + (ended[0] + ended[1]) as usize >= self.rules.probes as usize
    }

    fn probe_ended(
        &mut self,
        level: u32,
        mut ended: [u32; 2],
        let_in: u64,
        outcome: Outcome,
        elapsed: u64,
        now: u64,
    ) -> Option<Told> {
        let slow = self.rules.trips.iter().any(|rule| match rule {
            Rule::Rate { what: What::SlowerThan(limit), .. } => u128::from(elapsed) > limit.as_nanos(),
            _ => false,
        });
        let failed = outcome == Outcome::Failure || slow;
        let reopened = Now::Open { since: now, level: level + 1 };
        if failed && self.rules.reopen_at.is_none() {
            return Some(self.go(reopened, now, Why::Tripped(Trigger::ProbeFailed)));
        }
        ended[usize::from(failed)] += 1;
        self.state = Now::HalfOpen { level, ended, let_in };
        if ended[0] + ended[1] < self.rules.probes {
            return None;
        }
        let rate = f64::from(ended[1]) / f64::from(ended[0] + ended[1]);
        match self.rules.reopen_at {
            Some(threshold) if rate >= threshold => {
                let trigger = Trigger::ProbeFailureRate { rate, threshold };
                Some(self.go(reopened, now, Why::Tripped(trigger)))
            }
            _ => Some(self.go(Now::Closed, now, Why::ProbesSucceeded)),
        }
    }

    /// The first rule that says that the circuit is to open.
    fn tripped(&self, now: u64) -> Option<(Trigger, usize)> {
        let last_failed = self.recorded.last().is_some_and(|call| call.1);
        let run = self.recorded.iter().rev().take_while(|call| call.1).count();
        let strictest = self.rules.trips.iter().filter_map(|rule| match rule {
            Rule::Consecutive(limit) => Some(*limit),
            Rule::Rate { .. } => None,
        });
        let strictest = strictest.min().unwrap_or(u32::MAX);
        self.rules.trips.iter().enumerate().find_map(|(number, rule)| {
            let trigger = match *rule {
                Rule::Consecutive(limit) if last_failed && limit == strictest && run >= limit as usize => {
                    Trigger::ConsecutiveFailures { failures: limit }
                }
                Rule::Consecutive(_) => return None,
                Rule::Rate { what, rate: threshold, window, min_calls } => {
                    let Reading { counts, rate, .. } = self.reading(rule, now)?;
                    match what {
                        What::Failures if rate? >= threshold => Trigger::FailureRate { rate: rate?, threshold },
                        What::SlowerThan(_) if rate? >= threshold => Trigger::SlowRate { rate: rate?, threshold },
                        What::Both(failures, slow, _)
                            if counts.calls >= u64::from(least(min_calls, window))
                                && counts.failures >= failures
                                && counts.slow >= slow =>
                        {
                            Trigger::Predicate
                        }
                        _ => return None,
                    }
                }
            };
            Some((trigger, number))
        })
    }

    fn reading(&self, rule: &Rule, now: u64) -> Option<Reading> {
        let Rule::Rate { what, rate: threshold, window, min_calls } = *rule else { return None };
        let seen: Vec<_> = match window {
            Look::Calls(calls) => self.recorded.iter().rev().take(calls as usize).collect(),
            Look::Time(length, buckets) => {
                let bucket = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX).div_ceil(buckets.into());
                let age = |call: &&(u64, bool, u64)| now / bucket - call.0 / bucket;
                self.recorded.iter().filter(|call| age(call) < buckets.into()).collect()
            }
        };
        let slower = |limit: std::time::Duration| {
            seen.iter().filter(|call| u128::from(call.2) > limit.as_nanos()).count() as u64
        };
        let failures = seen.iter().filter(|call| call.1).count() as u64;
        let (failures, slow) = match what {
            What::Failures => (failures, 0),
            What::SlowerThan(limit) => (0, slower(limit)),
            What::Both(_, _, limit) => (failures, limit.map_or(0, slower)),
        };
        let mut counts = Counts::default();
        (counts.calls, counts.failures, counts.slow) = (seen.len() as u64, failures, slow);
        let judged = !matches!(what, What::Both(..));
        let enough = counts.calls >= u64::from(least(min_calls, window));
        let rate = (judged && enough).then(|| (failures + slow) as f64 / counts.calls as f64);
        Some(Reading::new(counts, rate, judged.then_some(threshold)))
    }

    fn go(&mut self, next: Now, at: u64, why: Why) -> Told {
        let from = self.state.name();
        self.generation += 1;
        self.since = at;
        self.state = next;
        self.recorded.clear();
        let until = match next {
            Now::Open { since, level } => Some(plus(since, self.rules.open_for.delay(level.min(63)).as_nanos())),
            _ => None,
        };
        Told::Changed { generation: self.generation, from, to: next.name(), at, until, why }
    }
}

impl Now {
    fn name(self) -> State {
        match self {
            Self::Closed => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
            Self::ForcedOpen => State::ForcedOpen,
            Self::ForcedClosed => State::ForcedClosed,
            Self::MetricsOnly { .. } => State::MetricsOnly,
        }
    }
}

fn least(min_calls: u32, window: Look) -> u32 {
    match window {
        Look::Calls(calls) => min_calls.min(calls),
        Look::Time(..) => min_calls,
    }
}

fn plus(instant: u64, nanos: u128) -> u64 {
    instant.saturating_add(u64::try_from(nanos).unwrap_or(u64::MAX))
}
