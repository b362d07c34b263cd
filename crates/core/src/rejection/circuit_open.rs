use std::{error, fmt, time::Duration};

use super::earlier::has_reached;
use crate::{
    Name,
    breaker::{Refusal, State, Trigger},
};

/// A circuit breaker refused a call.
#[derive(Debug, Clone, PartialEq)]
pub struct CircuitOpen {
    pub(super) policy: Name,
    pub(super) refusal: Refusal,
}

impl CircuitOpen {
    /// A refusal by the breaker called `policy`.
    #[inline]
    pub fn new(policy: Name, refusal: Refusal) -> Self {
        Self { policy, refusal: Refusal { reached: has_reached(), ..refusal } }
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

    pub(super) fn why(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is {}", self.state())?;
        match self.trigger() {
            Some(trigger) => write!(f, ": {trigger}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for CircuitOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "circuit breaker `{}` ", self.policy)?;
        self.why(f)?;
        if let Some(wait) = self.retry_after() {
            write!(f, "; next probe in {wait:?}")?;
        }
        Ok(())
    }
}

impl error::Error for CircuitOpen {}
