//! Future types, and the one way in which a call is limited.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use seawall_core::{
    Reject, Rejection,
    time::{Instant, Timer},
};

use crate::{Timeout, Watch, terms::Terms};

/// Makes a call with a limit: the one way of `execute`, `call` and the tower service alike.
#[inline(always)]
pub(crate) fn drive<F, L, K: Timer + Clone, W: Watch, R>(
    timeout: &Timeout<L, K>,
    limit: Duration,
    watch: W,
    call: impl FnOnce() -> F,
    reject: R,
) -> ResponseFuture<F, K, W, R> {
    match Terms::begin(timeout, limit, watch, call) {
        Ok((call, terms)) => {
            ResponseFuture { state: State::Running { call }, sleep: None, terms, reject: Some(reject) }
        }
        Err(terms) => {
            terms.tell(terms.nothing_left());
            ResponseFuture { state: State::Refused, sleep: None, terms, reject: Some(reject) }
        }
    }
}

pin_project! {
    /// A call that has a limit, or its refusal.
    ///
    /// The time counts from the first poll that leaves the call waiting, or from when somebody asked for the deadline. When
    /// it is over, the call is dropped, and then the error is given.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, K: Timer, W, R> {
        #[pin]
        state: State<F>,
        // Made when the call is first found waiting.
        #[pin]
        sleep: Option<K::Sleep>,
        terms: Terms<K, W>,
        reject: Option<R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        // The call is polled, then the timer.
        Running { #[pin] call: F },
        // Nothing is polled; the rejection is made of the terms, and given out.
        Refused,
        // The time was over, and the error was given out.
        Ended,
    }
}

impl<F, K, W, R, T, E> Future for ResponseFuture<F, K, W, R>
where
    F: Future<Output = Result<T, E>>,
    K: Timer,
    W: Watch,
    R: Reject<T, E>,
{
    type Output = Result<T, R::Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        if let StateProj::Running { call } = this.state.project() {
            if let Poll::Ready(result) = this.terms.poll(|| call.poll(cx)) {
                this.terms.ended(result.is_ok());
                return Poll::Ready(R::ran(result));
            }
        }
        self.poll_over(cx).map(|(rejection, reject)| reject.refused(rejection))
    }
}

impl<F, K: Timer, W: Watch, R> ResponseFuture<F, K, W, R> {
    /// What is to be done where the call has no result: looks whether the time is over, and then ends the work.
    // Out of line, as its frame would burden those calls that have one.
    #[inline(never)]
    fn poll_over(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<(Rejection, R)> {
        let mut this = self.project();
        let rejection = match this.state.as_mut().project() {
            StateProj::Running { .. } => {
                let (due, is_earlier) = this.terms.due();
                if is_earlier {
                    this.sleep.set(None);
                }
                if !is_over(due, &this.terms.clock, this.sleep.as_mut(), cx) {
                    return Poll::Pending;
                }
                let timed_out = this.terms.time_out(due);
                // The work ends here, before anyone hears that it did.
                this.state.set(State::Ended);
                this.sleep.set(None);
                this.terms.tell(timed_out.clone());
                timed_out.into()
            }
            StateProj::Refused => this.terms.nothing_left().into(),
            StateProj::Ended => panic!("{ENDED}"),
        };
        this.state.set(State::Ended);
        Poll::Ready((rejection, this.reject.take().expect(ENDED)))
    }
}

/// Whether the time is over; if not, the task is woken when it is.
fn is_over<K: Timer>(due: Instant, clock: &K, mut sleep: Pin<&mut Option<K::Sleep>>, cx: &mut Context<'_>) -> bool {
    if due == Instant::MAX {
        return false;
    }
    let is_new = sleep.is_none();
    if is_new {
        sleep.set(Some(clock.sleep_until(due)));
    }
    let timer = sleep.as_pin_mut().expect("it was just made");
    // A call that uses up what tokio grants a task in one poll leaves nothing for its timer, again and again. So the time is
    // looked at too, where the call was polled before.
    timer.poll(cx).is_ready() || (!is_new && clock.now() >= due)
}

// By hand: derive would ask `Debug` of the user's future.
impl<F, K: Timer, W, R> fmt::Debug for ResponseFuture<F, K, W, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = matches!(self.state, State::Running { .. });
        f.debug_struct("ResponseFuture").field("running", &running).finish_non_exhaustive()
    }
}

const ENDED: &str = "a call was polled after it had ended";
