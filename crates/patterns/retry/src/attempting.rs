use std::{
    fmt::{self, DebugStruct},
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use seawall_core::{
    Mark,
    attempts::{Attempt, GaveUp, Round, Verdict},
    budget::BudgetState,
    time::Timer,
};

use crate::{
    course::{RetryState, Scheduled},
    handle::RetryRef,
};

/// The inner call of a retry whose rule is `P`: the retry begins, polls and judges its attempts.
pub trait Repeatable<P> {
    /// An attempt after it was begun.
    type Call;
    /// The output of an attempt.
    type Output;
    /// The callee's own error. The retry keeps it while later attempts run.
    type Error;

    /// Begins an attempt.
    fn begin(&mut self, round: impl Round) -> Self::Call;

    /// Polls an attempt.
    fn poll(&mut self, call: Pin<&mut Self::Call>, round: impl Round, cx: &mut Context<'_>) -> Poll<Self::Output>;

    /// Returns what the output of an attempt says about the next attempt; `None` if the output is final. The mark was taken
    /// before the poll that gave `output`.
    fn verdict(&self, attempt: &Attempt, plan: &P, output: &Self::Output, mark: Mark) -> Option<Verdict>;

    /// Returns the callee's own error, if the output is one.
    fn error(output: &Self::Output) -> Option<&Self::Error>;

    /// Converts the output into the callee's own error, if it is one.
    fn into_error(output: Self::Output) -> Option<Self::Error>;

    /// Converts an error that was kept into the output of the call.
    fn from_error(error: Self::Error) -> Self::Output;

    /// Returns why no other attempt is possible, if none is.
    fn obstacle(&self) -> Option<GaveUp>;
}

pin_project! {
    /// The state of a call at a retry, without the retry and the inner call: the caller passes both to each poll.
    ///
    /// Dropping it does not pay back the next attempt. Call [`refund`](Self::refund) first.
    pub struct RetryCall<C, S, E> {
        course: RetryState,
        // The callee's last error, which a rejection of a later attempt must not hide.
        kept: Option<E>,
        #[pin]
        state: RetryCallState<C, S>,
    }
}

pin_project! {
    #[project = StateProj]
    enum RetryCallState<C, S> {
        // The attempt is polled.
        Calling { #[pin] call: C },
        // The timer is polled, then the next attempt begins.
        Waiting { #[pin] sleep: S, next: Scheduled },
        // Nothing is polled: the next attempt begins with the next poll.
        Due { next: Scheduled },
        // Between two attempts. The state stays here if the beginning of the next attempt panics.
        Ended,
    }
}

/// The round of attempts of one retry.
struct InCourse<'a, P, K> {
    course: &'a RetryState,
    // Borrowed, although it holds only references: a copy right after the write is slower than all uses.
    retry: &'a RetryRef<'a, P, K>,
}

impl<C, S: Future<Output = ()>, E> RetryCall<C, S, E> {
    #[inline(always)]
    pub(crate) fn first(course: RetryState, call: C) -> Self {
        Self { course, kept: None, state: RetryCallState::Calling { call } }
    }

    /// Begins the first attempt.
    #[inline(always)]
    pub fn begin<P, K: Timer>(
        retry: RetryRef<'_, P, K>,
        needs_time: bool,
        repeat: &mut impl Repeatable<P, Call = C>,
    ) -> Self {
        let course = RetryState::begin(retry, needs_time);
        let call = repeat.begin(InCourse { course: &course, retry: &retry });
        Self::first(course, call)
    }

    /// Polls the attempt or the wait.
    ///
    /// # Panics
    ///
    /// If an attempt or the retry's rule panics, and if it is polled again after its end.
    #[inline(always)]
    pub fn poll<R, P, K>(
        mut self: Pin<&mut Self>,
        retry: RetryRef<'_, P, K>,
        repeat: &mut R,
        cx: &mut Context<'_>,
    ) -> Poll<R::Output>
    where
        R: Repeatable<P, Call = C, Error = E>,
        K: Timer<Sleep = S>,
    {
        let this = self.as_mut().project();
        let mut scheduled = None;
        if let StateProj::Calling { call } = this.state.project() {
            // The result is read where it lies and returned unchanged: a move of a large result costs more than the rest.
            let (scope, mark) = (this.course.scope(), Mark::here());
            let polled = repeat.poll(call, InCourse { course: this.course, retry: &retry }, cx);
            drop(scope);
            let Poll::Ready(output) = &polled else { return polled };
            let verdict = |attempt: &Attempt, plan: &P| repeat.verdict(attempt, plan, output, mark);
            scheduled = this.course.next(retry, verdict, || repeat.obstacle());
            if scheduled.is_none() {
                return match this.course.last_error(R::error(output), this.kept, mark) {
                    Some(error) => Poll::Ready(R::from_error(error)),
                    None => polled,
                };
            }
            let error = |polled| match polled {
                Poll::Ready(output) => R::into_error(output),
                Poll::Pending => None,
            };
            this.course.put_aside(polled, this.kept, error, retry.purse);
        }
        self.poll_further(retry, repeat, cx, scheduled)
    }

    /// Waits for the further attempts, and makes them.
    // Out of line, because its frame would burden the calls that succeed at once.
    #[inline(never)]
    fn poll_further<R, P, K>(
        self: Pin<&mut Self>,
        retry: RetryRef<'_, P, K>,
        repeat: &mut R,
        cx: &mut Context<'_>,
        mut scheduled: Option<Scheduled>,
    ) -> Poll<R::Output>
    where
        R: Repeatable<P, Call = C, Error = E>,
        K: Timer<Sleep = S>,
    {
        let mut this = self.project();
        let (mut attempts, mut timers) = (0, 0);
        loop {
            let (next, now) = match this.state.as_mut().project() {
                // The attempt has a result. The response was dropped, because it may hold a connection that the next attempt needs.
                StateProj::Calling { .. } => {
                    let next = scheduled.take().expect("only a scheduled attempt keeps it going");
                    let now = next.since;
                    (next, now)
                }
                StateProj::Waiting { sleep, next } => {
                    ready!(sleep.poll(cx));
                    (*next, retry.clock.now())
                }
                StateProj::Due { next } => (*next, retry.clock.now()),
                StateProj::Ended => panic!("a call was polled after it had ended"),
            };
            if attempts == MAX_AT_ONCE || timers == MAX_AT_ONCE {
                // An attempt that fails at once, or a timer that ends too early, must not keep the thread.
                cx.waker().wake_by_ref();
                this.state.set(RetryCallState::Due { next });
                return Poll::Pending;
            }
            if now < next.at {
                // Also if the timer has just ended: it may be coarser than the clock, and no attempt begins too early.
                timers += 1;
                let sleep = retry.clock.sleep_until(next.at);
                this.state.set(RetryCallState::Waiting { sleep, next });
                continue;
            }
            attempts += 1;
            this.course.begin_next(now);
            let (round, scope) = (InCourse { course: this.course, retry: &retry }, this.course.scope());
            // The old attempt is dropped before the new one begins, because both may use the same resource.
            this.state.set(RetryCallState::Ended);
            let call = repeat.begin(round);
            this.state.set(RetryCallState::Calling { call });
            let mark = Mark::here();
            let StateProj::Calling { call } = this.state.as_mut().project() else { unreachable!("it was just set") };
            let output = ready!(repeat.poll(call, round, cx));
            drop(scope);
            let verdict = |attempt: &Attempt, plan: &P| repeat.verdict(attempt, plan, &output, mark);
            scheduled = this.course.next(retry, verdict, || repeat.obstacle());
            if scheduled.is_none() {
                let kept = this.course.last_error(R::error(&output), this.kept, mark);
                return Poll::Ready(kept.map_or(output, R::from_error));
            }
            this.course.put_aside(output, this.kept, R::into_error, retry.purse);
        }
    }
}

impl<C, S, E> RetryCall<C, S, E> {
    /// Pays back an attempt that was paid for and will not be made, because the call is about to be dropped.
    #[inline]
    pub fn refund(self: Pin<&mut Self>, purse: Option<&BudgetState>) {
        if let (RetryCallState::Waiting { .. } | RetryCallState::Due { .. }, Some(purse)) = (&self.state, purse) {
            purse.refund();
        }
    }

    pub(crate) fn describe<'a, 'f, 's>(&self, to: &'a mut DebugStruct<'f, 's>) -> &'a mut DebugStruct<'f, 's> {
        let waiting = matches!(self.state, RetryCallState::Waiting { .. } | RetryCallState::Due { .. });
        to.field("attempt", &self.course.attempt().number()).field("waiting", &waiting)
    }

    /// Returns the attempt in flight.
    pub fn call(self: Pin<&mut Self>) -> Option<Pin<&mut C>> {
        match self.project().state.project() {
            StateProj::Calling { call } => Some(call),
            _ => None,
        }
    }
}

impl<P, K: Timer> Round for InCourse<'_, P, K> {
    #[inline]
    fn attempt(&self) -> Attempt {
        self.course.attempt()
    }

    #[inline]
    fn may_follow(&self) -> bool {
        self.retry.may_follow(self.course.attempt().number())
    }
}

// By hand: it is two references, whatever they refer to.
impl<P, K> Clone for InCourse<'_, P, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, K> Copy for InCourse<'_, P, K> {}

// By hand: derive would ask `Debug` of the user's future.
impl<C, S, E> fmt::Debug for RetryCall<C, S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe(&mut f.debug_struct("RetryCall")).finish_non_exhaustive()
    }
}

/// How many attempts one poll begins at most, besides the first, and how many timers.
const MAX_AT_ONCE: u32 = 16;
