//! A body that goes by a script, and what several of these tests set up.

pub(crate) mod gate;

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::task::noop_waker_ref;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use seawall_http::ReplayBody;
pub(crate) use seawall_testkit::panics::panic_message as panic_words;

/// What a poll of the body comes to.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    Error,
    /// Once; the next poll goes on.
    Pending,
    Panic,
}

/// A body that goes by its steps, and then ends. To poll it after its end, or twice at once, is an error of the test.
#[derive(Debug)]
pub(crate) struct Script {
    steps: VecDeque<Step>,
    ended: bool,
    /// Whether it says that it has ended before it is asked for more.
    says_end: bool,
    size: SizeHint,
    watch: Arc<Watch>,
}

/// What the test sees of a body.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) polls: AtomicUsize,
    pub(crate) dropped: AtomicBool,
    polling: AtomicBool,
}

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let steps = steps.into_iter().collect();
        Self { steps, ended: false, says_end: false, size: SizeHint::new(), watch: Arc::default() }
    }

    /// Data in those pieces.
    pub(crate) fn pieces(pieces: &[&'static str]) -> Self {
        Self::new(pieces.iter().copied().map(data))
    }

    pub(crate) fn empty() -> Self {
        Self::new([]).says_end()
    }

    pub(crate) fn says_end(mut self) -> Self {
        self.says_end = true;
        self
    }

    pub(crate) fn exactly(mut self, size: u64) -> Self {
        self.size = SizeHint::with_exact(size);
        self
    }

    pub(crate) fn watch(&self) -> Arc<Watch> {
        Arc::clone(&self.watch)
    }
}

impl Watch {
    pub(crate) fn polls(&self) -> usize {
        self.polls.load(Ordering::Relaxed)
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        assert!(!self.ended, "polled after its end");
        assert!(!self.watch.polling.swap(true, Ordering::SeqCst), "polled twice at once");
        self.watch.polls.fetch_add(1, Ordering::Relaxed);
        let step = self.steps.pop_front();
        self.ended = matches!(step, None | Some(Step::Error | Step::Panic));
        std::thread::yield_now();
        self.watch.polling.store(false, Ordering::SeqCst);
        Poll::Ready(match step {
            None => None,
            Some(Step::Data(data)) => {
                if let Some(size) = self.size.exact() {
                    self.size = SizeHint::with_exact(size.saturating_sub(data.len() as u64));
                }
                Some(Ok(Frame::data(data)))
            }
            Some(Step::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Step::Error) => Some(Err(broken())),
            Some(Step::Panic) => panic!("the body panics"),
            Some(Step::Pending) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.says_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.size
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.watch.dropped.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn data(text: &'static str) -> Step {
    Step::Data(Bytes::from_static(text.as_bytes()))
}

pub(crate) fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("digest"), HeaderValue::from_static("abc"))])
}

pub(crate) fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "broken off")
}

/// What one poll of a body gives, in words.
pub(crate) fn poll<B>(body: &mut B) -> String
where
    B: Body<Data = Bytes, Error: std::fmt::Display> + Unpin,
{
    match Pin::new(body).poll_frame(&mut Context::from_waker(noop_waker_ref())) {
        Poll::Pending => "pending".into(),
        Poll::Ready(None) => "end".into(),
        Poll::Ready(Some(Err(error))) => format!("error: {error}"),
        Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
            Ok(data) => String::from_utf8(data.to_vec()).unwrap(),
            Err(frame) => format!("{:?}", frame.into_trailers().unwrap()),
        },
    }
}

pub(crate) const NOT_KEPT: &str = "error: the body was not kept, and cannot be sent again";
pub(crate) const CUT_OFF: &str = "error: another attempt has begun to read the body";

/// What is read to the end, frame by frame, with the end.
pub(crate) fn rest<B>(body: &mut ReplayBody<B>) -> Vec<String>
where
    B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let mut seen = Vec::new();
    loop {
        seen.push(poll(body));
        if seen.last().is_some_and(|last| last == "end") {
            return seen;
        }
    }
}
