use std::fmt;

/// The state of a circuit.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls pass, and are judged.
    Closed,
    /// Calls are rejected until the open period is over.
    Open,
    /// A few calls pass as probes, to test whether the callee has recovered.
    HalfOpen,
    /// Calls are rejected until the user changes the state.
    ForcedOpen,
    /// Calls pass, and nothing is recorded or judged.
    ForcedClosed,
    /// Calls pass, are recorded and judged, but the circuit never opens.
    MetricsOnly,
}

/// The whole state of a circuit in 64 bits: the generation, and the [`Phase`] with its numbers.
///
/// A word is immutable. Its methods return the next word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    generation: u32,
    phase: Phase,
}

/// A state with the numbers that belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `run`: failures since the last success.
    Closed {
        /// Failures since the last success.
        run: u32,
    },
    /// `level`: the number of re-openings since the circuit was closed, at most 63. `cause`: the packed cause.
    Open {
        /// The number of re-openings since the circuit was last closed.
        level: u8,
        /// What opened the circuit, packed by the plan (26 bits).
        cause: u32,
    },
    /// `successes + failures + undecided` never exceed the number of probes.
    HalfOpen {
        /// The level of the previous open period.
        level: u8,
        /// Probes that succeeded.
        successes: u8,
        /// Probes that failed, if the probes are judged by rate.
        failures: u8,
        /// Probes that have not ended yet.
        undecided: u8,
    },
    /// See [`State::ForcedOpen`].
    ForcedOpen,
    /// See [`State::ForcedClosed`].
    ForcedClosed,
    /// `told`: whether the circuit has reported that a closed circuit would have opened.
    MetricsOnly {
        /// Failures since the last success (31 bits).
        run: u32,
        /// Whether the circuit has reported that a closed circuit would have opened.
        told: bool,
    },
}

/// The effect of a finished probe on a half-open circuit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ProbeVerdict {
    Undecided(Word),
    Close(Word),
    /// All probes have ended, and this share failed.
    Judge(f64),
}

impl Word {
    /// Returns the word of a new, closed circuit.
    pub const fn new() -> Self {
        Self { generation: 0, phase: Phase::Closed { run: 0 } }
    }

    /// Returns the number of transitions, modulo 2^29.
    #[inline]
    pub const fn generation(self) -> u32 {
        self.generation
    }

    /// Returns the state and its numbers.
    #[inline]
    pub const fn phase(self) -> Phase {
        self.phase
    }

    /// Returns the state without its numbers.
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

    /// Returns the same state in another generation.
    #[inline]
    pub(crate) const fn at(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    /// Returns the same period with other numbers.
    pub(crate) const fn with(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    /// Returns the word of the next period.
    pub(crate) const fn then(self, phase: Phase) -> Self {
        Self { generation: (self.generation + 1) & GENERATIONS, phase }
    }

    // ----- half-open -----

    /// Returns the half-open word after an open period, with 1 probe in flight.
    pub(crate) fn half_opened(self, level: u8) -> Self {
        self.then(Phase::HalfOpen { level, successes: 0, failures: 0, undecided: 1 })
    }

    /// Adds a probe, if a place is free.
    pub(crate) fn with_probe(self, probes: u8) -> Option<Self> {
        let Phase::HalfOpen { level, successes, failures, undecided } = self.phase else { return None };
        // Widened, so that a broken invariant cannot overflow: the three add up to at most `probes`.
        let taken = u32::from(successes) + u32::from(failures) + u32::from(undecided);
        (taken < u32::from(probes))
            .then(|| self.with(Phase::HalfOpen { level, successes, failures, undecided: undecided + 1 }))
    }

    /// Begins a new half-open period after the lease of the undecided probes, with 1 probe in flight.
    ///
    /// Decided probes still count. Undecided probes now belong to an older generation.
    pub(crate) fn lease_expired(self) -> Self {
        match self.phase {
            Phase::HalfOpen { level, successes, failures, .. } => {
                self.then(Phase::HalfOpen { level, successes, failures, undecided: 1 })
            }
            _ => self,
        }
    }

    /// Frees the place of an undecided probe.
    pub(crate) fn probe_returned(self) -> Self {
        match self.phase {
            Phase::HalfOpen { level, successes, failures, undecided } => {
                let undecided = undecided.saturating_sub(1);
                self.with(Phase::HalfOpen { level, successes, failures, undecided })
            }
            _ => self,
        }
    }

    /// Records the end of a probe. Unless `by_rate` is set, a single failure decides.
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

    /// Returns the open word after a half-open period, a level higher.
    pub(crate) fn reopened(self, cause: u32) -> Self {
        match self.phase {
            Phase::HalfOpen { level, .. } => {
                self.then(Phase::Open { level: level.saturating_add(1).min(LEVELS), cause })
            }
            _ => self,
        }
    }

    // ----- 64 bits: generation (29), state (3), numbers (32) -----

    /// Packs the word into 64 bits.
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

    /// Restores a word from the bits that [`pack`](Self::pack) returned.
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

/// The highest level. At this level even a doubling backoff exceeds 64 bits of nanoseconds.
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
