use std::fmt;

/// What a call meets at a circuit.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls pass, and are judged.
    Closed,
    /// Calls are refused until the open period is over.
    Open,
    /// A few calls pass, to see whether the callee is well again.
    HalfOpen,
    /// Calls are refused until someone says otherwise.
    ForcedOpen,
    /// Calls pass, and nothing is recorded or judged.
    ForcedClosed,
    /// Calls pass, are recorded and judged, but the circuit never opens.
    MetricsOnly,
}

/// The whole state of a circuit in 64 bits: the generation, and the [`Phase`] with its numbers.
///
/// A word never changes; its methods answer with the word that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    generation: u32,
    phase: Phase,
}

/// A state with the numbers that mean something in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `run`: failures since the last success.
    Closed {
        /// Failures since the last success.
        run: u32,
    },
    /// `level`: how often it re-opened since it was closed, at most 63. `cause`: what opened it, as the plan packs it.
    Open {
        /// How often it re-opened since it was last closed.
        level: u8,
        /// What opened it, as the plan packs it (26 bits).
        cause: u32,
    },
    /// `successes + failures + undecided` never exceed the number of probes.
    HalfOpen {
        /// As of the open period before.
        level: u8,
        /// Probes that succeeded.
        successes: u8,
        /// Probes that failed, where the probes are judged by rate.
        failures: u8,
        /// Probes that have not ended yet.
        undecided: u8,
    },
    /// See [`State::ForcedOpen`].
    ForcedOpen,
    /// See [`State::ForcedClosed`].
    ForcedClosed,
    /// `told`: whether it has been told that a closed circuit would have opened.
    MetricsOnly {
        /// Failures since the last success (31 bits).
        run: u32,
        /// Whether it has been told that a closed circuit would have opened.
        told: bool,
    },
}

/// What the end of a probe makes of a half-open circuit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ProbeVerdict {
    Undecided(Word),
    Close(Word),
    /// All probes have ended, and that share of them failed.
    Judge(f64),
}

impl Word {
    /// A new circuit.
    pub const fn new() -> Self {
        Self { generation: 0, phase: Phase::Closed { run: 0 } }
    }

    /// Counts the transitions, modulo 2^29.
    #[inline]
    pub const fn generation(self) -> u32 {
        self.generation
    }

    /// The state and its numbers.
    #[inline]
    pub const fn phase(self) -> Phase {
        self.phase
    }

    /// The state, without its numbers.
    pub const fn state(self) -> State {
        match self.phase {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
            Phase::ForcedOpen => State::ForcedOpen,
            Phase::ForcedClosed => State::ForcedClosed,
            Phase::MetricsOnly { .. } => State::MetricsOnly,
        }
    }

    /// The same state in another generation.
    #[inline]
    pub(crate) const fn at(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    /// The same period with other numbers.
    pub(crate) const fn with(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    /// The next period.
    pub(crate) const fn then(self, phase: Phase) -> Self {
        Self { generation: (self.generation + 1) & GENERATIONS, phase }
    }

    // ----- half-open -----

    /// From open: half-open, with one probe on its way.
    pub(crate) fn half_opened(self, level: u8) -> Self {
        self.then(Phase::HalfOpen { level, successes: 0, failures: 0, undecided: 1 })
    }

    /// One probe more on its way, if there is a place for it.
    pub(crate) fn with_probe(self, probes: u8) -> Option<Self> {
        let Phase::HalfOpen { level, successes, failures, undecided } = self.phase else { return None };
        // Widened: the three add up to at most `probes`, but only if nobody broke that.
        let taken = u32::from(successes) + u32::from(failures) + u32::from(undecided);
        (taken < u32::from(probes))
            .then(|| self.with(Phase::HalfOpen { level, successes, failures, undecided: undecided + 1 }))
    }

    /// The lease of the undecided probes is over: a new period, in which what was decided stands, with one probe on its
    /// way. The silent ones are of an older generation from here on.
    pub(crate) fn lease_expired(self) -> Self {
        match self.phase {
            Phase::HalfOpen { level, successes, failures, .. } => {
                self.then(Phase::HalfOpen { level, successes, failures, undecided: 1 })
            }
            _ => self,
        }
    }

    /// An undecided probe gives its place back.
    pub(crate) fn probe_returned(self) -> Self {
        match self.phase {
            Phase::HalfOpen { level, successes, failures, undecided } => {
                let undecided = undecided.saturating_sub(1);
                self.with(Phase::HalfOpen { level, successes, failures, undecided })
            }
            _ => self,
        }
    }

    /// A probe ended; `by_rate` says whether a failure is weighed with the others or decides alone.
    pub(crate) fn probe_ended(self, failed: bool, probes: u8, by_rate: bool) -> ProbeVerdict {
        let Phase::HalfOpen { level, successes, failures, undecided } = self.phase else {
            return ProbeVerdict::Undecided(self);
        };
        if failed && !by_rate {
            return ProbeVerdict::Judge(1.0);
        }
        let (successes, failures) = if failed { (successes, failures + 1) } else { (successes + 1, failures) };
        if u32::from(successes) + u32::from(failures) < u32::from(probes) {
            let undecided = undecided.saturating_sub(1);
            return ProbeVerdict::Undecided(self.with(Phase::HalfOpen { level, successes, failures, undecided }));
        }
        if failures == 0 {
            return ProbeVerdict::Close(self.then(Phase::Closed { run: 0 }));
        }
        ProbeVerdict::Judge(f64::from(failures) / (f64::from(successes) + f64::from(failures)))
    }

    /// From half-open: open again, a level higher.
    pub(crate) fn reopened(self, cause: u32) -> Self {
        match self.phase {
            Phase::HalfOpen { level, .. } => {
                self.then(Phase::Open { level: level.saturating_add(1).min(LEVELS), cause })
            }
            _ => self,
        }
    }

    // ----- 64 bits: generation (29), state (3), numbers (32) -----

    /// As 64 bits.
    #[inline]
    pub const fn pack(self) -> u64 {
        let (tag, numbers) = match self.phase {
            Phase::Closed { run } => (0, run),
            Phase::Open { level, cause } => (1, (level as u32) << 26 | cause & CAUSES),
            Phase::HalfOpen { level, successes, failures, undecided } => {
                let counts = (successes as u32) << 16 | (failures as u32) << 8 | undecided as u32;
                (2, (level as u32) << 24 | counts)
            }
            Phase::ForcedOpen => (3, 0),
            Phase::ForcedClosed => (4, 0),
            Phase::MetricsOnly { run, told } => (5, run << 1 | told as u32),
        };
        (self.generation as u64) << 35 | tag << 32 | numbers as u64
    }

    /// From what [`pack`](Self::pack) gave.
    #[inline]
    pub const fn unpack(bits: u64) -> Self {
        let numbers = bits as u32;
        let phase = match bits >> 32 & 0b111 {
            0 => Phase::Closed { run: numbers },
            1 => Phase::Open { level: (numbers >> 26) as u8, cause: numbers & CAUSES },
            2 => Phase::HalfOpen {
                level: (numbers >> 24) as u8,
                successes: (numbers >> 16) as u8,
                failures: (numbers >> 8) as u8,
                undecided: numbers as u8,
            },
            3 => Phase::ForcedOpen,
            4 => Phase::ForcedClosed,
            _ => Phase::MetricsOnly { run: numbers >> 1, told: numbers & 1 == 1 },
        };
        Self { generation: (bits >> 35) as u32, phase }
    }
}

impl Default for Word {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::ForcedOpen => "forced open",
            Self::ForcedClosed => "forced closed",
            Self::MetricsOnly => "metrics only",
        })
    }
}

/// The highest level: by then even a doubling backoff has left 64 bits of nanoseconds.
pub(crate) const LEVELS: u8 = 63;
const GENERATIONS: u32 = (1 << 29) - 1;
pub(crate) const CAUSES: u32 = (1 << 26) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn phases() -> Vec<Phase> {
        let mut phases = vec![Phase::ForcedOpen, Phase::ForcedClosed];
        for run in [0, 1, 7, u32::MAX >> 1] {
            phases.push(Phase::Closed { run });
            phases.push(Phase::MetricsOnly { run, told: run == 7 });
        }
        phases.push(Phase::Closed { run: u32::MAX });
        for level in [0, 1, LEVELS] {
            phases.push(Phase::Open { level, cause: 0 });
            phases.push(Phase::Open { level, cause: CAUSES });
            phases.push(Phase::HalfOpen { level, successes: 1, failures: 2, undecided: 3 });
            phases.push(Phase::HalfOpen { level, successes: 255, failures: 0, undecided: 255 });
        }
        phases
    }

    #[test]
    fn words_survive_packing() {
        for generation in [0, 1, GENERATIONS] {
            for phase in phases() {
                let word = Word { generation, phase };
                assert_eq!(Word::unpack(word.pack()), word);
            }
        }
    }

    #[test]
    fn a_new_word_is_zero_so_that_it_is_cheap_to_compare() {
        assert_eq!(Word::new().pack(), 0);
    }

    #[test]
    fn the_generation_wraps() {
        let word = Word { generation: GENERATIONS, phase: Phase::ForcedOpen };
        assert_eq!(word.then(Phase::Closed { run: 0 }).generation(), 0);
    }

    #[test]
    fn places_for_probes_are_handed_out_once() {
        let mut word = Word::new().half_opened(0);
        for _ in 1..255 {
            word = word.with_probe(255).expect("a place is free");
        }
        assert_eq!(word.with_probe(255), None);
        assert!(word.probe_returned().with_probe(255).is_some());
        assert_eq!(Word::new().with_probe(255), None);
    }

    #[test]
    fn one_failed_probe_decides_alone_unless_judged_by_rate() {
        let word = Word::new().half_opened(0);
        assert_eq!(word.probe_ended(true, 3, false), ProbeVerdict::Judge(1.0));
        assert!(matches!(word.probe_ended(true, 3, true), ProbeVerdict::Undecided(_)));
        assert_eq!(word.probe_ended(true, 1, true), ProbeVerdict::Judge(1.0));
        assert!(matches!(word.probe_ended(false, 1, true), ProbeVerdict::Close(_)));
    }

    #[test]
    fn the_level_grows_by_reopening_and_stops_at_the_top() {
        let mut word = Word::new().half_opened(0);
        for _ in 0..100 {
            word = word.reopened(0);
            let Phase::Open { level, .. } = word.phase() else { panic!("{word:?}") };
            word = word.half_opened(level);
        }
        assert!(matches!(word.phase(), Phase::HalfOpen { level: LEVELS, .. }));
    }
}
