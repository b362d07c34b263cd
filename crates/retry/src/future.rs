//! Future types, and the one way in which a call is retried.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use seawall_core::{
    attempts::Attempt,
    time::{Clock, DefaultClock, Timer},
};

use crate::{
    AnyError, Decide, HeedRejections, Operation, Retry, Sight,
    course::{Course, Scheduled, discard},
    handle::{Handle, Parts},
    operation::{Numbered, Repeated},
};

/// The future of [`Retry::execute`].
pub type ExecuteFuture<'a, O, P, K = DefaultClock> = ResponseFuture<Repeated<O>, &'a Retry<P, K>, AnyError>;

/// The future of [`Retry::call`].
pub type CallFuture<'a, O, P, K = DefaultClock> = ResponseFuture<Repeated<O>, &'a Retry<P, K>, HeedRejections>;

/// The future of [`Retry::execute_with`].
pub type ExecuteWithFuture<'a, O, P, K = DefaultClock> = ResponseFuture<Numbered<O>, &'a Retry<P, K>, AnyError>;

/// The future of [`Retry::call_with`].
pub type CallWithFuture<'a, O, P, K = DefaultClock> = ResponseFuture<Numbered<O>, &'a Retry<P, K>, HeedRejections>;

/// Makes a call with retries: the one way of `execute`, `call` and the tower service alike.
///
/// `begin` makes the first attempt, at once, and what makes the others; `handle` is the future's share of `retry`, made last
/// and where it stays.
#[inline(always)]
pub fn drive<O: Operation, H: Handle, V>(
    retry: Parts<'_, H::Plan, H::Timer>,
    handle: impl FnOnce() -> H,
    begin: impl FnOnce(Attempt) -> (O, O::Future),
) -> ResponseFuture<O, H, V>
where
    H::Plan: Decide<O::Output, O::Error>,
{
    let course = Course::begin(retry, O::NEEDS_TIME || <H::Plan as Decide<_, _>>::NEEDS_TIME);
    let (operation, call) = begin(course.attempt());
    ResponseFuture { operation, handle: handle(), course, state: State::Calling { call }, sight: PhantomData }
}

pin_project! {
    /// A call that is attempted as often as its retry allows.
    ///
    /// The first attempt was begun when this was made. Each result that is not the last is dropped before the wait for the
    /// next attempt. Dropped while it waits, what was paid for that attempt is given back to the budget.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<O: Operation, H: Handle, V> {
        operation: O,
        handle: H,
        course: Course,
        #[pin]
        state: State<O::Future, <H::Timer as Timer>::Sleep>,
        sight: PhantomData<fn() -> V>,
    }

    impl<O: Operation, H: Handle, V> PinnedDrop for ResponseFuture<O, H, V> {
        fn drop(this: Pin<&mut Self>) {
            // The attempt that it waited for is not made.
            if let (State::Waiting { .. } | State::Due { .. }, Some(purse)) = (&this.state, this.handle.parts().purse) {
                purse.refund();
            }
        }
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, S> {
        // The attempt is polled.
        Calling { #[pin] call: F },
        // The timer is polled; then the next attempt begins.
        Waiting { #[pin] sleep: S, next: Scheduled },
        // Nothing is polled: the next attempt begins with the next poll.
        Due { next: Scheduled },
        // Between two attempts; it stays there if to begin the next one panics.
        Ended,
    }
}

impl<O, H, V> Future for ResponseFuture<O, H, V>
where
    O: Operation,
    H: Handle,
    H::Plan: Decide<O::Output, O::Error>,
    V: Sight<O::Error>,
{
    type Output = Result<O::Output, O::Error>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let mut scheduled = None;
        if let StateProj::Calling { call } = this.state.project() {
            // Looked at where it lies, and given on as it is: to move a large result costs more than all of this.
            let polled = call.poll(cx);
            let Poll::Ready(result) = &polled else { return polled };
            let course = this.course;
            scheduled = course.next::<_, _, _, _, V>(this.handle.parts(), result, || this.operation.obstacle());
            if scheduled.is_none() {
                return polled;
            }
            discard(polled, this.handle.parts().purse);
        }
        self.poll_further(cx, scheduled)
    }
}

impl<O, H, V> ResponseFuture<O, H, V>
where
    O: Operation,
    H: Handle,
    H::Plan: Decide<O::Output, O::Error>,
    V: Sight<O::Error>,
{
    /// What is to be done where the first attempt was not the last: waits, and makes the others.
    // Out of line, as its frame would burden those calls that succeed at once.
    #[inline(never)]
    fn poll_further(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut scheduled: Option<Scheduled>,
    ) -> Poll<Result<O::Output, O::Error>> {
        let mut this = self.project();
        let retry = this.handle.parts();
        let mut attempts = 0;
        loop {
            let (next, now) = match this.state.as_mut().project() {
                // It has a result, which was dropped before the wait: that may hold a connection the next attempt could use.
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
            if now < next.at {
                // Also if the timer has just ended: it may be coarser than the clock, and no call comes back too early.
                let sleep = retry.clock.sleep_until(next.at);
                this.state.set(State::Waiting { sleep, next });
                continue;
            }
            if attempts == MAX_AT_ONCE {
                // What fails at once, and is retried at once, must not keep the thread for itself.
                cx.waker().wake_by_ref();
                this.state.set(State::Due { next });
                return Poll::Pending;
            }
            attempts += 1;
            let attempt = this.course.begin_next(now);
            // First the old attempt goes, then the new one comes: they may use the same thing.
            this.state.set(State::Ended);
            let call = this.operation.attempt(attempt, || retry.may_follow(attempt.number()));
            this.state.set(State::Calling { call });
            let StateProj::Calling { call } = this.state.as_mut().project() else { unreachable!("it was just set") };
            let result = ready!(call.poll(cx));
            scheduled = this.course.next::<_, _, _, _, V>(retry, &result, || this.operation.obstacle());
            if scheduled.is_none() {
                return Poll::Ready(result);
            }
            discard(result, retry.purse);
        }
    }
}

// By hand: derive would ask `Debug` of the user's future.
impl<O: Operation, H: Handle, V> fmt::Debug for ResponseFuture<O, H, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = matches!(self.state, State::Waiting { .. } | State::Due { .. });
        f.debug_struct("ResponseFuture")
            .field("attempt", &self.course.attempt().number())
            .field("waiting", &waiting)
            .finish_non_exhaustive()
    }
}

/// How many attempts one poll begins at most, beside the first.
const MAX_AT_ONCE: u32 = 16;
