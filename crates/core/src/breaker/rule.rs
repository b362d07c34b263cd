use std::time::Duration;

use super::{
    cause::{RuleFacts, RuleKind},
    trip::{Counts, Measure, RateTrip},
};
use crate::{
    Window,
    caller::Caller,
    time::Instant,
    window::{Cells, Record, Tally, WindowSpan},
};

/// A [`RateTrip`], compiled, with the windows it looks at.
#[derive(Debug)]
pub(crate) struct CompiledTrip {
    /// Which of the user's rules it is, from 0.
    pub(crate) number: u32,
    measure: Measure,
    min_calls: u64,
    pub(crate) slower_than: Option<Duration>,
    /// Calls, and those that failed; absent where nobody looks at failures.
    failures: Option<Cells>,
    /// Calls, and those that were slow, if a rule needs them. Boxed, because cells are large and few rules need these.
    slow: Option<Box<Cells>>,
}

/// What a rule sees: the counts in its window, and the rate it judges by.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// What the window holds. A rule counts only what it looks at: failures, slow calls, or both.
    pub counts: Counts,
    /// The measured rate; `None` below `min_calls`, and for a predicate.
    pub rate: Option<f64>,
    /// From which rate on it opens the circuit; `None` for a predicate.
    pub threshold: Option<f64>,
}

impl Reading {
    /// A reading; for models and tests.
    pub fn new(counts: Counts, rate: Option<f64>, threshold: Option<f64>) -> Self {
        Self { counts, rate, threshold }
    }
}

impl CompiledTrip {
    pub(crate) fn new(number: u32, rule: RateTrip, lanes: usize) -> Self {
        let RateTrip { measure, window, min_calls, slower_than } = rule;
        let cells = |wanted: bool| wanted.then(|| Cells::new(window, lanes));
        let (failures, slow) = match measure {
            Measure::FailureRate(_) => (cells(true), None),
            Measure::SlowRate(_) => (None, cells(true).map(Box::new)),
            Measure::Predicate(_) => (cells(true), cells(slower_than.is_some()).map(Box::new)),
        };
        let slower_than = slow.is_some().then_some(slower_than).flatten();
        Self { number, measure, min_calls: effective_min_calls(window, min_calls), slower_than, failures, slow }
    }

    /// Takes a success in, if that is simple and no failure is in the window; else does nothing. For a rule that
    /// [`counts_failures`](Self::counts_failures).
    #[inline]
    pub(crate) fn take_good(&self, generation: u32, caller: &impl Caller, current: impl Fn() -> bool) -> bool {
        self.failures.as_ref().is_some_and(|cells| cells.take_good(generation, caller, current))
    }

    /// Takes a call in; the measured rate if the rule says that the circuit is to open.
    pub(crate) fn record(
        &self,
        generation: u32,
        failed: bool,
        elapsed: Duration,
        caller: &impl Caller,
        current: impl Fn() -> bool,
    ) -> Option<f64> {
        let take_in = |cells: Option<&Cells>, bad| cells?.record(Record { generation, bad }, caller, &current);
        match self.measure {
            Measure::FailureRate(threshold) => self.judge(take_in(self.failures.as_ref(), failed)?, threshold),
            Measure::SlowRate(threshold) => {
                self.judge(take_in(self.slow.as_deref(), self.is_slow(elapsed))?, threshold)
            }
            // It is asked when all rules have recorded: see `ask`.
            Measure::Predicate(_) => {
                take_in(self.failures.as_ref(), failed);
                take_in(self.slow.as_deref(), self.is_slow(elapsed));
                None
            }
        }
    }

    /// Asks the user's predicate whether the circuit is to open. It may panic.
    pub(crate) fn ask(&self, generation: u32, now: Instant) -> bool {
        let Measure::Predicate(predicate) = &self.measure else { return false };
        let counts = self.counts(generation, now);
        counts.calls >= self.min_calls && predicate(&counts)
    }

    pub(crate) fn is_predicate(&self) -> bool {
        matches!(self.measure, Measure::Predicate(_))
    }

    /// Removes what older generations left in the windows.
    pub(crate) fn forget(&self, generation: u32, current: impl Fn() -> bool) {
        for cells in [self.failures.as_ref(), self.slow.as_deref()].into_iter().flatten() {
            cells.forget(generation, &current);
        }
    }

    pub(crate) fn is_slow(&self, elapsed: Duration) -> bool {
        self.slower_than.is_some_and(|limit| elapsed > limit)
    }

    pub(crate) fn counts_failures(&self) -> bool {
        matches!(self.measure, Measure::FailureRate(_))
    }

    pub(crate) fn judges_slowness(&self) -> bool {
        matches!(self.measure, Measure::SlowRate(_))
    }

    /// What it says when it trips.
    pub(crate) fn facts(&self) -> RuleFacts {
        match self.measure {
            Measure::FailureRate(threshold) => RuleFacts::new(RuleKind::FailureRate, threshold),
            Measure::SlowRate(threshold) => RuleFacts::new(RuleKind::SlowRate, threshold),
            Measure::Predicate(_) => RuleFacts::new(RuleKind::Predicate, 0.0),
        }
    }

    pub(crate) fn reading(&self, generation: u32, now: Instant) -> Reading {
        let counts = self.counts(generation, now);
        let (bad, threshold) = match self.measure {
            Measure::FailureRate(threshold) => (counts.failures, Some(threshold)),
            Measure::SlowRate(threshold) => (counts.slow, Some(threshold)),
            Measure::Predicate(_) => (0, None),
        };
        let judged = threshold.is_some() && counts.calls >= self.min_calls;
        Reading::new(counts, judged.then(|| bad as f64 / counts.calls as f64), threshold)
    }

    fn counts(&self, generation: u32, now: Instant) -> Counts {
        let tally = |cells: Option<&Cells>| cells.map(|cells| cells.tally(generation, now));
        let (failures, slow) = (tally(self.failures.as_ref()), tally(self.slow.as_deref()));
        Counts {
            calls: failures.or(slow).unwrap_or_default().calls,
            failures: failures.unwrap_or_default().bad,
            slow: slow.unwrap_or_default().bad,
        }
    }

    fn judge(&self, Tally { calls, bad }: Tally, threshold: f64) -> Option<f64> {
        if calls < self.min_calls {
            return None;
        }
        // A quotient, not a product: 7 of 10 is then exactly the 0.7 that the user wrote.
        let rate = bad as f64 / calls as f64;
        (rate >= threshold).then_some(rate)
    }
}

/// A window that cannot hold `min_calls` is judged when it is full.
fn effective_min_calls(window: Window, min_calls: u32) -> u64 {
    u64::from(match window.0 {
        WindowSpan::Calls(calls) => min_calls.min(calls.get()),
        WindowSpan::Time { .. } => min_calls,
    })
}
