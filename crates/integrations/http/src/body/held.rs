use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};

use bytes::Buf;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use seawall_core::Outcome;
use seawall_policy::{Gate, Ticket};

use super::future::HeldPanicGuard;

pin_project! {
    /// A response's body that keeps the leave of its call until it has been read; from [`hold_body`](crate::hold_body).
    ///
    /// The leave is given back in the very poll that gives the last frame, if the body says by then that it was the last,
    /// and otherwise in the poll that gives the end. Trailers are judged if the policy's classifier judges them, and the
    /// verdict on them takes the place of the verdict on the head. A frame that is an error counts as a failure, and so does a panic in the inner
    /// body's `poll_frame`, which goes on. Dropped before its end, the call is abandoned: what that means is the gate's rule.
    /// Dropped when it has given its trailers, or as much data as its `Content-Length` or its size announced, it has ended.
    ///
    /// Data, trailers, errors, size and end are the inner body's.
    pub struct HeldBody<B, G: Gate> {
        // First, as what it holds is to be gone when another call gets the place.
        #[pin]
        body: B,
        hold: Option<Hold<G>>,
    }
}

/// A call whose response is still read.
struct Hold<G: Gate> {
    ticket: Ticket<G>,
    head: HeadVerdict,
    judge: JudgeTrailers<G>,
}

/// How the gate judges trailers. A plain function, because the body's type does not know the error type of the call.
pub(super) type JudgeTrailers<G> = fn(&G, &HeaderMap) -> Option<Outcome>;

/// What is known so far about how the call ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeadVerdict {
    /// The verdict on the head, or on the trailers, which stands if all of the body comes.
    outcome: Outcome,
    /// How much data is still to come; [`UNKNOWN`] if the head did not say.
    left: u64,
}

impl<B, G: Gate> HeldBody<B, G> {
    /// A body that is read in the name of that call, whose head was judged so.
    pub(super) const fn new(body: B, ticket: Ticket<G>, head: HeadVerdict, judge: JudgeTrailers<G>) -> Self {
        Self { body, hold: Some(Hold { ticket, head, judge }) }
    }

    /// A body that holds nothing.
    pub(super) const fn free(body: B) -> Self {
        Self { body, hold: None }
    }

    /// Whether it still holds the leave of its call.
    pub const fn is_held(&self) -> bool {
        self.hold.is_some()
    }

    /// The body.
    pub const fn get_ref(&self) -> &B {
        &self.body
    }

    /// The body. To read it is to go around the gate, which takes the call for abandoned then.
    pub const fn get_mut(&mut self) -> &mut B {
        &mut self.body
    }
}

impl<B: Body, G: Gate> Body for HeldBody<B, G> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let Some(hold) = this.hold else { return this.body.poll_frame(cx) };
        let (frame, is_last) = ready!(hold.ticket.run(|| {
            let frame = ready!(this.body.as_mut().poll_frame(cx));
            let is_last = this.body.is_end_stream();
            Poll::Ready((frame, is_last))
        }));
        if let Some(Ok(Some(trailers))) = frame.as_ref().map(|frame| frame.as_ref().map(Frame::trailers_ref)) {
            hold.judge(trailers);
        }
        let outcome = match &frame {
            Some(Err(_)) => Some(Outcome::Failure),
            None => Some(hold.head.outcome),
            Some(Ok(frame)) => {
                hold.head.pass(frame);
                is_last.then_some(hold.head.outcome)
            }
        };
        if let Some(outcome) = outcome {
            hold.ticket.settle(outcome);
            *this.hold = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl HeadVerdict {
    /// The verdict on a head, and how much data was announced.
    pub(super) fn new(outcome: Outcome, announced: Option<u64>) -> Self {
        Self { outcome, left: announced.unwrap_or(UNKNOWN) }
    }

    fn pass<D: Buf>(&mut self, frame: &Frame<D>) {
        match frame.data_ref() {
            Some(_) if self.left == UNKNOWN => {}
            Some(data) => self.left = self.left.saturating_sub(data.remaining() as u64),
            // Nothing follows the trailers.
            None if frame.is_trailers() => self.left = 0,
            None => {}
        }
    }
}

impl<G: Gate> Hold<G> {
    /// Lets the trailers replace the verdict on the head.
    fn judge(&mut self, trailers: &HeaderMap) {
        let armed = HeldPanicGuard(&mut self.ticket);
        if let Some(outcome) = (self.judge)(armed.0.gate(), trailers) {
            self.head.outcome = outcome;
        }
        mem::forget(armed);
    }
}

impl<G: Gate> Drop for Hold<G> {
    fn drop(&mut self) {
        // A server that has sent as much as was announced does not ask whether there is more.
        if self.head.left == 0 && !thread::panicking() {
            self.ticket.settle(self.head.outcome);
        }
    }
}

/// A body that holds nothing: for layers above that answer by themselves, with an empty response.
impl<B: Default, G: Gate> Default for HeldBody<B, G> {
    fn default() -> Self {
        Self::free(B::default())
    }
}

impl<B: fmt::Debug, G: Gate> fmt::Debug for HeldBody<B, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldBody").field("body", &self.body).field("held", &self.is_held()).finish()
    }
}

/// No body is that long.
const UNKNOWN: u64 = u64::MAX;
