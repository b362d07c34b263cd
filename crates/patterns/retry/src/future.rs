//! Future types, and the driver of a retried call.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use seawall_core::{
    Mark,
    attempts::{Attempt, GaveUp, Round, Verdict},
    time::{DefaultClock, Timer},
};

use crate::{
    Decide, Opaque, Operation, Repeatable, Retry, RetryCall, ShowsRejections, Visibility,
    course::RetryState,
    decide::judge_attempt,
    handle::{Handle, RetryRef},
    operation::{Numbered, RunEach},
};

/// The future of [`Retry::execute`].
pub type ExecuteFuture<'a, O, P, K = DefaultClock> = ResponseFuture<RunEach<O>, &'a Retry<P, K>, Opaque>;

/// The future of [`Retry::call`].
pub type CallFuture<'a, O, P, K = DefaultClock> = ResponseFuture<RunEach<O>, &'a Retry<P, K>, ShowsRejections>;

/// The future of [`Retry::execute_with`].
pub type ExecuteWithFuture<'a, O, P, K = DefaultClock> = ResponseFuture<Numbered<O>, &'a Retry<P, K>, Opaque>;

/// The future of [`Retry::call_with`].
pub type CallWithFuture<'a, O, P, K = DefaultClock> = ResponseFuture<Numbered<O>, &'a Retry<P, K>, ShowsRejections>;

/// Makes a call with retries: the driver of `execute`, `call` and the tower service.
///
/// `begin` makes the first attempt at once, and returns the operation that makes the others. `handle` makes the future's share of
/// `retry`, last and in its final place.
#[inline(always)]
pub fn drive<O: Operation, H: Handle, V>(
    retry: RetryRef<'_, H::Plan, H::Timer>,
    handle: impl FnOnce() -> H,
    begin: impl FnOnce(Attempt) -> (O, O::Future),
) -> ResponseFuture<O, H, V>
where
    H::Plan: Decide<O::Output, O::Error>,
{
    let course = RetryState::begin(retry, O::NEEDS_TIME || <H::Plan as Decide<_, _>>::NEEDS_TIME);
    let (operation, call) = begin(course.attempt());
    ResponseFuture { operation, handle: handle(), attempts: RetryCall::first(course, call), sight: PhantomData }
}

pin_project! {
    /// The future of a retried call.
    ///
    /// The first attempt began when this future was made. Each response that is not the last is dropped before the wait for the next
    /// attempt, and the callee's last error is kept. If the future is dropped while it waits, the budget gets back the price of the
    /// next attempt.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<O: Operation, H: Handle, V> {
        operation: O,
        handle: H,
        #[pin]
        attempts: RetryCall<O::Future, <H::Timer as Timer>::Sleep, O::Error>,
        sight: PhantomData<fn() -> V>,
    }

    impl<O: Operation, H: Handle, V> PinnedDrop for ResponseFuture<O, H, V> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.attempts.refund(this.handle.parts().purse);
        }
    }
}

/// The attempts of an operation, as the retry begins and polls them.
struct Attempted<'a, O, V> {
    operation: &'a mut O,
    sight: PhantomData<fn() -> V>,
}

impl<O, V, P> Repeatable<P> for Attempted<'_, O, V>
where
    O: Operation,
    P: Decide<O::Output, O::Error>,
    V: Visibility<O::Error>,
{
    type Call = O::Future;
    type Output = Result<O::Output, O::Error>;
    type Error = O::Error;

    #[inline(always)]
    fn begin(&mut self, round: impl Round) -> O::Future {
        self.operation.attempt(round.attempt(), || round.may_follow())
    }

    #[inline(always)]
    fn poll(&mut self, call: Pin<&mut O::Future>, _: impl Round, cx: &mut Context<'_>) -> Poll<Self::Output> {
        call.poll(cx)
    }

    #[inline(always)]
    fn verdict(&self, attempt: &Attempt, plan: &P, result: &Self::Output, mark: Mark) -> Option<Verdict> {
        judge_attempt(plan, attempt, result, |error| V::meaning(error, mark.meaning(error)))
    }

    fn error(result: &Self::Output) -> Option<&O::Error> {
        result.as_ref().err()
    }

    fn into_error(result: Self::Output) -> Option<O::Error> {
        result.err()
    }

    fn from_error(error: O::Error) -> Self::Output {
        Err(error)
    }

    fn obstacle(&self) -> Option<GaveUp> {
        self.operation.obstacle()
    }
}

impl<O, H, V> Future for ResponseFuture<O, H, V>
where
    O: Operation,
    H: Handle,
    H::Plan: Decide<O::Output, O::Error>,
    V: Visibility<O::Error>,
{
    type Output = Result<O::Output, O::Error>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut attempted = Attempted::<O, V> { operation: this.operation, sight: PhantomData };
        this.attempts.poll(this.handle.parts(), &mut attempted, cx)
    }
}

// By hand: derive would ask `Debug` of the user's future.
impl<O: Operation, H: Handle, V> fmt::Debug for ResponseFuture<O, H, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.attempts.describe(&mut f.debug_struct("ResponseFuture")).finish_non_exhaustive()
    }
}
