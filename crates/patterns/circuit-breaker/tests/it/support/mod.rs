//! What several of these tests set up.

use std::{future::Future, task::Context, time::Duration};

use futures::FutureExt;
use seawall_circuit_breaker::{Builder, CircuitBreaker, Event};
use seawall_core::{
    Classify, ErrIsFailure, Error, Window,
    breaker::{State, Trip},
    time::{Clock, ManualClock},
};
use seawall_testkit::time::exactly;
use seawall_testkit::{
    Boxed,
    call::flattened,
    log::Log,
    reply::{Failed, Reply},
    service::Once,
};
use tower::{Layer, Service};

pub(crate) type Manual<C = ErrIsFailure> = CircuitBreaker<C, ManualClock>;

pub(crate) const OPEN_FOR: Duration = Duration::from_secs(5);
// ===== breakers =====

/// Opens on the first failure, for [`OPEN_FOR`].
pub(crate) fn fragile(clock: &ManualClock) -> Builder<ErrIsFailure, ManualClock> {
    CircuitBreaker::builder("fragile").clock(clock.clone()).trip(Trip::consecutive(1)).open_for(exactly(OPEN_FOR))
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

/// The ways to make a call that is a future.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Execute,
    Call,
    Service,
}

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
            Self::Execute => flattened(breaker.execute(f)).boxed_local(),
            Self::Call => breaker.call(f).boxed_local(),
            Self::Service => {
                let mut service = breaker.layer().layer(Once::new(f));
                assert!(service.poll_ready(&mut Context::from_waker(futures::task::noop_waker_ref())).is_ready());
                service.call(()).boxed_local()
            }
        }
    }
}
