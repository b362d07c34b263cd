//! What several of these tests set up.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    future::{self, Future, Ready},
    mem,
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use futures::FutureExt;
use seawall_core::{
    AsRejection, Backoff, Budget, Error, Jitter,
    time::{Clock, Instant, Timer},
};
use seawall_retry::{Builder, ByOutcome, Decide, Event, EventKind, GaveUp, NoHint, Retry};
use tokio_test::task;
use tower::{Service, ServiceExt};

pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const TICK: Duration = Duration::from_nanos(1);
pub(crate) const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The error of an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed(pub(crate) u32);

/// What the calls of these tests come to: the number of the attempt, as a rule.
pub(crate) type Reply = Result<u32, Error<Failed>>;

/// A failure of the callee.
pub(crate) const fn failed(number: u32) -> Reply {
    Err(Error::Inner(Failed(number)))
}

// ===== time =====

/// A clock that leaps to any time that is waited for, and remembers how long each wait was.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leaping(Arc<Mutex<Leaps>>);

#[derive(Debug, Default)]
struct Leaps {
    /// Since the origin.
    now: Duration,
    waits: Vec<Duration>,
}

impl Leaping {
    /// Goes on, as if the callee had taken so long.
    pub(crate) fn advance(&self, by: Duration) {
        let mut leaps = self.0.lock().unwrap();
        leaps.now = leaps.now.saturating_add(by);
    }

    /// The waits since this was last asked.
    pub(crate) fn take_waits(&self) -> Vec<Duration> {
        mem::take(&mut self.0.lock().unwrap().waits)
    }
}

impl Clock for Leaping {
    fn now(&self) -> Instant {
        Instant::ORIGIN + self.0.lock().unwrap().now
    }
}

impl Timer for Leaping {
    type Sleep = Ready<()>;

    fn sleep_until(&self, deadline: Instant) -> Ready<()> {
        let mut leaps = self.0.lock().unwrap();
        let wait = deadline.saturating_duration_since(Instant::ORIGIN + leaps.now);
        assert!(wait > Duration::ZERO, "nobody waits for what is there");
        leaps.waits.push(wait);
        leaps.now += wait;
        future::ready(())
    }
}

// ===== retries =====

/// By a clock that leaps, without a budget and without jitter: a millisecond between the attempts.
pub(crate) fn plain() -> (Builder<ByOutcome, NoHint, Leaping>, Leaping) {
    let clock = Leaping::default();
    (free().backoff(exactly(MILLISECOND)).clock(clock.clone()), clock)
}

/// Without a budget.
pub(crate) fn free() -> Builder {
    Retry::builder("t").budget(Budget::unlimited())
}

/// No delay at all, without a budget.
pub(crate) fn quick() -> Builder {
    free().backoff(Duration::ZERO)
}

/// That delay, without jitter.
pub(crate) fn exactly(delay: Duration) -> Backoff {
    Backoff::constant(delay).jitter(Jitter::None)
}

// ===== calls =====

/// The ways to make a call that is a future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Execute,
    ExecuteWith,
    Call,
    CallWith,
    Service,
    /// A service that takes rejections for failures as others.
    AnyErrorService,
}

pub(crate) type Boxed<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + 'a>>;

impl Way {
    pub(crate) const ALL: [Self; 6] =
        [Self::Execute, Self::ExecuteWith, Self::Call, Self::CallWith, Self::Service, Self::AnyErrorService];

    /// Those that see rejections from below.
    pub(crate) const HEEDING: [Self; 3] = [Self::Call, Self::CallWith, Self::Service];

    /// Those that do not.
    pub(crate) const HEEDLESS: [Self; 3] = [Self::Execute, Self::ExecuteWith, Self::AnyErrorService];

    /// Makes a call. A service makes its first attempt with the first poll only.
    pub(crate) fn start<'a, P, K, O, F, T, E>(self, retry: &'a Retry<P, K>, mut f: O) -> Boxed<'a, T, E>
    where
        P: Decide<T, E> + Clone + 'a,
        K: Timer + Clone + 'a,
        O: FnMut() -> F + 'a,
        F: Future<Output = Result<T, E>> + 'a,
        T: 'a,
        E: AsRejection + 'a,
    {
        match self {
            Self::Execute => retry.execute(f).boxed_local(),
            Self::ExecuteWith => retry.execute_with(move |_| f()).boxed_local(),
            Self::Call => retry.call(f).boxed_local(),
            Self::CallWith => retry.call_with(move |_| f()).boxed_local(),
            Self::Service => tower::Layer::layer(&retry.layer().clone_all(), Callee::new(f)).oneshot(()).boxed_local(),
            Self::AnyErrorService => {
                tower::Layer::layer(&retry.layer().clone_all().any_error(), Callee::new(f)).oneshot(()).boxed_local()
            }
        }
    }
}

/// A service that is always ready, and whose clones are one.
pub(crate) struct Callee<O>(Rc<RefCell<O>>);

impl<O> Callee<O> {
    pub(crate) fn new(f: O) -> Self {
        Self(Rc::new(RefCell::new(f)))
    }
}

impl<O> Clone for Callee<O> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<O, F, T, E> Service<()> for Callee<O>
where
    O: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
{
    type Response = T;
    type Error = E;
    type Future = F;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> F {
        (self.0.borrow_mut())()
    }
}

/// Makes a call whose attempts come to what `f` says of their numbers, from 1: what it came to, and how many there were.
pub(crate) fn run<P, K, T, E>(
    way: Way,
    retry: &Retry<P, K>,
    mut f: impl FnMut(u32) -> Result<T, E>,
) -> (Result<T, E>, u32)
where
    P: Decide<T, E> + Clone,
    K: Timer + Clone,
    E: AsRejection,
{
    let attempts = Cell::new(0);
    let attempt = || {
        attempts.set(attempts.get() + 1);
        future::ready(f(attempts.get()))
    };
    let result = ends(way.start(retry, attempt));
    (result, attempts.get())
}

/// As [`run`], blocking.
pub(crate) fn run_blocking<P, K, T, E>(
    retry: &Retry<P, K>,
    mut f: impl FnMut(u32) -> Result<T, E>,
) -> (Result<T, E>, u32)
where
    P: Decide<T, E>,
    K: Clock,
{
    let mut attempts = 0;
    let result = retry.execute_blocking(|| {
        attempts += 1;
        f(attempts)
    });
    (result, attempts)
}

/// What a future comes to that waits for nothing but itself.
pub(crate) fn ends<F: Future>(future: F) -> F::Output {
    let mut task = task::spawn(future);
    loop {
        if let Poll::Ready(output) = task.poll() {
            return output;
        }
        assert!(task.is_woken(), "it waits for nobody");
    }
}

/// Is pending for so many polls, and ends with `end` in the one after.
pub(crate) fn steps<T>(pending: u32, end: impl FnOnce() -> T) -> impl Future<Output = T> {
    let (mut left, mut end) = (pending, Some(end));
    future::poll_fn(move |_| match left.checked_sub(1) {
        Some(fewer) => {
            left = fewer;
            Poll::Pending
        }
        None => Poll::Ready(end.take().expect("it is polled after its end")()),
    })
}

/// What `future` comes to. With time that is paused, one that would wait for ever fails instead.
pub(crate) async fn some_day<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(YEAR * 100, future).await.expect("it goes on")
}

// ===== events =====

/// A log of what an observer saw.
pub(crate) type Log<T> = Arc<Mutex<Vec<T>>>;

/// A log, and an observer that keeps it.
pub(crate) fn log() -> (Log<EventKind>, impl Fn(&Event) + Send + Sync + 'static) {
    let log = Log::default();
    let seen = log.clone();
    (log, move |event: &Event| seen.lock().unwrap().push(event.kind().clone()))
}

/// Why the calls of that log were given up, in turn.
pub(crate) fn reasons(log: &Log<EventKind>) -> Vec<GaveUp> {
    let reason = |kind: &EventKind| match kind {
        EventKind::GaveUp { reason, .. } => Some(*reason),
        _ => None,
    };
    log.lock().unwrap().iter().filter_map(reason).collect()
}

// ===== panics =====

/// The words with which `f` panics; `None` if it does not.
pub(crate) fn panic_words<T>(f: impl FnOnce() -> T) -> Option<String> {
    panic::catch_unwind(AssertUnwindSafe(f)).err().map(words)
}

fn words(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(words) => *words,
        Err(payload) => payload.downcast_ref::<&str>().map_or("something else", |words| words).to_owned(),
    }
}
