use std::{mem, time::Duration};

use seawall_core::{
    Deadline, LaterAttempt, Mark,
    attempts::{Attempt, Attempts, GaveUp, Next, Verdict},
    budget::BudgetState,
    time::{Clock, Instant},
};

use crate::{EventKind, handle::RetryRef};

/// One call on its way through its attempts: the same for futures and for calls that block.
#[derive(Debug)]
pub(crate) struct RetryState {
    /// When the first attempt began, if a setting or a closure needs to know; from the first failure on, when it failed.
    since: Option<Instant>,
    /// What is counted from the first failure on; most calls have none.
    attempts: Option<Attempts>,
}

/// Another attempt, which has been paid for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scheduled {
    pub(crate) at: Instant,
    /// When it was scheduled.
    pub(crate) since: Instant,
}

impl RetryState {
    #[inline(always)]
    pub(crate) fn begin<P, K: Clock>(retry: RetryRef<'_, P, K>, needs_time: bool) -> Self {
        // With the first call, and not only with the first failure, so that a test of the good case finds it.
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

    /// The scope in which a later attempt runs, if an earlier one has reached the callee.
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

    /// Puts the result of an attempt aside that is not the last one. If the callee answered with an error, the error replaces
    /// the one that is kept; all else is dropped. If that panics, the next attempt, which was paid for, is not made.
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

    /// An attempt has ended: whether another one is to follow, and when; `None` if its output stands.
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
        // After the deadline, which may have been reckoned from the time just now.
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

    /// The attempt that was scheduled begins.
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

/// Gives back what was paid for an attempt.
struct Paid<'a>(Option<&'a BudgetState>);

impl Drop for Paid<'_> {
    fn drop(&mut self) {
        if let Some(purse) = self.0 {
            purse.refund();
        }
    }
}
