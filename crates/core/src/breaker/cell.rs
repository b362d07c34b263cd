use std::{cell::Cell, num::NonZeroU32, time::Duration};

use super::{
    Change, Config, Phase, Reading, Refusal, State, Trigger, Why, Word,
    plan::{Cause, PROBE_FAILED, PROBE_RATE, Plan},
    word::Verdict,
};
use crate::{
    Outcome,
    caller::Caller,
    line::Line,
    sync::{AtomicU64, Ordering},
    time::Instant,
};

/// A circuit breaker that many may enter at once.
///
/// Ask with [`enter`](Self::enter), and hand the pass back with [`exit`](Self::exit) or
/// [`abandon`](Self::abandon). Whatever they answer has happened: tell it to whom it concerns.
#[derive(Debug)]
pub struct Breaker {
    hot: Line<Hot>,
    plan: Plan,
    refused: Line<AtomicU64>,
    stale: AtomicU64,
}

/// The word, and the instants that go with it but do not fit in.
///
/// An instant is pushed forward *before* the word that it belongs to is swapped in, with a time that was read before
/// the old word was. So whoever sees the word sees its instant, and one that lost the race can only have pushed to a
/// time at which the winner had not yet won. Only those who open push `opened`, only those who let in push `admitted`.
#[derive(Debug)]
struct Hot {
    word: AtomicU64,
    /// When the circuit opened last.
    opened: AtomicU64,
    /// When a probe was let in last.
    admitted: AtomicU64,
    /// When the state changed last.
    changed: AtomicU64,
}

/// Leave to make one call. It must be handed back.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a pass must be handed back through `Breaker::exit` or `Breaker::abandon`"]
pub struct Pass {
    /// The generation, and below it a bit that is always set: so an `Option` of a pass is no larger.
    mark: NonZeroU32,
    started: Instant,
}

/// A call that was let in.
#[derive(Debug, PartialEq)]
pub struct Entry {
    /// To be handed back when the call has ended.
    pub pass: Pass,
    /// What letting it in has changed.
    pub change: Option<Change>,
}

/// What the end of a call has changed.
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use = "a change is to be told"]
pub enum Settled {
    /// Nothing that anyone outside would notice.
    Quiet,
    /// The pass was of an older generation: nothing at all, not even a count.
    Stale,
    /// A half-open circuit has a place for a probe again.
    PlaceFree,
    /// The circuit changed its state.
    Changed(Change),
    /// A closed circuit would have opened now; this one only measures. Told once in a generation.
    WouldOpen(Trigger),
}

/// Counts since the breaker was built.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Calls that were refused.
    pub refused: u64,
    /// Results that came too late to count: the state had changed since their call was let in.
    pub stale: u64,
}

/// A caller that is asked for the time only once.
struct Once<'a, C> {
    caller: &'a C,
    now: Cell<Option<Instant>>,
}

// ===== impl Breaker =====

impl Breaker {
    /// A closed circuit.
    pub fn new(config: Config) -> Self {
        let hot = Hot {
            word: AtomicU64::new(Word::new().pack()),
            opened: AtomicU64::new(0),
            admitted: AtomicU64::new(0),
            changed: AtomicU64::new(0),
        };
        Self { hot: Line(hot), plan: Plan::new(config), refused: Line(AtomicU64::new(0)), stale: AtomicU64::new(0) }
    }

    /// Says when the circuit began, for [`since`](Self::since).
    #[must_use]
    pub fn since_now(self, now: Instant) -> Self {
        push(&self.hot.changed, now);
        self
    }

    // ----- calls -----

    /// Asks for leave to make a call. A closed circuit asks for the time only if a rule needs to know how long the
    /// call takes.
    ///
    /// # Errors
    ///
    /// Refused: the circuit is open, or half-open with all places taken.
    #[inline]
    pub fn enter(&self, caller: &impl Caller) -> Result<Entry, Refusal> {
        let word = self.load();
        if matches!(word.phase(), Phase::Closed { .. }) && !self.plan.needs_start {
            return Ok(Entry::new(word, Instant::ORIGIN));
        }
        let entry = self.enter_at(caller.now());
        if entry.is_err() {
            self.count_refused();
        }
        entry
    }

    /// What a call that arrives at `now` would be told, if it would be refused. Changes nothing.
    pub fn refusal(&self, now: Instant) -> Option<Refusal> {
        let word = self.load();
        let until = match word.phase() {
            Phase::Closed { .. } | Phase::ForcedClosed | Phase::MetricsOnly { .. } => return None,
            Phase::Open { .. } => self.until(word),
            Phase::HalfOpen { .. } if word.with_probe(self.plan.probes).is_some() => return None,
            Phase::HalfOpen { .. } => self.lease_end(),
            Phase::ForcedOpen => Instant::MAX,
        };
        (now < until || word.state() == State::ForcedOpen).then(|| self.refused(word, now, until))
    }

    /// Whether a call would surely pass, without asking for the time.
    #[inline]
    pub fn is_closed(&self) -> bool {
        matches!(self.load().phase(), Phase::Closed { .. })
    }

    /// Counts a call that was refused by the word of [`refusal`](Self::refusal).
    pub fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells how a call went.
    #[inline]
    pub fn exit(&self, pass: Pass, outcome: Outcome, caller: &impl Caller) -> Settled {
        let word = self.load();
        let untouched = Word::new().at(pass.generation());
        if outcome == Outcome::Success && self.plan.only_runs() && word == untouched {
            return Settled::Quiet;
        }
        let caller = &Once { caller, now: Cell::new(None) };
        if word.generation() != pass.generation() {
            return self.too_late();
        }
        match word.phase() {
            Phase::Closed { .. } | Phase::MetricsOnly { .. } => self.record(pass, outcome, caller),
            Phase::HalfOpen { .. } => self.end_probe(pass, outcome, caller.now()),
            Phase::ForcedClosed | Phase::ForcedOpen | Phase::Open { .. } => Settled::Quiet,
        }
    }

    /// Tells that a call was dropped before it ended.
    pub fn abandon(&self, pass: Pass, caller: &impl Caller) -> Settled {
        let caller = &Once { caller, now: Cell::new(None) };
        let outcome = self.plan.abandoned(pass.started, || caller.now());
        self.exit(pass, outcome, caller)
    }

    // ----- by hand -----

    /// Refuses calls from now on, until told otherwise.
    pub fn force_open(&self, now: Instant) -> Option<Change> {
        self.force(Phase::ForcedOpen, now)
    }

    /// Lets calls pass from now on and records nothing, until told otherwise.
    pub fn force_closed(&self, now: Instant) -> Option<Change> {
        self.force(Phase::ForcedClosed, now)
    }

    /// Lets calls pass from now on, and measures and judges them, but never opens, until told otherwise.
    pub fn metrics_only(&self, now: Instant) -> Option<Change> {
        self.force(Phase::MetricsOnly { run: 0, told: false }, now)
    }

    /// Closes the circuit and begins to count anew, whatever its state.
    pub fn reset(&self, now: Instant) -> Option<Change> {
        self.force(Phase::Closed { run: 0 }, now)
    }

    // ----- questions -----

    /// What a call that arrives at `now` would meet. Changes nothing.
    pub fn state(&self, now: Instant) -> State {
        let word = self.load();
        match word.state() {
            State::Open if now >= self.until(word) => State::HalfOpen,
            state => state,
        }
    }

    /// The state word as it stands.
    pub fn word(&self) -> Word {
        self.load()
    }

    /// Since when the circuit has been in its state.
    pub fn since(&self) -> Instant {
        Instant::from_nanos(self.hot.changed.load(Ordering::Acquire))
    }

    /// What each rule with a window sees at `now`, in the order they were given.
    pub fn readings(&self, now: Instant) -> impl Iterator<Item = Reading> {
        let generation = self.load().generation();
        self.plan.rules.iter().map(move |rule| rule.reading(generation, now))
    }

    /// What has been refused and what came too late, since the breaker was built.
    pub fn totals(&self) -> Totals {
        Totals { refused: self.refused.load(Ordering::Relaxed), stale: self.stale.load(Ordering::Relaxed) }
    }

    // ----- the loops -----

    fn enter_at(&self, now: Instant) -> Result<Entry, Refusal> {
        loop {
            let word = self.load();
            let (next, why) = match word.phase() {
                Phase::Closed { .. } | Phase::ForcedClosed | Phase::MetricsOnly { .. } => {
                    return Ok(Entry::new(word, now));
                }
                Phase::ForcedOpen => return Err(self.refused(word, now, Instant::MAX)),
                Phase::Open { level, .. } => {
                    let until = self.until(word);
                    if now < until {
                        return Err(self.refused(word, now, until));
                    }
                    (word.half_opened(level), Some(Why::OpenPeriodOver))
                }
                Phase::HalfOpen { .. } => match word.with_probe(self.plan.probes) {
                    Some(next) => (next, None),
                    None => {
                        let end = self.lease_end();
                        if now < end {
                            return Err(self.refused(word, now, end));
                        }
                        (word.lease_expired(), Some(Why::LeaseExpired))
                    }
                },
            };
            push(&self.hot.admitted, now);
            if let Some(why) = why {
                push(&self.hot.changed, now);
                if self.swap(word, next) {
                    return Ok(Entry { change: Some(self.change(word, next, now, why)), ..Entry::new(next, now) });
                }
            } else if self.swap(word, next) {
                return Ok(Entry::new(next, now));
            }
        }
    }

    /// The end of a call that a closed circuit, or one that only measures, let in.
    #[inline]
    fn record<C: Caller>(&self, pass: Pass, outcome: Outcome, caller: &Once<'_, C>) -> Settled {
        let failed = match outcome {
            Outcome::Success => false,
            Outcome::Failure => true,
            Outcome::Ignored => return Settled::Quiet,
        };
        let current = || self.load().generation() == pass.generation();
        let elapsed = self.elapsed(&pass, caller);
        let mut fired = None;
        for rule in &self.plan.rules {
            if let Some(rate) = rule.record(pass.generation(), failed, elapsed, caller, current) {
                fired = fired.or(Some(Cause { rule: rule.number, rate }));
            }
        }
        if self.plan.run_limit > 0 || fired.is_some() {
            return self.count_run(pass.generation(), failed, fired, caller);
        }
        Settled::Quiet
    }

    /// Counts failures in a row, and opens the circuit if that or another rule (`fired`) says so.
    fn count_run<C: Caller>(
        &self,
        generation: u32,
        failed: bool,
        fired: Option<Cause>,
        caller: &Once<'_, C>,
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
            // Read before the word that is about to be swapped: see `Hot`.
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
                Verdict::Undecided(next) => {
                    if self.swap(word, next) {
                        return Settled::Quiet;
                    }
                    continue;
                }
                Verdict::Close(next) => (next, Why::ProbesSucceeded),
                Verdict::Judge(rate) => match self.plan.reopen_at {
                    Some(threshold) if rate < threshold => (word.then(Phase::Closed { run: 0 }), Why::ProbesSucceeded),
                    by_rate => {
                        let rule = if by_rate.is_some() { PROBE_RATE } else { PROBE_FAILED };
                        let cause = Cause { rule, rate };
                        push(&self.hot.opened, now);
                        (word.reopened(cause.pack()), Why::Tripped(self.plan.trigger(cause)))
                    }
                },
            };
            push(&self.hot.changed, now);
            if self.swap(word, next) {
                return self.changed(word, next, now, why);
            }
        }
    }

    fn force(&self, phase: Phase, now: Instant) -> Option<Change> {
        loop {
            let word = self.load();
            let next = word.then(phase);
            if next.state() == word.state() && !matches!(phase, Phase::Closed { .. }) {
                return None;
            }
            push(&self.hot.changed, now);
            if self.swap(word, next) {
                return Some(self.change(word, next, now, Why::Manual));
            }
        }
    }

    // ----- helpers -----

    #[inline]
    fn load(&self) -> Word {
        Word::unpack(self.hot.word.load(Ordering::Acquire))
    }

    fn swap(&self, from: Word, to: Word) -> bool {
        self.hot.word.compare_exchange(from.pack(), to.pack(), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Until when the circuit, which is open with `word`, refuses.
    fn until(&self, word: Word) -> Instant {
        let Phase::Open { level, .. } = word.phase() else { return Instant::MAX };
        let opened = Instant::from_nanos(self.hot.opened.load(Ordering::Acquire));
        opened + self.plan.open_period(level, word.generation())
    }

    fn lease_end(&self) -> Instant {
        Instant::from_nanos(self.hot.admitted.load(Ordering::Acquire)) + self.plan.lease
    }

    fn elapsed<C: Caller>(&self, pass: &Pass, caller: &Once<'_, C>) -> Duration {
        if self.plan.needs_start { caller.now().saturating_duration_since(pass.started) } else { Duration::ZERO }
    }

    fn refused(&self, word: Word, now: Instant, until: Instant) -> Refusal {
        let trigger = match word.phase() {
            Phase::Open { cause, .. } => Some(self.plan.trigger(Cause::unpack(cause))),
            _ => None,
        };
        Refusal { state: word.state(), trigger, now, until }
    }

    fn changed(&self, from: Word, to: Word, at: Instant, why: Why) -> Settled {
        Settled::Changed(self.change(from, to, at, why))
    }

    fn change(&self, from: Word, to: Word, at: Instant, why: Why) -> Change {
        let until = (to.state() == State::Open).then(|| self.until(to));
        Change { generation: to.generation(), from: from.state(), to: to.state(), at, until, why }
    }

    #[cold]
    fn too_late(&self) -> Settled {
        self.stale.fetch_add(1, Ordering::Relaxed);
        Settled::Stale
    }
}

// ===== impl Entry, Pass, Once =====

impl Entry {
    #[inline]
    fn new(word: Word, started: Instant) -> Self {
        let mark = NonZeroU32::MIN | word.generation() << 1;
        Self { pass: Pass { mark, started }, change: None }
    }
}

impl Pass {
    #[inline]
    fn generation(&self) -> u32 {
        self.mark.get() >> 1
    }
}

impl<C: Caller> Caller for Once<'_, C> {
    fn now(&self) -> Instant {
        let now = self.now.get().unwrap_or_else(|| self.caller.now());
        self.now.set(Some(now));
        now
    }

    fn lane(&self) -> usize {
        self.caller.lane()
    }
}

fn push(cell: &AtomicU64, to: Instant) {
    cell.fetch_max(to.as_nanos(), Ordering::AcqRel);
}
