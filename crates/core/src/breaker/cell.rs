use std::{num::NonZeroU32, time::Duration};

use super::{
    BreakerConfig, Change, Phase, Reading, Refusal, State, Trigger, Why, Word,
    cause::{Rate, RuleFacts},
    plan::CompiledConfig,
};
use crate::{
    counter::Counter,
    sync::{AtomicU64, Ordering},
    time::Instant,
};

/// A circuit breaker for concurrent calls.
///
/// [`enter`](Self::enter) admits or rejects a call. Return the pass with [`exit`](Self::exit) or
/// [`abandon`](Self::abandon). Each method returns what changed; the caller reports the change.
#[derive(Debug)]
pub struct Breaker {
    pub(super) hot: CircuitWords,
    pub(super) plan: CompiledConfig,
    pub(super) refused: Counter,
    pub(super) stale: AtomicU64,
}

/// The state word, and its instants, which do not fit into the word.
///
/// An instant is pushed forward *before* the word that it belongs to is swapped in, with a time that was read before
/// the old word was. So whoever sees the word sees its instant, and one that lost the race can only have pushed to a
/// time at which the winner had not yet won. Only those who open push `opened`, only those who let in push `admitted`.
///
/// An instant that lies in the future was read before the clock stepped back. It is pulled back by the thread that swapped
/// the word in, and by each call that meets the instant. So a circuit waits for a period from that call on, and never for
/// the clock. A thread that slept after its look at the clock pulls an instant back by the time that it slept.
#[derive(Debug)]
pub(super) struct CircuitWords {
    pub(super) word: AtomicU64,
    /// When the circuit opened last.
    pub(super) opened: AtomicU64,
    /// When a probe was let in last.
    pub(super) admitted: AtomicU64,
    /// When the state changed last.
    pub(super) changed: AtomicU64,
}

/// The permission for a single call. The caller must return it to the breaker.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a pass must be handed back through `Breaker::exit` or `Breaker::abandon`"]
pub struct Pass {
    /// The generation, and below it a bit that is always set, so that an `Option` of a pass is no larger.
    mark: NonZeroU32,
    pub(super) started: Instant,
}

/// An admitted call.
#[derive(Debug, PartialEq)]
pub struct AdmittedCall {
    /// The pass, which the caller must return when the call has ended.
    pub pass: Pass,
    /// The state change that the admission caused, if any.
    pub change: Option<Change>,
}

/// The effect of the end of a call.
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use = "a change is to be told"]
pub enum Settled {
    /// No change that is visible outside the breaker.
    Quiet,
    /// The pass was of an older generation. The result was not counted in a window.
    Stale,
    /// A half-open circuit has a free place for a probe again.
    PlaceFree,
    /// The circuit changed its state.
    Changed(Change),
    /// A closed circuit would have opened, but this circuit only measures. Reported once per generation.
    WouldOpen(Trigger),
}

/// Counts since the breaker was built.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Rejected calls.
    pub refused: u64,
    /// Results that came too late to count: the state had changed since the admission.
    pub stale: u64,
}

// ===== impl Breaker =====

impl Breaker {
    /// Creates a closed circuit.
    pub fn new(config: BreakerConfig) -> Self {
        let hot = CircuitWords {
            word: AtomicU64::new(Word::new().pack()),
            opened: AtomicU64::new(0),
            admitted: AtomicU64::new(0),
            changed: AtomicU64::new(0),
        };
        let refused = Counter::new(config.lanes);
        Self { hot, plan: CompiledConfig::new(config), refused, stale: AtomicU64::new(0) }
    }

    /// Sets the start of the circuit, for [`since`](Self::since).
    #[must_use]
    pub fn since_now(self, now: Instant) -> Self {
        push(&self.hot.changed, now);
        self
    }

    // ----- manual changes -----

    /// Rejects all calls until the next manual change. Returns `None` if the state is the same.
    pub fn force_open(&self, now: Instant) -> Option<Change> {
        self.force(Phase::ForcedOpen, now)
    }

    /// Passes all calls and records no results until the next manual change.
    pub fn force_closed(&self, now: Instant) -> Option<Change> {
        self.force(Phase::ForcedClosed, now)
    }

    /// Passes, measures and judges all calls, but never opens, until the next manual change.
    pub fn metrics_only(&self, now: Instant) -> Option<Change> {
        self.force(Phase::MetricsOnly { run: 0, told: false }, now)
    }

    /// Closes the circuit from any state, and begins to count again.
    pub fn reset(&self, now: Instant) -> Option<Change> {
        self.force(Phase::Closed { run: 0 }, now)
    }

    // ----- questions -----

    /// Returns the state that a call at `now` would meet, without changing it.
    pub fn state(&self, now: Instant) -> State {
        let word = self.load();
        match word.state() {
            State::Open if self.refusal_by(word, now).is_none() => State::HalfOpen,
            state => state,
        }
    }

    /// Returns the current state word.
    pub fn word(&self) -> Word {
        self.load()
    }

    /// Returns how long the circuit stays open the first time, without jitter.
    pub fn open_for(&self) -> Duration {
        self.plan.first_open_period()
    }

    /// Returns whether a dropped call may count as a failure.
    pub fn counts_abandoned(&self) -> bool {
        self.plan.counts_abandoned()
    }

    /// Returns the time of the last state change.
    pub fn since(&self) -> Instant {
        Instant::from_nanos(self.hot.changed.load(Ordering::Acquire))
    }

    /// Returns the readings of all rules with a window at `now`, in the configured order.
    pub fn readings(&self, now: Instant) -> impl Iterator<Item = Reading> {
        let generation = self.load().generation();
        self.plan.rules.iter().map(move |rule| rule.reading(generation, now))
    }

    /// Returns the numbers of rejected calls and late results since the breaker was built.
    pub fn totals(&self) -> Totals {
        Totals { refused: self.refused.sum(), stale: self.stale.load(Ordering::Relaxed) }
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
                self.complete(next, now);
                return Some(self.change(word, next, now, Why::Manual));
            }
        }
    }

    // ----- helpers -----

    #[inline]
    pub(super) fn load(&self) -> Word {
        Word::unpack(self.hot.word.load(Ordering::Acquire))
    }

    pub(super) fn swap(&self, from: Word, to: Word) -> bool {
        self.hot.word.compare_exchange(from.pack(), to.pack(), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Completes the swap of `word`, which this thread has just swapped in: pulls its instants back to `now` if the clock has
    /// stepped back, and removes old counts in time.
    pub(super) fn complete(&self, word: Word, now: Instant) {
        if word.generation() % FORGET_EVERY == 0 {
            self.forget(word.generation());
        }
        self.pull(&self.hot.changed, word, now);
        match word.phase() {
            Phase::Open { .. } => self.pull(&self.hot.opened, word, now),
            Phase::HalfOpen { .. } => self.pull(&self.hot.admitted, word, now),
            _ => {}
        }
    }

    /// Removes what older generations left in the windows, whose cells tell fewer generations apart than the word does.
    #[cold]
    fn forget(&self, generation: u32) {
        for rule in &self.plan.rules {
            rule.forget(generation, || self.load().generation() == generation);
        }
    }

    /// Pulls an instant in the future back to `now`, if `word` is still current.
    #[inline]
    pub(super) fn pull(&self, cell: &AtomicU64, word: Word, now: Instant) {
        let seen = cell.load(Ordering::Acquire);
        if seen > now.as_nanos() && self.load() == word {
            // If this fails, another thread has seen the clock too.
            let _ = cell.compare_exchange(seen, now.as_nanos(), Ordering::AcqRel, Ordering::Acquire);
        }
    }

    /// Returns the end of the open period of `word`, or `Instant::MAX` if `word` is not open.
    #[inline]
    pub(super) fn open_until(&self, word: Word) -> Instant {
        match word.phase() {
            Phase::Open { level, .. } => {
                let opened = Instant::from_nanos(self.hot.opened.load(Ordering::Acquire));
                opened + self.plan.open_period(level, word.generation())
            }
            _ => Instant::MAX,
        }
    }

    pub(super) fn lease_end(&self) -> Instant {
        Instant::from_nanos(self.hot.admitted.load(Ordering::Acquire)) + self.plan.lease
    }

    #[inline]
    pub(super) fn refused(&self, word: Word, now: Instant, until: Instant) -> Refusal {
        let (rule, rate) = match word.phase() {
            Phase::Open { cause, .. } => self.plan.cause(cause),
            _ => (RuleFacts::NONE, Rate::ZERO),
        };
        Refusal { now, until, rule, rate, state: word.state(), reached: false }
    }

    pub(super) fn changed(&self, from: Word, to: Word, at: Instant, why: Why) -> Settled {
        Settled::Changed(self.change(from, to, at, why))
    }

    pub(super) fn change(&self, from: Word, to: Word, at: Instant, why: Why) -> Change {
        let until = (to.state() == State::Open).then(|| self.open_until(to));
        Change { generation: to.generation(), from: from.state(), to: to.state(), at, until, why }
    }
}

// ===== impl Entry, Pass =====

impl AdmittedCall {
    #[inline]
    pub(super) fn new(word: Word, started: Instant) -> Self {
        Self { pass: Pass::new(word, started), change: None }
    }
}

impl Pass {
    #[inline]
    pub(super) fn new(word: Word, started: Instant) -> Self {
        Self { mark: NonZeroU32::MIN | word.generation() << 1, started }
    }

    #[inline]
    pub(super) fn generation(&self) -> u32 {
        self.mark.get() >> 1
    }
}

pub(super) fn push(cell: &AtomicU64, to: Instant) {
    cell.fetch_max(to.as_nanos(), Ordering::AcqRel);
}

/// A quarter of the generations that a window's cells tell apart at least. A model has few, so that it meets this.
const FORGET_EVERY: u32 = if cfg!(loom) { 4 } else { 1 << 14 };
