//! Future types.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{Response, StatusCode};
use pin_project_lite::pin_project;
use seawall_core::time::{Instant, Timer};

use crate::GrpcCode;

pin_project! {
    /// A call whose callee was told how much time there is; from [`WriteDeadline`](super::WriteDeadline).
    ///
    /// A result that says "out of time", when the told time is over, is held back until a policy above has had the turn to cut
    /// the call by the same deadline.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, T, E, K: Timer> {
        told: Option<ToldDeadline>,
        clock: K,
        #[pin]
        state: DeadlineState<F, Result<T, E>, K::Sleep>,
    }
}

/// What a callee was told.
#[derive(Debug, Clone, Copy)]
pub(super) struct ToldDeadline {
    /// When the time is over that it was told.
    pub(super) over: Instant,
    /// When the time is over that there is: a little later, because what is told is rounded down.
    pub(super) deadline: Instant,
}

pin_project! {
    #[project = StateProj]
    enum DeadlineState<F, R, S> {
        // The call is polled.
        Calling { #[pin] call: F },
        // The timer is polled, until the deadline has passed for every timer above.
        Holding { #[pin] sleep: S, result: Option<R> },
        // The policies above poll their timers once more; then the result is given.
        Yielding { result: Option<R> },
    }
}

impl<F, T, E, K: Timer> ResponseFuture<F, T, E, K> {
    pub(super) const fn new(call: F, told: Option<ToldDeadline>, clock: K) -> Self {
        Self { told, clock, state: DeadlineState::Calling { call } }
    }
}

impl<F, B, E, K> Future for ResponseFuture<F, Response<B>, E, K>
where
    F: Future<Output = Result<Response<B>, E>>,
    K: Timer,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Calling { call } => {
                    let result = ready!(call.poll(cx));
                    let Some(told) = this.told else { return Poll::Ready(result) };
                    if !says_out_of_time(&result) || this.clock.now() < told.over {
                        return Poll::Ready(result);
                    }
                    let sleep = this.clock.sleep_until(told.deadline + SLACK);
                    this.state.set(DeadlineState::Holding { sleep, result: Some(result) });
                }
                StateProj::Holding { sleep, result } => {
                    ready!(sleep.poll(cx));
                    // On a busy thread the timers above may have ended since the last poll; they are polled after this.
                    let result = result.take();
                    this.state.set(DeadlineState::Yielding { result });
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                StateProj::Yielding { result } => {
                    return Poll::Ready(result.take().expect("a call was polled after it had ended"));
                }
            }
        }
    }
}

/// Whether this may be the work of a timer that keeps to the told time.
fn says_out_of_time<B, E>(result: &Result<Response<B>, E>) -> bool {
    let Ok(response) = result else { return true };
    response.status() == StatusCode::GATEWAY_TIMEOUT
        || matches!(GrpcCode::of_headers(response.headers()), Some(GrpcCode::Cancelled | GrpcCode::DeadlineExceeded))
}

// By hand: derive would ask `Debug` of the user's future.
impl<F, T, E, K: Timer> fmt::Debug for ResponseFuture<F, T, E, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_holding = !matches!(self.state, DeadlineState::Calling { .. });
        f.debug_struct("ResponseFuture").field("told", &self.told).field("holding", &is_holding).finish_non_exhaustive()
    }
}

/// How much later than the deadline a timer above may end: tokio's timers end on the millisecond that follows.
const SLACK: Duration = Duration::from_millis(2);
