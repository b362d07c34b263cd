use seawall_core::{
    Budget, Deadline, Rejection,
    attempts::{Attempt, Attempts, GaveUp, Next, Verdict},
    time::{Clock, Instant},
};

use crate::{Decide, EventKind, Retry, Sight};

/// One call on its way through its attempts: the same for futures and for calls that block.
#[derive(Debug)]
pub(crate) struct Course(Attempts);

/// Another attempt that was paid for: given back if it is dropped.
#[derive(Debug)]
pub(crate) struct Scheduled {
    pub(crate) at: Instant,
    /// When it was scheduled.
    pub(crate) since: Instant,
    budget: Option<Budget>,
}

impl Course {
    #[inline(always)]
    pub(crate) fn begin<P, K: Clock>(retry: &Retry<P, K>, needs_time: bool) -> Self {
        retry.budget.deposit();
        let needs_time = needs_time || retry.config.needs_beginning() || retry.outbox.is_some();
        Self(Attempts::begin(needs_time.then(|| retry.clock.now())))
    }

    #[inline(always)]
    pub(crate) fn attempt(&self) -> Attempt {
        self.0.attempt()
    }

    /// An attempt has ended: whether another one is to follow, and when; `None` if its result stands.
    #[inline(always)]
    pub(crate) fn next<T, E, P, K, V>(
        &mut self,
        retry: &Retry<P, K>,
        result: &Result<T, E>,
        can_repeat: impl FnOnce() -> bool,
    ) -> Option<Scheduled>
    where
        P: Decide<T, E>,
        K: Clock,
        V: Sight<E>,
    {
        let Some(hint) = retry.plan.decide(&self.attempt(), result) else {
            if self.0.number() > 1 {
                self.recovered(retry);
            }
            return None;
        };
        let verdict = match result.as_ref().err().and_then(V::rejection) {
            // It ran, and took too long: a failure as any.
            None | Some(Rejection::TimedOut(_)) => Verdict::Failed(hint),
            Some(rejection) => Verdict::Rejected(rejection.retry_after()),
        };
        self.schedule(retry, verdict, can_repeat)
    }

    #[cold]
    fn schedule<P, K: Clock>(
        &mut self,
        retry: &Retry<P, K>,
        verdict: Verdict,
        can_repeat: impl FnOnce() -> bool,
    ) -> Option<Scheduled> {
        let deadline = Deadline::current_by(&retry.clock).map_or(Instant::MAX, Deadline::instant);
        // After the deadline, which may have been reckoned from the time just now.
        let now = retry.clock.now();
        let next = match self.0.on_result(&retry.config, verdict, deadline, now, retry.chance.draw()) {
            Next::RetryAt(_) if !can_repeat() => Next::GiveUp(GaveUp::NotRepeatable),
            Next::RetryAt(_) if !retry.budget.withdraw(now) => Next::GiveUp(GaveUp::Budget),
            next => next,
        };
        let attempt = self.0.number();
        match next {
            Next::RetryAt(at) => {
                let scheduled = Scheduled { at, since: now, budget: Some(retry.budget.clone()) };
                if let Some(cause) = self.0.cause() {
                    retry.tell(|| EventKind::Retrying { attempt, wait: at.saturating_duration_since(now), cause });
                }
                Some(scheduled)
            }
            Next::GiveUp(reason) => {
                retry.tell(|| EventKind::GaveUp { attempts: attempt, elapsed: self.0.elapsed(now), reason });
                None
            }
        }
    }

    #[cold]
    fn recovered<P, K: Clock>(&self, retry: &Retry<P, K>) {
        retry.tell(|| EventKind::Recovered { attempts: self.0.number(), elapsed: self.0.elapsed(retry.clock.now()) });
    }

    /// The attempt that was scheduled begins.
    pub(crate) fn begin_next(&mut self, scheduled: Scheduled, now: Instant) -> Attempt {
        scheduled.spend();
        self.0.begin_next(now);
        self.attempt()
    }
}

impl Scheduled {
    fn spend(mut self) {
        self.budget = None;
    }
}

impl Drop for Scheduled {
    fn drop(&mut self) {
        if let Some(budget) = &self.budget {
            budget.refund();
        }
    }
}
