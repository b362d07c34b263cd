//! What several of these tests set up.

use std::{cell::Cell, future::Future, pin::Pin, time::Duration};

use futures::{FutureExt, future};
use seawall_core::{
    AsRejection, Budget, Error, note_rejection,
    time::{Clock, Timer},
};
use seawall_retry::{Builder, ByOutcome, Decide, Event, EventKind, GaveUp, NoHint, Retry};
pub(crate) use seawall_testkit::time::exactly;
use seawall_testkit::{call::ends, clock::LeapingClock, log::Log, service::Callee, time::MILLISECOND};
use tower::ServiceExt;

/// The error of an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed(pub(crate) u32);

/// What the calls of these tests come to: the number of the attempt, as a rule.
pub(crate) type Reply = Result<u32, Error<Failed>>;

/// A failure of the callee.
pub(crate) const fn failed(number: u32) -> Reply {
    Err(Error::Inner(Failed(number)))
}

// ===== retries =====

/// By a clock that leaps, without a budget and without jitter: a millisecond between the attempts.
pub(crate) fn plain() -> (Builder<ByOutcome, NoHint, LeapingClock>, LeapingClock) {
    let clock = LeapingClock::default();
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

// ===== calls =====

/// The ways to make a call that is a future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Execute,
    ExecuteWith,
    Call,
    CallWith,
    Service,
    /// A service whose error may be any.
    AnyErrorService,
}

pub(crate) type Boxed<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + 'a>>;

impl Way {
    pub(crate) const ALL: [Self; 6] =
        [Self::Execute, Self::ExecuteWith, Self::Call, Self::CallWith, Self::Service, Self::AnyErrorService];

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
        answers(f(attempts.get()))
    };
    let result = ends(way.start(retry, attempt));
    (result, attempts.get())
}

/// An attempt that comes to `result`, by a policy's call if it is a rejection.
pub(crate) fn answers<T, E: AsRejection>(result: Result<T, E>) -> impl Future<Output = Result<T, E>> {
    future::lazy(|_| noted(result))
}

/// Notes a rejection as a policy's call does.
fn noted<T, E: AsRejection>(result: Result<T, E>) -> Result<T, E> {
    result.inspect_err(|error| {
        if let Some(rejection) = error.as_rejection() {
            note_rejection(error, rejection.meaning());
        }
    })
}

/// As [`run`], blocking.
pub(crate) fn run_blocking<P, K, T, E>(
    retry: &Retry<P, K>,
    mut f: impl FnMut(u32) -> Result<T, E>,
) -> (Result<T, E>, u32)
where
    P: Decide<T, E>,
    K: Clock,
    E: AsRejection,
{
    let mut attempts = 0;
    let result = retry.execute_blocking(|| {
        attempts += 1;
        noted(f(attempts))
    });
    (result, attempts)
}

// ===== events =====

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
