//! Future types.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Response, header::CONTENT_LENGTH};
use http_body::Body;
use pin_project_lite::pin_project;
use seawall_core::{Mark, Outcome, Rejection};
use seawall_policy::Reject;
use seawall_policy::{Gate, Judge, Ticket};

use super::{HeldBody, held::HeadVerdict};

pub use super::late::LateBodyFuture;

pin_project! {
    /// A call that a gate let in, whose response goes on to hold its leave; or its refusal.
    ///
    /// The gate was asked when this was made. It is told at once of an error, of a response that is a failure by its head,
    /// and of one without a body; of any other when its body has been read. Dropped before it has a response, the call is
    /// abandoned; a panic in the call counts as a failure and goes on.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, G: Gate, R> {
        #[pin]
        state: State<F, G, R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, G: Gate, R> {
        // The call is polled; the ticket is spent with its result, or goes on with it.
        Admitted { #[pin] call: F, ticket: Option<Ticket<G>> },
        // Nothing is polled; the rejection is given out once.
        Refused { refusal: Option<(Rejection, R)> },
    }
}

impl<F, G: Gate, R> ResponseFuture<F, G, R> {
    pub(super) const fn admitted(call: F, ticket: Ticket<G>) -> Self {
        Self { state: State::Admitted { call, ticket: Some(ticket) } }
    }

    pub(super) const fn refused(rejection: Rejection, reject: R) -> Self {
        Self { state: State::Refused { refusal: Some((rejection, reject)) } }
    }
}

impl<F, G, R, B, E> Future for ResponseFuture<F, G, R>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    G: Judge<Response<B>, E>,
    R: Reject<Response<B>, E>,
{
    type Output = Result<Response<HeldBody<B, G>>, R::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Admitted { call, ticket: slot } => {
                let ticket = slot.as_mut().expect("a call was polled after it had ended");
                let mark = Mark::here();
                let result = ready!(ticket.run(|| call.poll(cx)));
                let going_on = settle(ticket, &result, mark);
                let ticket = slot.take();
                let hold = |body| match (going_on, ticket) {
                    (Some(head), Some(ticket)) => HeldBody::new(body, ticket, head, judge_trailers::<B, E, G>),
                    _ => HeldBody::free(body),
                };
                Poll::Ready(R::ran(result, mark).map(|response| response.map(hold)))
            }
            StateProj::Refused { refusal } => {
                let (rejection, reject) = refusal.take().expect("a refused call was polled after it had ended");
                Poll::Ready(reject.refused(rejection).map(|response| response.map(HeldBody::free)))
            }
        }
    }
}

/// Settles a call that has ended with that; the verdict on its head, if it goes on.
fn settle<B: Body, E, G: Judge<Response<B>, E>>(
    ticket: &mut Ticket<G>,
    result: &Result<Response<B>, E>,
    mark: Mark,
) -> Option<HeadVerdict> {
    // Both may be a user's code, and if they panic the call has failed.
    let armed = HeldPanicGuard(ticket);
    let Some(outcome) = armed.0.gate().judge(result, mark) else {
        // The ticket is dropped next, which abandons the call.
        mem::forget(armed);
        return None;
    };
    let going_on = match result {
        Ok(response) if outcome != Outcome::Failure && !response.body().is_end_stream() => {
            Some(HeadVerdict::new(outcome, length(response)))
        }
        Ok(_) | Err(_) => None,
    };
    if going_on.is_none() {
        armed.0.settle(outcome);
    }
    mem::forget(armed);
    going_on
}

/// The gate's verdict on the trailers of such a response.
fn judge_trailers<B, E, G: Judge<Response<B>, E>>(gate: &G, trailers: &HeaderMap) -> Option<Outcome> {
    Judge::<Response<B>, E>::judge_end(gate, trailers)
}

/// How much data the body is to have: a server goes by the field, if there is one.
fn length<B: Body>(response: &Response<B>) -> Option<u64> {
    let field = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    field.or_else(|| response.body().size_hint().exact())
}

/// Counts a failure if it is dropped, which is when the code beside it panics.
// As in the gate, whose own settles with the verdict; here the verdict may have to wait.
pub(super) struct HeldPanicGuard<'a, G: Gate>(pub(super) &'a mut Ticket<G>);

impl<G: Gate> Drop for HeldPanicGuard<'_, G> {
    fn drop(&mut self) {
        self.0.settle_in_panic();
    }
}

// By hand: derive would ask `Debug` of the user's future, and of what the gate shares.
impl<F, G: Gate, R> fmt::Debug for ResponseFuture<F, G, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let admitted = matches!(self.state, State::Admitted { .. });
        f.debug_struct("ResponseFuture").field("admitted", &admitted).finish_non_exhaustive()
    }
}
