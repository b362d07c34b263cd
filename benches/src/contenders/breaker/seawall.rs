//! seawall: the plain call without and with a future, the permit, the tower service.

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use seawall::time::{self, DefaultClock, FastClock, SystemClock};
use seawall::{CircuitBreaker, ErrIsFailure, Error, Trip, Window};
use tower::{Layer, ServiceBuilder};

use crate::contenders::{Answer, Echo, Fault, Make, OddFails, Run, refused, served};
use crate::scenario::breaker::{CONSECUTIVE, ERROR_RATE, MIN_CALLS, OPEN_FOR};

/// What opens the breaker.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Failures in a row.
    Consecutive,
    /// The share of the last calls that failed.
    Count(u32),
    /// The share of the calls of the last while that failed.
    Time(Duration),
}

/// Which clock it reads.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// What a user has who says nothing: tokio's.
    Default,
    /// The system's.
    System,
    /// The coarse one.
    Fast,
}

/// A body for each thread, over a breaker with that clock. All threads get a reference to one handle.
macro_rules! bodies {
    ($rule:expr, $clock:expr, |$breaker:ident| $body:expr) => {
        match $clock {
            Clock::Default => each($rule, DefaultClock::default(), move |$breaker| $body),
            Clock::System => each($rule, SystemClock, move |$breaker| $body),
            Clock::Fast => each($rule, FastClock, move |$breaker| $body),
        }
    };
}

/// `execute_blocking`, by reference.
#[must_use]
pub fn blocking<A: Answer>(rule: Rule, clock: Clock) -> Make {
    bodies!(rule, clock, |breaker| served(
        move |request, seen| seen.result::<A, _>(|| breaker.execute_blocking(|| A::answer(request)))
    ))
}

/// `execute_blocking` after that many calls.
#[must_use]
pub fn blocking_after<A: Answer>(rule: Rule, clock: Clock, calls: u64) -> Make {
    bodies!(rule, clock, |breaker| {
        for request in 0..calls {
            let _ = black_box(breaker.execute_blocking(|| A::answer(request)));
        }
        served(move |request, seen| seen.result::<A, _>(|| breaker.execute_blocking(|| A::answer(request))))
    })
}

/// `try_acquire`, and the permit told the result; by reference.
#[must_use]
pub fn permit<A: Answer>(rule: Rule, clock: Clock) -> Make {
    bodies!(rule, clock, |breaker| served(move |request, seen| match breaker.try_acquire() {
        Ok(permit) => {
            let result = A::answer(request);
            permit.record(&result);
            seen.result::<A, _>(|| result);
        }
        Err(rejection) => seen.result::<A, _>(|| Err(Error::<Fault>::Rejected(rejection))),
    }))
}

/// `execute`; each thread has a clones own.
#[must_use]
pub fn execute<A: Answer>(rule: Rule, clock: Clock) -> Make {
    bodies!(rule, clock, |breaker| {
        let breaker = CircuitBreaker::clone(&breaker);
        served(move |request, seen| seen.future::<A, _>(pin!(breaker.execute(|| async move { A::answer(request) }))))
    })
}

/// `execute`, by reference.
#[must_use]
pub fn execute_by_reference<A: Answer>(rule: Rule, clock: Clock) -> Make {
    bodies!(rule, clock, |breaker| served(
        move |request, seen| seen.future::<A, _>(pin!(breaker.execute(|| async move { A::answer(request) })))
    ))
}

/// The tower service; each thread has a clones own.
#[must_use]
pub fn service<A: Answer>(rule: Rule, clock: Clock) -> Make {
    bodies!(rule, clock, |breaker| {
        let mut service = ServiceBuilder::new().layer(breaker.layer()).map_err(Error::Inner).service(Echo::<A>::new());
        served(move |request, seen| seen.service::<A, _>(&mut service, request))
    })
}

/// The tower service over an inner service with an error type that can carry a rejection.
#[must_use]
pub fn service_own_error<A: Answer>(rule: Rule, clock: Clock) -> Make {
    bodies!(rule, clock, |breaker| {
        let mut service = breaker.layer().layer(Echo::<A>::new());
        served(move |request, seen| seen.service::<A, _>(&mut service, request))
    })
}

/// `execute_blocking`, refused.
#[must_use]
pub fn blocking_open(clock: Clock) -> Make {
    bodies!(Rule::Consecutive, clock, |breaker| refused(move |request, seen| {
        seen.result::<OddFails, _>(|| breaker.execute_blocking(|| OddFails::answer(request)));
    }))
}

/// `execute`, refused.
#[must_use]
pub fn execute_open(clock: Clock) -> Make {
    bodies!(Rule::Consecutive, clock, |breaker| refused(move |request, seen| {
        seen.future::<OddFails, _>(pin!(breaker.execute(|| async move { OddFails::answer(request) })));
    }))
}

/// The tower service over an inner service with its own error type, refused.
#[must_use]
pub fn service_own_error_open(clock: Clock) -> Make {
    bodies!(Rule::Consecutive, clock, |breaker| {
        let mut service = breaker.layer().layer(Echo::<OddFails>::new());
        refused(move |request, seen| seen.service::<OddFails, _>(&mut service, request))
    })
}

/// The tower service, refused.
#[must_use]
pub fn service_open(clock: Clock) -> Make {
    bodies!(Rule::Consecutive, clock, |breaker| {
        let mut service =
            ServiceBuilder::new().layer(breaker.layer()).map_err(Error::Inner).service(Echo::<OddFails>::new());
        refused(move |request, seen| seen.service::<OddFails, _>(&mut service, request))
    })
}

type Breaker<K> = CircuitBreaker<ErrIsFailure, K>;

fn each<K>(rule: Rule, clock: K, body: impl Fn(Arc<Breaker<K>>) -> Run + 'static) -> Make
where
    K: time::Clock + Clone + Send + Sync + 'static,
{
    Box::new(move |threads| {
        let breaker = Arc::new(breaker(rule, clock.clone()));
        (0..threads).map(|_| body(Arc::clone(&breaker))).collect()
    })
}

pub(in crate::contenders) fn breaker<K: time::Clock>(rule: Rule, clock: K) -> Breaker<K> {
    let builder = CircuitBreaker::builder("bench").open_for(OPEN_FOR).clock(clock);
    let rate = |window| Trip::failure_rate(ERROR_RATE).over(window).min_calls(MIN_CALLS);
    match rule {
        Rule::Consecutive => builder.trip(Trip::consecutive(CONSECUTIVE)),
        Rule::Count(calls) => builder.trip(rate(Window::calls(calls))),
        Rule::Time(length) => builder.trip(rate(Window::time(length))),
    }
    .build()
}
