use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use seawall_core::Outcome;
use seawall_policy::{Gate, Ticket};

pin_project! {
    /// A response's body that keeps the leave of its call until it has been read; from [`hold_body`](crate::hold_body).
    ///
    /// The leave is given back in the very poll that gives the last frame, if the body says by then that it was the last,
    /// and else in the one that gives the end. A frame that is an error counts as a failure, and so does a panic in the inner
    /// body's `poll_frame`, which goes on. Dropped before its end, the call is abandoned: what that means is the gate's rule.
    /// Dropped when it has given as much data as its `Content-Length` or its size announced, it has ended.
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
    head: Head,
}

/// What the head of a response says of how the call ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// The verdict on it, which stands if all of the body comes.
    pub(super) outcome: Outcome,
    /// How much data is still to come, where that was said.
    pub(super) left: Option<u64>,
}

impl<B, G: Gate> HeldBody<B, G> {
    /// A body that is read in the name of that call, whose head was judged so.
    pub(super) const fn new(body: B, ticket: Ticket<G>, head: Head) -> Self {
        Self { body, hold: Some(Hold { ticket, head }) }
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

impl Head {
    fn pass<D: Buf>(&mut self, frame: &Frame<D>) {
        if let (Some(left), Some(data)) = (&mut self.left, frame.data_ref()) {
            *left = left.saturating_sub(data.remaining() as u64);
        }
    }
}

impl<G: Gate> Drop for Hold<G> {
    fn drop(&mut self) {
        // A server that has sent as much as was announced does not ask whether there is more.
        if self.head.left == Some(0) && !thread::panicking() {
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
