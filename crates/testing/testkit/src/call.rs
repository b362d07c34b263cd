//! Inner calls: futures that end when the test says so, and that can be counted.

use std::{
    fmt,
    future::{self, Future},
    mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use futures::{FutureExt, channel::oneshot};
use seawall_core::Error;
use tokio_test::task;

use crate::reply::{Reply, flat};

/// Returns a future that is pending for `pending` polls, and ends with `end` in the poll after them.
pub fn steps<T>(pending: u32, end: impl FnOnce() -> T) -> impl Future<Output = T> {
    let (mut left, mut end) = (pending, Some(end));
    future::poll_fn(move |_| match left.checked_sub(1) {
        Some(fewer) => {
            left = fewer;
            Poll::Pending
        }
        None => Poll::Ready(end.take().expect("the call is polled no more after its end")()),
    })
}

/// Returns a call that ends when the sender says so, or when the sender is dropped.
pub fn until_told() -> (oneshot::Sender<()>, impl Future<Output = Reply> + Send + 'static) {
    let (tell, told) = oneshot::channel();
    (tell, told.map(|_| Ok(())))
}

/// Runs a closure when it is dropped.
pub struct OnDrop<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl<F: FnMut()> fmt::Debug for OnDrop<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDrop").finish_non_exhaustive()
    }
}

/// Returns a call that hangs, and runs `f` when it is dropped.
pub fn hangs_until_dropped(f: impl FnMut()) -> impl Future<Output = Reply> {
    let dropped = OnDrop(f);
    async move {
        let _dropped = dropped;
        future::pending().await
    }
}

/// Counts the inner calls that began, and those that were dropped. Clones share the counts.
#[derive(Debug, Clone, Default)]
pub struct Census(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU32,
    dropped: AtomicU32,
}

impl Census {
    /// Counts `call` as an inner call from now until it is dropped.
    pub fn count<F: Future>(&self, call: F) -> Counted<F> {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        Counted { call: Box::pin(call), counts: self.0.clone() }
    }

    /// Returns how many inner calls began.
    pub fn begun(&self) -> u32 {
        self.0.begun.load(Ordering::SeqCst)
    }

    /// Returns how many inner calls were dropped.
    pub fn dropped(&self) -> u32 {
        self.0.dropped.load(Ordering::SeqCst)
    }
}

/// An inner call that a [`Census`] counts.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Counted<F> {
    call: Pin<Box<F>>,
    counts: Arc<Counts>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.call.as_mut().poll(cx)
    }
}

impl<F> Drop for Counted<F> {
    fn drop(&mut self) {
        self.counts.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// Makes the answer of `execute` flat.
///
/// Other than with `map`, the future of `execute` lives on after its end, so that a test sees what it still holds.
pub fn flattened<F, E>(call: F) -> impl Future<Output = Result<(), Error<E>>>
where
    F: Future<Output = Result<(), Error<Error<E>>>>,
{
    let mut call = Box::pin(call);
    future::poll_fn(move |cx| call.as_mut().poll(cx).map(flat))
}

/// Returns the output of a call that waits for nothing but its own wakes.
///
/// # Panics
///
/// If the call is pending and did not wake its task.
#[track_caller]
pub fn ends<F: Future>(call: F) -> F::Output {
    let mut task = task::spawn(call);
    loop {
        if let Poll::Ready(output) = task.poll() {
            return output;
        }
        assert!(task.is_woken(), "the call is pending, and nothing will wake it");
    }
}

/// A future of `WORDS` words that is ready at once, aligned as most futures are.
#[derive(Debug, Clone, Copy)]
#[must_use = "futures do nothing unless polled"]
pub struct OfWords<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> OfWords<WORDS> {
    /// The size of the future in bytes.
    pub const SIZE: usize = mem::size_of::<Self>();
}

impl<const WORDS: usize> Default for OfWords<WORDS> {
    fn default() -> Self {
        Self([0; WORDS])
    }
}

impl<const WORDS: usize> Future for OfWords<WORDS> {
    type Output = Reply;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Reply> {
        Poll::Ready(Ok(()))
    }
}
