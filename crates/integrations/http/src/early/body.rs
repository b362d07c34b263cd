use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// A response's body of which the first frame was read before; from [`EarlyStatusLayer`](super::EarlyStatusLayer).
    ///
    /// Frames, errors, size and end are the inner body's. It is empty if the status of the call went into the head.
    pub struct EarlyStatusBody<B: Body> {
        first: Option<Frame<B::Data>>,
        // `None` once it has ended: it is not polled after its end.
        #[pin]
        rest: Option<B>,
    }
}

impl<B: Body> EarlyStatusBody<B> {
    /// `first`, and then what `rest` gives.
    pub(super) const fn new(first: Option<Frame<B::Data>>, rest: Option<B>) -> Self {
        Self { first, rest }
    }
}

impl<B: Body> Body for EarlyStatusBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        this.rest.as_pin_mut().map_or(Poll::Ready(None), |rest| rest.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(Frame::data_ref).map_or(0, |data| data.remaining() as u64);
        let rest = self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut size = SizeHint::new();
        size.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper() {
            size.set_upper(upper.saturating_add(first));
        }
        size
    }
}

/// An empty body: for layers above that answer by themselves.
impl<B: Body> Default for EarlyStatusBody<B> {
    fn default() -> Self {
        Self::new(None, None)
    }
}

impl<B: Body> fmt::Debug for EarlyStatusBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, ended) = (self.first.is_some(), self.rest.is_none());
        f.debug_struct("EarlyStatusBody").field("holds_first", &first).field("ended", &ended).finish_non_exhaustive()
    }
}
