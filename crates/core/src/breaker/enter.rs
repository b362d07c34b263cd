use super::{AdmittedCall, Breaker, Pass, Phase, Refusal, State, Why, Word, cell::push};
use crate::{caller::Caller, time::Instant};

/// Admission of calls.
impl Breaker {
    /// Asks for leave to make a call. A closed circuit asks for the time only if a rule needs to know how long the
    /// call takes.
    ///
    /// # Errors
    ///
    /// Refused: the circuit is open, or half-open with all places taken.
    pub fn enter(&self, caller: &impl Caller) -> Result<AdmittedCall, Refusal> {
        if let Some(pass) = self.enter_closed() {
            return Ok(AdmittedCall { pass, change: None });
        }
        let entry = self.enter_at(caller.now());
        if entry.is_err() {
            self.count_refused(caller);
        }
        entry
    }

    /// The short way of [`enter`](Self::enter): a pass, if the circuit is closed and no rule needs to know when the
    /// call began.
    #[inline]
    pub fn enter_closed(&self) -> Option<Pass> {
        let word = self.load();
        let plain = matches!(word.phase(), Phase::Closed { .. }) && !self.plan.needs_start;
        plain.then(|| Pass::new(word, Instant::ORIGIN))
    }

    /// What a call that arrives at `now` would be told, if it would be refused. Changes nothing.
    #[inline]
    pub fn refusal(&self, now: Instant) -> Option<Refusal> {
        self.refusal_by(self.load(), now)
    }

    /// Returns whether a call would certainly pass, without reading the clock.
    #[inline]
    pub fn is_closed(&self) -> bool {
        matches!(self.load().phase(), Phase::Closed { .. })
    }

    /// Counts a call that the caller rejected because of [`refusal`](Self::refusal).
    #[inline]
    pub fn count_refused(&self, caller: &impl Caller) {
        self.refused.add_one(caller.lane());
    }

    // Out of line, because a closed circuit does not need this code.
    #[inline(never)]
    fn enter_at(&self, now: Instant) -> Result<AdmittedCall, Refusal> {
        loop {
            let word = self.load();
            if let Some(refusal) = self.refusal_by(word, now) {
                return Err(refusal);
            }
            let (next, why) = match word.phase() {
                Phase::Closed { .. } | Phase::ForcedClosed | Phase::MetricsOnly { .. } => {
                    return Ok(AdmittedCall::new(word, now));
                }
                // Rejected above.
                Phase::ForcedOpen => continue,
                Phase::Open { level, .. } => (word.half_opened(level), Some(Why::OpenPeriodOver)),
                Phase::HalfOpen { .. } => match word.with_probe(self.plan.probes) {
                    Some(next) => (next, None),
                    None => (word.lease_expired(), Some(Why::LeaseExpired)),
                },
            };
            push(&self.hot.admitted, now);
            if let Some(why) = why {
                push(&self.hot.changed, now);
                if self.swap(word, next) {
                    self.complete(next, now);
                    return Ok(AdmittedCall {
                        change: Some(self.change(word, next, now, why)),
                        ..AdmittedCall::new(next, now)
                    });
                }
            } else if self.swap(word, next) {
                return Ok(AdmittedCall::new(next, now));
            }
        }
    }

    /// Whether a circuit that stands at `word` refuses a call.
    #[inline]
    pub(super) fn refusal_by(&self, word: Word, now: Instant) -> Option<Refusal> {
        // The period and the lease begin again if the clock has stepped back, so that what a refusal says is true.
        let until = match word.phase() {
            Phase::Closed { .. } | Phase::ForcedClosed | Phase::MetricsOnly { .. } => return None,
            Phase::Open { .. } => {
                self.pull(&self.hot.opened, word, now);
                self.open_until(word)
            }
            Phase::HalfOpen { .. } if word.with_probe(self.plan.probes).is_some() => return None,
            Phase::HalfOpen { .. } => {
                self.pull(&self.hot.admitted, word, now);
                self.lease_end()
            }
            Phase::ForcedOpen => Instant::MAX,
        };
        (now < until || word.state() == State::ForcedOpen).then(|| self.refused(word, now, until))
    }
}
