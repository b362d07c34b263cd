use std::{error, fmt, time::Duration};

use crate::{
    Name,
    breaker::{Refusal, State, Trigger},
};

/// Why a policy did not let a call run. Small, cheap to clone, the same for the whole family.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum Rejection {
    /// A circuit breaker refused the call; the callee was not touched.
    CircuitOpen(CircuitOpen),
}

/// A circuit breaker refused a call.
#[derive(Debug, Clone, PartialEq)]
pub struct CircuitOpen {
    policy: Name,
    refusal: Refusal,
}

// ===== impl Rejection =====

impl Rejection {
    /// The name of the policy that refused.
    pub fn policy(&self) -> &str {
        match self {
            Self::CircuitOpen(open) => &open.policy,
        }
    }

    /// After how long the same call would be let in, where that is known. Never a guess.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::CircuitOpen(open) => open.retry_after(),
        }
    }

    /// What kind of policy refused, in two words: a label for logs and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::CircuitOpen(_) => "circuit open",
        }
    }
}

impl From<CircuitOpen> for Rejection {
    fn from(open: CircuitOpen) -> Self {
        Self::CircuitOpen(open)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CircuitOpen(open) => open.fmt(f),
        }
    }
}

impl error::Error for Rejection {}

// ===== impl CircuitOpen =====

impl CircuitOpen {
    /// A refusal by the breaker called `policy`.
    #[inline]
    pub fn new(policy: Name, refusal: Refusal) -> Self {
        Self { policy, refusal }
    }

    /// How long until the next probe may go. `None` where that is not known: a half-open circuit waits for its probes
    /// to decide, one that was forced open waits for its operator, and one that opened for ever for nobody.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal.retry_after()
    }

    /// What the call met: [`State::Open`], [`State::HalfOpen`] (all places for probes taken) or [`State::ForcedOpen`].
    pub fn state(&self) -> State {
        self.refusal.state()
    }

    /// The rule that opened the circuit, with what it measured; `None` where it was not a rule, or is long past.
    pub fn trigger(&self) -> Option<Trigger> {
        self.refusal.trigger()
    }
}

impl fmt::Display for CircuitOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "circuit breaker `{}` is {}", self.policy, self.state())?;
        if let Some(trigger) = self.trigger() {
            write!(f, ": {trigger}")?;
        }
        if let Some(wait) = self.retry_after() {
            write!(f, "; next probe in {wait:?}")?;
        }
        Ok(())
    }
}

impl error::Error for CircuitOpen {}
