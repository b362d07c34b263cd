use std::any::Any;

use seawall_core::{
    CircuitOpen, Classify, Mark, Name, Outcome, Rejection, ThisThread,
    breaker::{Breaker, Change, Pass, Refusal, Settled},
    observe::{Level, Observers},
    time::{Clock, Instant},
};
use seawall_policy::{Gate, Judge};

use crate::{Event, EventKind, parking::CircuitWaiters};

/// What all clones of a breaker share: the machine, and what it may not do itself: read the clock, and tell.
///
/// Public as the gate in the types of futures and services, and not nameable.
#[derive(Debug)]
pub struct BreakerInner<C, K> {
    pub(crate) name: Name,
    pub(crate) breaker: Breaker,
    pub(crate) classify: C,
    pub(crate) clock: K,
    pub(crate) outbox: Observers<EventKind>,
    pub(crate) parking: CircuitWaiters,
}

impl<C, K: Clock> BreakerInner<C, K> {
    #[inline]
    pub(crate) fn enter(&self) -> Result<Pass, Rejection> {
        match self.breaker.enter_closed() {
            Some(pass) => Ok(pass),
            None => self.enter_unless_closed(),
        }
    }

    // Out of line, as its frame and its large result would burden the short way.
    #[inline(never)]
    fn enter_unless_closed(&self) -> Result<Pass, Rejection> {
        let now = self.clock.now();
        match self.breaker.refusal(now) {
            Some(refusal) => Err(self.refuse(&refusal)),
            None => self.enter_and_report(now),
        }
    }

    #[inline(never)]
    fn enter_and_report(&self, now: Instant) -> Result<Pass, Rejection> {
        match self.breaker.enter(&ThisThread(&now)) {
            Ok(entry) => {
                if let Some(change) = entry.change {
                    self.tell_change(change);
                }
                Ok(entry.pass)
            }
            Err(refusal) => Err(self.rejection(&refusal)),
        }
    }

    #[inline(never)]
    fn settle_and_report(&self, pass: Pass, outcome: Outcome) {
        let settled = self.breaker.settle(pass, outcome, &ThisThread(&self.clock));
        if !matches!(settled, Settled::Quiet) {
            self.tell(settled);
        }
    }

    /// What a call arriving now would be refused with, and until when at the most.
    #[inline]
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        if self.breaker.is_closed() {
            return None;
        }
        self.breaker.refusal(self.clock.now())
    }

    /// Refuses a call by what [`refusal`](Self::refusal) said, and tells.
    #[inline]
    pub(crate) fn refuse(&self, refusal: &Refusal) -> Rejection {
        self.breaker.count_refused(&ThisThread(&self.clock));
        self.rejection(refusal)
    }

    #[inline]
    fn rejection(&self, refusal: &Refusal) -> Rejection {
        let rejection = CircuitOpen::new(self.name.clone(), *refusal).into();
        if self.outbox.wants(Level::Debug) {
            self.tell_rejection(&rejection);
        }
        rejection
    }

    /// Changes the state by hand, and tells.
    pub(crate) fn force(&self, change: impl FnOnce(&Breaker, Instant) -> Option<Change>) {
        if let Some(change) = change(&self.breaker, self.clock.now()) {
            self.tell_change(change);
        }
    }

    #[cold]
    fn tell(&self, settled: Settled) {
        match settled {
            Settled::Quiet | Settled::Stale => {}
            Settled::PlaceFree => self.parking.wake_all(),
            Settled::Changed(change) => self.tell_change(change),
            Settled::WouldOpen(trigger) => {
                self.tell_after_changes(EventKind::WouldOpen(trigger));
            }
        }
    }

    #[cold]
    fn tell_rejection(&self, rejection: &Rejection) {
        self.tell_after_changes(EventKind::Rejected(rejection.clone()));
    }

    /// Tells of what changed no state. The generation is of now, so none of the changes that led to it is told later.
    fn tell_after_changes(&self, kind: EventKind) {
        let event = Event::new(self.name.clone(), kind);
        self.outbox.tell_after(self.breaker.word().generation(), event, &self.clock);
    }

    #[cold]
    fn tell_change(&self, change: Change) {
        self.parking.wake_all();
        let event = Event::new(self.name.clone(), EventKind::Changed(change));
        self.outbox.tell_transition(change.generation(), event, &self.clock);
    }
}

impl<C, K: Clock> Gate for BreakerInner<C, K> {
    type Pass = Pass;

    #[inline]
    fn exit(&self, pass: Pass, outcome: Outcome) {
        if outcome != Outcome::Success || !self.breaker.try_record_success(&pass, &ThisThread(&self.clock)) {
            self.settle_and_report(pass, outcome);
        }
    }

    #[cold]
    fn abandon(&self, pass: Pass) {
        let settled = self.breaker.abandon(pass, &ThisThread(&self.clock));
        self.tell(settled);
    }
}

impl<T, E, C: Classify<T, E>, K: Clock> Judge<T, E> for BreakerInner<C, K> {
    #[inline]
    fn judge(&self, result: &Result<T, E>, mark: Mark) -> Option<Outcome> {
        let noted = result.as_ref().err().and_then(|error| mark.meaning(error));
        self.classify.verdict(result, noted)
    }

    fn judge_end(&self, end: &dyn Any) -> Option<Outcome> {
        Classify::<T, E>::classify_end(&self.classify, end)
    }
}
