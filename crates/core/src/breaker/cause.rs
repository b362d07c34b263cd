use super::change::Trigger;

/// The kind and the threshold of a rule, without the measured rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RuleFacts {
    pub(crate) threshold: f64,
    pub(crate) kind: RuleKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuleKind {
    /// No rule: the state was forced manually, or a probe is in flight.
    None,
    Consecutive,
    FailureRate,
    SlowRate,
    Predicate,
    ProbeFailed,
    ProbeFailureRate,
}

/// Why a circuit is open, in 26 bits: the number of the rule (5), and what it measured in millionths or so (21).
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenCause {
    pub(crate) rule: u32,
    pub(crate) rate: f64,
}

/// A rate in 2^-20ths, as the state word keeps it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate(u32);

impl RuleFacts {
    pub(crate) const NONE: Self = Self::new(RuleKind::None, 0.0);

    pub(crate) const fn new(kind: RuleKind, threshold: f64) -> Self {
        Self { threshold, kind }
    }

    pub(crate) fn trigger(self, rate: f64) -> Option<Trigger> {
        let threshold = self.threshold;
        Some(match self.kind {
            RuleKind::None => return None,
            RuleKind::Consecutive => Trigger::ConsecutiveFailures { failures: threshold as u32 },
            RuleKind::FailureRate => Trigger::FailureRate { rate, threshold },
            RuleKind::SlowRate => Trigger::SlowRate { rate, threshold },
            RuleKind::Predicate => Trigger::Predicate,
            RuleKind::ProbeFailed => Trigger::ProbeFailed,
            RuleKind::ProbeFailureRate => Trigger::ProbeFailureRate { rate, threshold },
        })
    }
}

impl Rate {
    pub(crate) const ZERO: Self = Self(0);

    /// The rate in the lowest 21 bits of a packed [`OpenCause`].
    pub(crate) const fn unpack(bits: u32) -> Self {
        Self(bits & ((1 << 21) - 1))
    }

    pub(crate) fn value(self) -> f64 {
        f64::from(self.0) / RATE_ONE
    }
}

impl OpenCause {
    pub(crate) fn pack(self) -> u32 {
        self.rule << 21 | (self.rate.clamp(0.0, 1.0) * RATE_ONE).round() as u32
    }
}

/// The rule number that stands for a failed probe. Real rules have numbers below `MAX_TRIPS`.
pub(crate) const PROBE_FAILED: u32 = 30;
pub(crate) const PROBE_RATE: u32 = 31;
const RATE_ONE: f64 = (1 << 20) as f64;
