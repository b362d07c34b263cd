//! Future types.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use seawall_core::{Classify, Held, Reject, Rejection, time::Clock};

use crate::{inner::Inner, ticket::Ticket};

pin_project! {
    /// A call that a [`CircuitBreaker`](crate::CircuitBreaker) let in, or its refusal.
    ///
    /// The breaker was asked when this was made; it is told the result in the very poll that gives it. Dropped before
    /// that, the call is abandoned; a panic in the call counts as a failure and goes on.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, C, K: Clock, R> {
        #[pin]
        state: State<F, C, K, R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, C, K: Clock, R> {
        // The call is polled; the ticket is spent with its result.
        Admitted { #[pin] call: F, ticket: Ticket<Held<Inner<C, K>>> },
        // Nothing is polled; the rejection is given out once.
        Refused { refusal: Option<(Rejection, R)> },
    }
}

impl<F, C, K: Clock, R> ResponseFuture<F, C, K, R> {
    pub(crate) fn admitted(call: F, ticket: Ticket<Held<Inner<C, K>>>) -> Self {
        Self { state: State::Admitted { call, ticket } }
    }

    pub(crate) fn refused(rejection: Rejection, reject: R) -> Self {
        Self { state: State::Refused { refusal: Some((rejection, reject)) } }
    }
}

impl<F, C, K, R, T, E> Future for ResponseFuture<F, C, K, R>
where
    F: Future<Output = Result<T, E>>,
    C: Classify<T, E>,
    K: Clock,
    R: Reject<T, E>,
{
    type Output = Result<T, R::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Admitted { call, ticket } => {
                let result = ready!(ticket.run(|| call.poll(cx)));
                ticket.record(&result);
                Poll::Ready(R::ran(result))
            }
            StateProj::Refused { refusal } => {
                let (rejection, reject) = refusal.take().expect("a refused call was polled after it had ended");
                Poll::Ready(reject.refused(rejection))
            }
        }
    }
}

// By hand: derive would ask `Debug` of the user's future and classifier.
impl<F, C, K: Clock, R> fmt::Debug for ResponseFuture<F, C, K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let admitted = matches!(self.state, State::Admitted { .. });
        f.debug_struct("ResponseFuture").field("admitted", &admitted).finish_non_exhaustive()
    }
}
