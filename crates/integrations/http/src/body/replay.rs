use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{
    error::{BoxError, CutOff, NotKept},
    kept::Position,
    shared::{Asked, SharedBody, has_copies},
    tape::to_bytes,
};

/// A request's body that can be sent again, as long as it is small.
///
/// It is read through: what it gives, it gives when the inner body does, and keeps a copy, up to a cap. A copy of it, from
/// [`try_clone`](Self::try_clone), gives what was kept from the beginning, and goes on with the rest of the inner body where
/// the last reader stopped: data and trailers, byte for byte the whole, though not in the same frames.
///
/// - **The cap** is on data and trailers together, and on the memory for them: there is never more. A body that turns out to
///   be larger goes on undisturbed, its copy of what has passed is dropped, and it cannot be sent again: its copies fail
///   with [`NotKept`]. One that says so beforehand, by its size (`Content-Length`), is not kept from the beginning.
/// - **Bytes are kept only for copies**: bytes read while no copy exists, as in the last attempt, cannot be replayed.
/// - **A single reader.** The copy that began last is the reader. The previous reader is woken and cut off with [`CutOff`].
///   So an abandoned attempt with a connection that still reads does not block the next attempt.
/// - **An error** of the inner body, or a panic, ends it for all: its copies fail with [`NotKept`].
///
/// An empty body allocates nothing. Otherwise there are two allocations, and some for what is kept.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use http_body_util::{BodyExt, Full};
/// use seawall_http::ReplayBody;
///
/// let body = ReplayBody::new(Full::<&[u8]>::from(&b"some data"[..]), 1024);
/// let again = body.try_clone().expect("it is small");
/// assert_eq!(body.collect().await.unwrap().to_bytes(), "some data");
/// assert_eq!(again.collect().await.unwrap().to_bytes(), "some data");
/// # }
/// ```
pub struct ReplayBody<B> {
    source: ReplaySource<B>,
}

enum ReplaySource<B> {
    /// At its end from the beginning, and so are its copies.
    Empty,
    /// Known to be too large.
    Through(Pin<Box<B>>),
    Shared(Reader<B>),
}

/// One of those who read, or may begin to.
struct Reader<B> {
    shared: Arc<SharedBody<B>>,
    /// 0 if it has not begun.
    number: u64,
    position: Position,
    /// The least and the most that the whole body has.
    size: (u64, Option<u64>),
    ended: bool,
}

impl<B: Body> ReplayBody<B> {
    /// A body of which at most `max_kept` bytes are kept.
    pub fn new(body: B, max_kept: usize) -> Self {
        let size = body.size_hint();
        let source = if body.is_end_stream() {
            ReplaySource::Empty
        } else if size.lower() > max_kept as u64 {
            ReplaySource::Through(Box::pin(body))
        } else {
            let (shared, size) = (Arc::new(SharedBody::new(body, max_kept)), (size.lower(), size.upper()));
            ReplaySource::Shared(Reader { shared, number: 0, position: Position::default(), size, ended: false })
        };
        Self { source }
    }
}

impl<B> ReplayBody<B> {
    /// A copy, which is read from the beginning; `None` if there can be none.
    ///
    /// What has not been read yet can still prove to be too large: then the copy fails.
    pub fn try_clone(&self) -> Option<Self> {
        let source = match &self.source {
            ReplaySource::Empty => ReplaySource::Empty,
            ReplaySource::Shared(reader) if reader.shared.is_whole() => ReplaySource::Shared(reader.again()),
            ReplaySource::Shared(_) | ReplaySource::Through(_) => return None,
        };
        Some(Self { source })
    }

    /// Returns whether this unread body would give the whole content, as far as is known.
    ///
    /// For a copy, it tells whether sending the copy is still useful.
    pub fn is_whole(&self) -> bool {
        match &self.source {
            ReplaySource::Empty | ReplaySource::Through(_) => true,
            ReplaySource::Shared(reader) => reader.shared.is_whole(),
        }
    }
}

impl<B> Body for ReplayBody<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().source {
            ReplaySource::Empty => Poll::Ready(None),
            ReplaySource::Through(body) => body.as_mut().poll_frame(cx).map(|frame| frame.map(to_bytes)),
            ReplaySource::Shared(reader) => reader.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            ReplaySource::Empty => true,
            ReplaySource::Through(body) => body.is_end_stream(),
            ReplaySource::Shared(reader) => reader.ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            ReplaySource::Empty => SizeHint::with_exact(0),
            ReplaySource::Through(body) => body.size_hint(),
            ReplaySource::Shared(reader) => reader.size_hint(),
        }
    }
}

impl<B> Reader<B> {
    /// Returns a reader of the same body that begins again.
    fn again(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            number: 0,
            position: Position::default(),
            size: self.size,
            ended: false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        let mut left = SizeHint::new();
        left.set_lower(self.size.0.saturating_sub(self.position.data));
        if let Some(upper) = self.size.1 {
            left.set_upper(upper.saturating_sub(self.position.data));
        }
        left
    }
}

impl<B> Reader<B>
where
    B: Body<Error: Into<BoxError>>,
{
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut lease = match self.shared.take(&mut self.number, cx) {
            Asked::Lease(lease) => lease,
            Asked::Busy => return Poll::Pending,
            Asked::CutOff => return fail(&mut self.ended, CutOff(())),
            Asked::NotKept => return fail(&mut self.ended, NotKept(())),
        };
        let keeps = has_copies(&self.shared);
        let mut tape = lease.tape();
        let polled = tape.as_mut().read(self.number, self.position, keeps, cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.position.pass(frame);
                self.ended = tape.is_over(self.position);
            }
            Poll::Ready(_) => self.ended = true,
            Poll::Pending => {}
        }
        let parked = polled.is_pending().then(|| cx.waker().clone());
        let is_cut_off = lease.finish(parked);
        if is_cut_off && polled.is_pending() {
            return fail(&mut self.ended, CutOff(()));
        }
        polled
    }
}

/// What a reader gives that cannot read on.
fn fail(ended: &mut bool, error: impl Into<BoxError>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
    *ended = true;
    Poll::Ready(Some(Err(error.into())))
}

impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, read) = match &self.source {
            ReplaySource::Empty => ("empty", 0),
            ReplaySource::Through(_) => ("too large to be kept", 0),
            ReplaySource::Shared(reader) => ("kept", reader.position.data),
        };
        f.debug_struct("ReplayBody").field("kind", &kind).field("read", &read).finish_non_exhaustive()
    }
}

/// How many bytes of a body are kept by default: 64 KiB. More than most requests that are made by a program have, a few
/// times what a first flight of TCP takes, and what a thousand calls at once keep in 64 MiB. Linkerd keeps as much.
pub const DEFAULT_MAX_KEPT: usize = 64 * 1024;
