//! Inner services.

use std::{
    fmt,
    future::{self, Future, Ready},
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use tower::{BoxError, Service};

/// A service that is always ready and takes a single request.
pub struct Once<F>(Option<F>);

impl<F> Once<F> {
    /// A service whose only call is `call`.
    pub const fn new(call: F) -> Self {
        Self(Some(call))
    }
}

impl<F, C, T, E> Service<()> for Once<F>
where
    F: FnOnce() -> C,
    C: Future<Output = Result<T, E>>,
{
    type Response = T;
    type Error = E;
    type Future = C;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> C {
        self.0.take().expect("the service is called once")()
    }
}

impl<F> fmt::Debug for Once<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("called", &self.0.is_none()).finish()
    }
}

/// A service that is always ready and makes each call with the same closure. Clones share the closure.
pub struct Callee<F>(Arc<Mutex<F>>);

impl<F> Callee<F> {
    /// A service whose calls are `call`.
    pub fn new(call: F) -> Self {
        Self(Arc::new(Mutex::new(call)))
    }
}

impl<F, C, T, E> Service<()> for Callee<F>
where
    F: FnMut() -> C,
    C: Future<Output = Result<T, E>>,
{
    type Response = T;
    type Error = E;
    type Future = C;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> C {
        // A closure that panicked can be called again.
        (self.0.lock().unwrap_or_else(PoisonError::into_inner))()
    }
}

impl<F> Clone for Callee<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F> fmt::Debug for Callee<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callee").finish_non_exhaustive()
    }
}

/// A service that doubles its request, and insists on its readiness: each call needs a `poll_ready` of this same clone.
#[derive(Debug, Default)]
pub struct Strict {
    ready: bool,
    polls: u32,
    calls: Arc<AtomicU32>,
}

/// The message of a [`Strict`] service that is called without readiness.
pub const NOT_READY: &str = "the service was called, but not made ready";

impl Strict {
    /// Returns how often this clone was polled ready.
    pub const fn polls(&self) -> u32 {
        self.polls
    }

    /// Returns how often this service and its clones were called.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false, polls: 0, calls: self.calls.clone() }
    }
}

impl Service<u32> for Strict {
    type Response = u32;
    type Error = BoxError;
    type Future = Ready<Result<u32, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        (self.ready, self.polls) = (true, self.polls + 1);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        assert!(mem::take(&mut self.ready), "{NOT_READY}");
        self.calls.fetch_add(1, Ordering::SeqCst);
        future::ready(Ok(2 * request))
    }
}

/// Where a [`Panicking`] service panics. The message is the name of the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In `poll_ready`, with "in poll_ready".
    PollReady,
    /// In `call`, with "in call".
    Call,
    /// In the first poll of the call, with "in the call".
    Poll,
}

/// A service that panics at its place.
#[derive(Debug, Clone, Copy)]
pub struct Panicking(pub Place);

impl Panicking {
    /// Returns the message with which it panics.
    pub const fn message(self) -> &'static str {
        match self.0 {
            Place::PollReady => "in poll_ready",
            Place::Call => "in call",
            Place::Poll => "in the call",
        }
    }
}

impl Service<u32> for Panicking {
    type Response = u32;
    type Error = BoxError;
    type Future = future::PollFn<fn(&mut Context<'_>) -> Poll<Result<u32, BoxError>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.0 == Place::PollReady {
            panic!("in poll_ready");
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u32) -> Self::Future {
        if self.0 == Place::Call {
            panic!("in call");
        }
        future::poll_fn(|_| panic!("in the call"))
    }
}
