use std::{cell::Cell, mem, time::Duration};

use super::{
    Breaker, Pass, Phase, Settled, Why, Word,
    cause::{OpenCause, PROBE_FAILED, PROBE_RATE},
    cell::push,
    word::ProbeVerdict,
};
use crate::{Outcome, caller::Caller, sync::Ordering, time::Instant};

/// A caller that is asked for the time only once.
struct OneReading<'a, C> {
    caller: &'a C,
    now: Cell<Option<Instant>>,
}

/// Counts a call in the run of failures if it is dropped, which is when a predicate panics.
struct CountInRun<'a> {
    breaker: &'a Breaker,
    generation: u32,
    failed: bool,
}

/// Taking passes back.
impl Breaker {
    /// Tells how a call went.
    pub fn exit(&self, pass: Pass, outcome: Outcome, caller: &impl Caller) -> Settled {
        if outcome == Outcome::Success && self.try_record_success(&pass, caller) {
            return Settled::Quiet;
        }
        self.settle(pass, outcome, caller)
    }

    /// [`exit`](Self::exit) for who has tried its short way.
    pub fn settle(&self, pass: Pass, outcome: Outcome, caller: &impl Caller) -> Settled {
        let (word, caller) = (self.load(), &OneReading { caller, now: Cell::new(None) });
        match word.phase() {
            Phase::Closed { run } if word.generation() == pass.generation() && outcome != Outcome::Ignored => {
                let failed = outcome == Outcome::Failure;
                let fired = self.record(&pass, failed, caller);
                if fired.is_none() && (self.plan.run_limit == 0 || !failed && run == 0) {
                    return Settled::Quiet;
                }
                self.count_run(pass.generation(), failed, fired, caller)
            }
            _ => self.settle_outside_closed(word, pass, outcome, caller),
        }
    }

    // Out of line, as all below: the ends of calls that a healthy circuit seldom sees.
    #[inline(never)]
    fn settle_outside_closed<C: Caller>(
        &self,
        word: Word,
        pass: Pass,
        outcome: Outcome,
        caller: &OneReading<'_, C>,
    ) -> Settled {
        if word.generation() != pass.generation() {
            return self.too_late();
        }
        match word.phase() {
            Phase::HalfOpen { .. } => self.end_probe(pass, outcome, caller.now()),
            Phase::MetricsOnly { .. } if outcome != Outcome::Ignored => {
                let failed = outcome == Outcome::Failure;
                let fired = self.record(&pass, failed, caller);
                self.count_run(pass.generation(), failed, fired, caller)
            }
            _ => Settled::Quiet,
        }
    }

    /// The short way of [`exit`](Self::exit) for a success: counts it, if no failure came before it, no more than one
    /// window looks on, and that one holds no failure. False if it is not as simple as that, and nothing was done.
    #[inline]
    pub fn try_record_success(&self, pass: &Pass, caller: &impl Caller) -> bool {
        let generation = pass.generation();
        let untouched = || self.hot.word.load(Ordering::Acquire) == Word::new().at(generation).pack();
        match (&*self.plan.rules, self.plan.is_simple) {
            ([], _) => untouched(),
            ([rule], true) => rule.take_good(generation, caller, untouched),
            _ => false,
        }
    }

    /// Tells that a call was dropped before it ended.
    pub fn abandon(&self, pass: Pass, caller: &impl Caller) -> Settled {
        let caller = &OneReading { caller, now: Cell::new(None) };
        let outcome = self.plan.abandoned(pass.started, || caller.now());
        self.exit(pass, outcome, caller)
    }

    /// Takes a call into all windows; the first rule that says that the circuit is to open.
    #[inline]
    fn record<C: Caller>(&self, pass: &Pass, failed: bool, caller: &OneReading<'_, C>) -> Option<OpenCause> {
        let generation = pass.generation();
        let elapsed = match self.plan.needs_start {
            true => caller.now().saturating_duration_since(pass.started),
            false => Duration::ZERO,
        };
        let mut fired = None;
        for rule in &self.plan.rules {
            if let Some(rate) =
                rule.record(generation, failed, elapsed, caller, || self.load().generation() == generation)
            {
                fired = fired.or(Some(OpenCause { rule: rule.number, rate }));
            }
        }
        if self.plan.has_predicates { self.ask_predicates(generation, failed, fired, caller) } else { fired }
    }

    /// Asks the user's own rules, once all windows hold the call. If a predicate panics, the call is in the run of failures
    /// too, and the next failure is judged by the run.
    #[inline(never)]
    fn ask_predicates<C: Caller>(
        &self,
        generation: u32,
        failed: bool,
        mut fired: Option<OpenCause>,
        caller: &OneReading<'_, C>,
    ) -> Option<OpenCause> {
        let armed = CountInRun { breaker: self, generation, failed };
        for rule in self.plan.rules.iter().filter(|rule| rule.is_predicate()) {
            let is_first = fired.is_none_or(|cause| rule.number < cause.rule);
            if rule.ask(generation, caller.now()) && is_first {
                fired = Some(OpenCause { rule: rule.number, rate: 0.0 });
            }
        }
        mem::forget(armed);
        fired
    }

    /// Counts a call in the run of failures, and opens nothing.
    fn count_in_run(&self, generation: u32, failed: bool) {
        loop {
            let word = self.load();
            if word.generation() != generation || self.plan.run_limit == 0 {
                return;
            }
            let next = |run: u32| if failed { run.saturating_add(1) } else { 0 };
            let phase = match word.phase() {
                Phase::Closed { run } => Phase::Closed { run: next(run) },
                Phase::MetricsOnly { run, told } => Phase::MetricsOnly { run: next(run).min(u32::MAX >> 1), told },
                _ => return,
            };
            if self.swap(word, word.with(phase)) {
                return;
            }
        }
    }

    /// Counts failures in a row, and opens the circuit if that or another rule (`fired`) says so.
    #[inline(never)]
    fn count_run<C: Caller>(
        &self,
        generation: u32,
        failed: bool,
        fired: Option<OpenCause>,
        caller: &OneReading<'_, C>,
    ) -> Settled {
        loop {
            let word = self.load();
            if word.generation() != generation {
                return self.too_late();
            }
            let (run, told) = match word.phase() {
                Phase::Closed { run } => (run, None),
                Phase::MetricsOnly { run, told } => (run, Some(told)),
                _ => return Settled::Quiet,
            };
            let next_run = if failed { run.saturating_add(1) } else { 0 };
            let reached = failed && self.plan.run_limit > 0 && next_run >= self.plan.run_limit;
            let by_run = reached.then(|| self.plan.run_cause());
            let cause = match (fired, by_run) {
                (Some(rule), Some(run)) if run.rule < rule.rule => Some(run),
                (rule, run) => rule.or(run),
            };
            // Read before the word that is about to be swapped: see `CircuitWords`.
            if cause.is_some() && caller.now.get().is_none() {
                caller.now();
                continue;
            }
            match (cause, told) {
                (Some(cause), None) => {
                    let (now, next) = (caller.now(), word.then(Phase::Open { level: 0, cause: cause.pack() }));
                    push(&self.hot.opened, now);
                    push(&self.hot.changed, now);
                    if self.swap(word, next) {
                        self.complete(next, now);
                        return self.changed(word, next, now, Why::Tripped(self.plan.trigger(cause)));
                    }
                }
                (cause, Some(told)) => {
                    let run = next_run.min(u32::MAX >> 1);
                    let next = word.with(Phase::MetricsOnly { run, told: told || cause.is_some() });
                    if next == word || self.swap(word, next) {
                        return match cause {
                            Some(cause) if !told => Settled::WouldOpen(self.plan.trigger(cause)),
                            _ => Settled::Quiet,
                        };
                    }
                }
                (None, None) => {
                    if next_run == run || self.swap(word, word.with(Phase::Closed { run: next_run })) {
                        return Settled::Quiet;
                    }
                }
            }
        }
    }

    /// The end of a probe.
    fn end_probe(&self, pass: Pass, outcome: Outcome, now: Instant) -> Settled {
        let elapsed = now.saturating_duration_since(pass.started);
        let failed = outcome == Outcome::Failure || self.plan.needs_start && self.plan.is_slow_probe(elapsed);
        loop {
            let word = self.load();
            if word.generation() != pass.generation() {
                return self.too_late();
            }
            if outcome == Outcome::Ignored {
                if self.swap(word, word.probe_returned()) {
                    return Settled::PlaceFree;
                }
                continue;
            }
            let (next, why) = match word.probe_ended(failed, self.plan.probes, self.plan.reopen_at.is_some()) {
                ProbeVerdict::Undecided(next) => {
                    if self.swap(word, next) {
                        return Settled::Quiet;
                    }
                    continue;
                }
                ProbeVerdict::Close(next) => (next, Why::ProbesSucceeded),
                ProbeVerdict::Judge(rate) => match self.plan.reopen_at {
                    Some(threshold) if rate < threshold => (word.then(Phase::Closed { run: 0 }), Why::ProbesSucceeded),
                    by_rate => {
                        let rule = if by_rate.is_some() { PROBE_RATE } else { PROBE_FAILED };
                        let cause = OpenCause { rule, rate };
                        push(&self.hot.opened, now);
                        (word.reopened(cause.pack()), Why::Tripped(self.plan.trigger(cause)))
                    }
                },
            };
            push(&self.hot.changed, now);
            if self.swap(word, next) {
                self.complete(next, now);
                return self.changed(word, next, now, why);
            }
        }
    }

    #[cold]
    fn too_late(&self) -> Settled {
        self.stale.fetch_add(1, Ordering::Relaxed);
        Settled::Stale
    }
}

impl Drop for CountInRun<'_> {
    fn drop(&mut self) {
        self.breaker.count_in_run(self.generation, self.failed);
    }
}

impl<C: Caller> Caller for OneReading<'_, C> {
    fn now(&self) -> Instant {
        let now = self.now.get().unwrap_or_else(|| self.caller.now());
        self.now.set(Some(now));
        now
    }

    fn lane(&self) -> usize {
        self.caller.lane()
    }
}
