//! Future types, and the driver of a limited call.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use seawall_core::{Mark, Meaning, Name, Rejection, deadline::KnownDeadline, observe::Observers, time::Timer};
use seawall_policy::Reject;

use crate::{EventKind, LatencySink, Timeout, TimeoutCall, TimeoutRef};

/// Makes a call with a limit: the driver of `execute`, `call` and the tower service.
#[inline(always)]
pub(crate) fn drive<F, L, K: Timer + Clone, W: LatencySink, R>(
    timeout: &Timeout<L, K>,
    limit: Duration,
    watch: W,
    call: impl FnOnce() -> F,
    reject: R,
) -> ResponseFuture<F, K, W, R> {
    ResponseFuture {
        limited: TimeoutCall::begin(timeout.terms(), limit, watch, call),
        lent: TimeoutOwned::of(timeout),
        reject: Some(reject),
    }
}

/// Returns a call that is rejected because the inner service was not ready within `limit`.
// Out of line, because its frame would burden the calls of a service that was ready.
#[cold]
pub(crate) fn reject_unready<F, L, K: Timer + Clone, W: LatencySink, R>(
    timeout: &Timeout<L, K>,
    watch: W,
    limit: Duration,
    waited: KnownDeadline,
    reject: R,
) -> ResponseFuture<F, K, W, R> {
    let limited = TimeoutCall::unready(timeout.terms(), watch, limit, waited);
    ResponseFuture { limited, lent: TimeoutOwned::of(timeout), reject: Some(reject) }
}

/// The parts of a timeout that a call needs, owned, for futures that cannot borrow the timeout.
struct TimeoutOwned<K> {
    clock: K,
    name: Name,
    outbox: Option<Arc<Observers<EventKind>>>,
}

impl<K> TimeoutOwned<K> {
    #[inline(always)]
    fn of<L>(timeout: &Timeout<L, K>) -> Self
    where
        K: Clone,
    {
        Self { clock: timeout.clock.clone(), name: timeout.name.clone(), outbox: timeout.outbox.clone() }
    }

    fn terms(&self) -> TimeoutRef<'_, K> {
        TimeoutRef { clock: &self.clock, name: &self.name, outbox: self.outbox.as_deref() }
    }
}

pin_project! {
    /// The future of a limited call, or of its rejection.
    ///
    /// The time begins with the first poll that leaves the call pending, or when code asks for the deadline. When the time is over,
    /// the future drops the call, and then returns the error.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, K: Timer, W, R> {
        #[pin]
        limited: TimeoutCall<F, K::Sleep, W>,
        lent: TimeoutOwned<K>,
        reject: Option<R>,
    }
}

impl<F, K, W, R, T, E> Future for ResponseFuture<F, K, W, R>
where
    F: Future<Output = Result<T, E>>,
    K: Timer,
    W: LatencySink,
    R: Reject<T, E>,
{
    type Output = Result<T, R::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let terms = this.lent.terms();
        let mark = Mark::here();
        let rejection = match this.limited.as_mut().poll_call(terms, |call| call.poll(cx), Result::is_ok) {
            Poll::Ready(result) => match own_rejection(&result, mark, this.limited.as_mut(), terms) {
                Some(rejection) => rejection,
                None => return Poll::Ready(R::ran(result, mark)),
            },
            Poll::Pending => ready!(this.limited.poll_over(terms, cx, |_| ())),
        };
        let reject = this.reject.take().expect("a call was polled after it had ended");
        Poll::Ready(reject.refused(rejection))
    }
}

/// Returns the timeout's own rejection if a policy below was cut off by the deadline that this timeout is.
///
/// The error from below blames the caller, but the limit is the timeout's own, so policies further out must see a failure.
#[inline]
fn own_rejection<T, E, C, K: Timer, W: LatencySink>(
    result: &Result<T, E>,
    mark: Mark,
    limited: Pin<&mut TimeoutCall<C, K::Sleep, W>>,
    terms: TimeoutRef<'_, K>,
) -> Option<Rejection> {
    let Err(error) = result else { return None };
    if mark.meaning(error) == Some(Meaning::CutOff) { limited.own_rejection(terms) } else { None }
}

// By hand: derive would ask `Debug` of the user's future.
impl<F, K: Timer, W, R> fmt::Debug for ResponseFuture<F, K, W, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("running", &self.limited.is_running()).finish_non_exhaustive()
    }
}
