//! Future types, and the one way in which a call is limited.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use seawall_core::{
    Reject, Rejection,
    time::{Instant, Timer},
};

use crate::{Watch, terms::Terms};

/// Makes a call with a limit: the one way of `execute`, `call` and the tower service alike.
#[inline]
pub(crate) fn drive<F, K: Timer, W: Watch, R>(
    mut terms: Terms<K, W>,
    call: impl FnOnce() -> F,
    reject: R,
) -> ResponseFuture<F, K, W, R> {
    let state = match terms.begin(call) {
        Ok(call) => State::Running { call, sleep: None, terms, reject: Some(reject) },
        Err(rejection) => State::Refused { refusal: Some((rejection, reject)) },
    };
    ResponseFuture { state }
}

pin_project! {
    /// A call that has a limit, or its refusal.
    ///
    /// The time counts from the first poll that leaves the call waiting, or from when somebody asked for the deadline. When
    /// it is over, the call is dropped, and then the error is given.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, K: Timer, W, R> {
        #[pin]
        state: State<F, K, K::Sleep, W, R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, K, S, W, R> {
        // The call is polled, then the timer, which is made when the call is first found waiting.
        Running { #[pin] call: F, #[pin] sleep: Option<S>, terms: Terms<K, W>, reject: Option<R> },
        // Nothing is polled; the rejection is given out once.
        Refused { refusal: Option<(Rejection, R)> },
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
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        let (rejection, reject) = match state.as_mut().project() {
            StateProj::Running { call, sleep, terms, reject } => {
                if let Poll::Ready(result) = terms.run(|| call.poll(cx)) {
                    terms.ended();
                    return Poll::Ready(R::ran(result));
                }
                let due = terms.due();
                if !is_over(due, &terms.clock, sleep, cx) {
                    return Poll::Pending;
                }
                (terms.time_out(due), reject.take().expect("it is taken once, with the end of this state"))
            }
            StateProj::Refused { refusal } => refusal.take().expect("a refused call was polled after it had ended"),
            StateProj::Ended => panic!("a call was polled after it had ended"),
        };
        // The work ends here, before anyone hears that it did.
        state.set(State::Ended);
        Poll::Ready(reject.refused(rejection))
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
