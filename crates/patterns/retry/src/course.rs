use std::{mem, time::Duration};

use seawall_core::{
    Deadline, LaterAttempt, Mark,
    attempts::{Attempt, Attempts, GaveUp, Next, Verdict},
    budget::BudgetState,
    time::{Clock, Instant},
};

use crate::{EventKind, handle::RetryRef};

/// The state of a call over all its attempts, for futures and for blocking calls.
#[derive(Debug)]
pub(crate) struct RetryState {
    /// When the first attempt began, if a setting or a closure needs to know; from the first failure on, when it failed.
    since: Option<Instant>,
    /// The state that begins with the first failure. Most calls have none.
    attempts: Option<Attempts>,
}

/// A further attempt, which has been paid for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scheduled {
    pub(crate) at: Instant,
    /// The time at which the attempt was scheduled.
    pub(crate) since: Instant,
}

impl RetryState {
    #[inline(always)]
    pub(crate) fn begin<P, K: Clock>(retry: RetryRef<'_, P, K>, needs_time: bool) -> Self {
        // Checked with the first call, and not only with the first failure, so that a test of the good case finds the fault.
        retry.meet_deadline();
        if let Some(purse) = retry.purse {
            purse.deposit();
        }
        let needs_time = needs_time || retry.config.needs_beginning();
        Self { since: needs_time.then(|| retry.clock.now()), attempts: None }
    }

    #[inline(always)]
    pub(crate) fn attempt(&self) -> Attempt {
        self.attempts.as_ref().map_or(Attempt::FIRST, Attempts::attempt)
    }

    /// Returns the scope of a later attempt, if an earlier attempt has reached the callee.
    #[inline(always)]
    pub(crate) fn scope(&self) -> Option<LaterAttempt> {
        self.attempts.as_ref().filter(|attempts| attempts.has_reached()).map(|_| LaterAttempt::enter())
    }

    /// Returns the error with which the call ends instead of the last attempt's result: the callee's last error, if a policy
    /// rejected the last attempt. `last` is the last attempt's error, and `mark` was taken before the attempt's last poll.
    ///
    /// The policies around the call find the note about the error with which the call ends, and no older note.
    #[inline]
    pub(crate) fn last_error<E>(&self, last: Option<&E>, kept: &mut Option<E>, mark: Mark) -> Option<E> {
        let rejected = self.attempts.as_ref().is_some_and(Attempts::was_rejected);
        let kept = kept.take().filter(|_| rejected);
        match (&kept, last) {
            (Some(error), _) => Mark::here().keep(error),
            (None, Some(error)) => mark.keep(error),
            (None, None) => {}
        }
        kept
    }

    /// Puts aside the result of an attempt that is not the last. The callee's own error replaces the error that was kept, and other
    /// results are dropped. If the drop panics, the next attempt is not made, and its price is paid back.
    pub(crate) fn put_aside<R, E>(
        &self,
        result: R,
        kept: &mut Option<E>,
        error: impl FnOnce(R) -> Option<E>,
        purse: Option<&BudgetState>,
    ) {
        let paid = Paid(purse);
        if self.attempts.as_ref().is_some_and(Attempts::has_failed) {
            if let Some(error) = error(result) {
                *kept = Some(error);
            }
        } else {
            drop(result);
        }
        mem::forget(paid);
    }

    /// Decides after an attempt whether another attempt follows, and when; `None` if the attempt's output is final.
    #[inline(always)]
    pub(crate) fn next<P, K: Clock>(
        &mut self,
        retry: RetryRef<'_, P, K>,
        verdict: impl FnOnce(&Attempt, &P) -> Option<Verdict>,
        obstacle: impl FnOnce() -> Option<GaveUp>,
    ) -> Option<Scheduled> {
        match verdict(&self.attempt(), retry.plan) {
            Some(verdict) => self.schedule(retry, verdict, obstacle),
            None => {
                if let Some(attempts) = &self.attempts {
                    recovered(attempts, self.since, retry);
                }
                None
            }
        }
    }

    #[cold]
    fn schedule<P, K: Clock>(
        &mut self,
        retry: RetryRef<'_, P, K>,
        verdict: Verdict,
        obstacle: impl FnOnce() -> Option<GaveUp>,
    ) -> Option<Scheduled> {
        retry.meet_deadline();
        let deadline = Deadline::current_by(retry.clock).map_or(Instant::MAX, Deadline::instant);
        // Read after the deadline, which may have been computed from the current time.
        let now = retry.clock.now();
        let attempts = self.attempts.get_or_insert_with(|| Attempts::begin(self.since.replace(now)));
        let next = match attempts.on_result(retry.config, verdict, deadline, now, retry.chance.draw()) {
            Next::RetryAt(at) => match obstacle() {
                Some(reason) => Next::GiveUp(reason),
                None if !retry.purse.is_none_or(|purse| purse.withdraw(now)) => Next::GiveUp(GaveUp::Budget),
                None => Next::RetryAt(at),
            },
            next => next,
        };
        let attempt = attempts.number();
        match next {
            Next::RetryAt(at) => {
                if let (Some(told), Some(cause)) = (retry.told, attempts.cause()) {
                    let wait = at.saturating_duration_since(now);
                    told.tell(EventKind::Retrying { attempt, wait, cause }, retry.clock);
                }
                Some(Scheduled { at, since: now })
            }
            Next::GiveUp(reason) => {
                if let Some(told) = retry.told {
                    let elapsed = elapsed(self.since, now);
                    told.tell(EventKind::GaveUp { attempts: attempt, elapsed, reason }, retry.clock);
                }
                None
            }
        }
    }

    /// Records the beginning of the scheduled attempt.
    pub(crate) fn begin_next(&mut self, now: Instant) {
        self.attempts.as_mut().expect("a result came before").begin_next(now);
    }
}

#[cold]
fn recovered<P, K: Clock>(attempts: &Attempts, failed: Option<Instant>, retry: RetryRef<'_, P, K>) {
    if let Some(told) = retry.told {
        let elapsed = elapsed(failed, retry.clock.now());
        told.tell(EventKind::Recovered { attempts: attempts.number(), elapsed }, retry.clock);
    }
}

/// Returns how long ago the first attempt failed.
fn elapsed(failed: Option<Instant>, now: Instant) -> Duration {
    failed.map_or(Duration::ZERO, |failed| now.saturating_duration_since(failed))
}

/// Pays back an attempt when it is dropped.
struct Paid<'a>(Option<&'a BudgetState>);

impl Drop for Paid<'_> {
    fn drop(&mut self) {
        if let Some(purse) = self.0 {
            purse.refund();
        }
    }
}
