//! What several of these tests set up.

use std::{
    any::Any,
    future::{self, Future},
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use futures::FutureExt;
use seawall_circuit_breaker::{Builder, CircuitBreaker, Event};
use seawall_core::{
    Classify, ErrIsFailure, Error, Window,
    breaker::{State, Trip},
    time::{Clock, ManualClock},
};
use tower::{Layer, Service};

pub(crate) type Manual<C = ErrIsFailure> = CircuitBreaker<C, ManualClock>;

pub(crate) const OPEN_FOR: Duration = Duration::from_secs(5);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const TICK: Duration = Duration::from_nanos(1);
pub(crate) const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The error of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

/// What the calls of these tests come to.
pub(crate) type Reply = Result<(), Error<Failed>>;

/// A refusal is `Err(Error::Rejected(_))`, this is a call that ran.
pub(crate) const FAILED: Reply = Err(Error::Inner(Failed));

// ===== breakers =====

/// Opens on the first failure, for [`OPEN_FOR`].
pub(crate) fn fragile(clock: &ManualClock) -> Builder<ErrIsFailure, ManualClock> {
    CircuitBreaker::builder("fragile").clock(clock.clone()).trip(Trip::consecutive(1)).open_for(OPEN_FOR)
}

/// Counts calls and does not open: for tests of what is counted.
pub(crate) fn counting(clock: &ManualClock) -> Builder<ErrIsFailure, ManualClock> {
    let rule = Trip::failure_rate(1.0).over(Window::calls(1_000)).min_calls(1_000);
    CircuitBreaker::builder("counting").clock(clock.clone()).trip(rule)
}

/// What the first rule has counted: calls and failures.
pub(crate) fn counted<C, K: Clock>(breaker: &CircuitBreaker<C, K>) -> (u64, u64) {
    let counts = breaker.snapshot().rules()[0].counts;
    (counts.calls, counts.failures)
}

pub(crate) fn fail<C, K: Clock>(breaker: &CircuitBreaker<C, K>) {
    breaker.try_acquire().expect("the circuit lets the call in").failure();
}

pub(crate) fn succeed<C, K: Clock>(breaker: &CircuitBreaker<C, K>) {
    breaker.try_acquire().expect("the circuit lets the call in").success();
}

/// Brings a [`fragile`] breaker into a state, by the way that it would take itself where there is one. Half-open has
/// all its places free.
pub(crate) fn steer<C>(breaker: &Manual<C>, clock: &ManualClock, to: State) {
    if breaker.state() != State::Closed {
        breaker.reset();
    }
    match to {
        State::Open => fail(breaker),
        State::HalfOpen => {
            fail(breaker);
            clock.advance(OPEN_FOR);
            breaker.try_acquire().expect("the open period is over").ignore();
        }
        State::ForcedOpen => breaker.force_open(),
        State::ForcedClosed => breaker.force_closed(),
        State::MetricsOnly => breaker.metrics_only(),
        _ => {}
    }
    assert_eq!(breaker.state(), to);
}

pub(crate) const STATES: [State; 6] =
    [State::Closed, State::Open, State::HalfOpen, State::ForcedOpen, State::ForcedClosed, State::MetricsOnly];

/// A log of what an observer saw.
pub(crate) type Log<T> = Arc<Mutex<Vec<T>>>;

/// Logs what `f` makes of the breaker's events.
pub(crate) fn log<C, K: Clock, T: Send + 'static>(
    breaker: &CircuitBreaker<C, K>,
    f: impl Fn(&Event) -> Option<T> + Send + Sync + 'static,
) -> Log<T> {
    let log = Log::default();
    let seen = log.clone();
    breaker.on_event(move |event| {
        let logged = f(event);
        seen.lock().unwrap().extend(logged);
    });
    log
}

/// Logs the changes of state.
pub(crate) fn log_changes<C, K: Clock>(breaker: &CircuitBreaker<C, K>) -> Log<(State, State)> {
    log(breaker, |event| event.change().map(|change| (change.from(), change.to())))
}

// ===== calls =====

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

/// The ways to make a call that is a future.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Execute,
    Call,
    Service,
}

pub(crate) type Boxed<'a> = Pin<Box<dyn Future<Output = Reply> + 'a>>;

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Execute, Self::Call, Self::Service];

    /// Starts a call. The classifier sees the same type in each way.
    pub(crate) fn start<'a, C, K, F>(self, breaker: &CircuitBreaker<C, K>, f: impl FnOnce() -> F + 'a) -> Boxed<'a>
    where
        C: Classify<(), Error<Failed>> + 'a,
        K: Clock + 'a,
        F: Future<Output = Reply> + 'a,
    {
        match self {
            Self::Execute => {
                let flat = |reply: Result<(), Error<Error<Failed>>>| match reply {
                    Err(Error::Inner(error)) => Err(error),
                    Err(Error::Rejected(rejection)) => Err(Error::Rejected(rejection)),
                    Ok(()) => Ok(()),
                };
                breaker.execute(f).map(flat).boxed_local()
            }
            Self::Call => breaker.call(f).boxed_local(),
            Self::Service => {
                let mut service = breaker.layer().layer(Once(Some(f)));
                assert!(service.poll_ready(&mut Context::from_waker(futures::task::noop_waker_ref())).is_ready());
                service.call(()).boxed_local()
            }
        }
    }
}

/// A service that takes one request.
struct Once<F>(Option<F>);

impl<F: FnOnce() -> T, T: Future<Output = Reply>> Service<()> for Once<F> {
    type Response = ();
    type Error = Error<Failed>;
    type Future = T;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Reply> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> T {
        self.0.take().expect("it is called once")()
    }
}

/// What `future` comes to. With time that is paused, one that would wait for ever fails instead.
pub(crate) async fn some_day<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(YEAR, future).await.expect("it goes on")
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
