//! failsafe: consecutive failures, or a success rate over a time window. It has no count window and no tower layer.

use std::pin::pin;
use std::time::Duration;

use failsafe::failure_policy::{consecutive_failures, success_rate_over_time_window};
use failsafe::{CircuitBreaker as _, Config, Error, FailurePolicy, StateMachine, backoff};

use crate::contenders::{Answer, Make, OddFails, Refusal, refused, served};
use crate::scenario::breaker::{CONSECUTIVE, ERROR_RATE, MIN_CALLS, OPEN_FOR};

impl<E> Refusal for Error<E> {
    fn refused(&self) -> bool {
        matches!(self, Error::Rejected)
    }
}

/// Plain calls, consecutive failures.
#[must_use]
pub fn sync_consecutive<A: Answer>() -> Make {
    sync::<A, _>(|| consecutive_failures(CONSECUTIVE, backoff::constant(OPEN_FOR)))
}

/// Futures, consecutive failures.
#[must_use]
pub fn future_consecutive<A: Answer>() -> Make {
    future::<A, _>(|| consecutive_failures(CONSECUTIVE, backoff::constant(OPEN_FOR)))
}

/// Plain calls, success rate over a time window.
#[must_use]
pub fn sync_rate<A: Answer>(window: Duration) -> Make {
    sync::<A, _>(move || rate(window))
}

/// Futures, success rate over a time window.
#[must_use]
pub fn future_rate<A: Answer>(window: Duration) -> Make {
    future::<A, _>(move || rate(window))
}

/// Plain calls, refused.
#[must_use]
pub fn sync_open() -> Make {
    Box::new(|threads| {
        let breaker = breaker(consecutive_failures(CONSECUTIVE, backoff::constant(OPEN_FOR)));
        let body = |_| {
            let breaker = breaker.clone();
            refused(move |request, seen| seen.result::<OddFails, _>(|| breaker.call(|| OddFails::answer(request))))
        };
        (0..threads).map(body).collect()
    })
}

/// Futures, refused.
#[must_use]
pub fn future_open() -> Make {
    Box::new(|threads| {
        let breaker = breaker(consecutive_failures(CONSECUTIVE, backoff::constant(OPEN_FOR)));
        let body = |_| {
            let breaker = breaker.clone();
            refused(move |request, seen| {
                seen.future::<OddFails, _>(pin!(failsafe::futures::CircuitBreaker::call(&breaker, async move {
                    OddFails::answer(request)
                })));
            })
        };
        (0..threads).map(body).collect()
    })
}

fn sync<A: Answer, P: FailurePolicy + Send + Sync + 'static>(policy: impl Fn() -> P + 'static) -> Make {
    Box::new(move |threads| {
        let breaker = breaker(policy());
        let body = |_| {
            let breaker = breaker.clone();
            served(move |request, seen| seen.result::<A, _>(|| breaker.call(|| A::answer(request))))
        };
        (0..threads).map(body).collect()
    })
}

fn future<A: Answer, P: FailurePolicy + Send + Sync + 'static>(policy: impl Fn() -> P + 'static) -> Make {
    Box::new(move |threads| {
        let breaker = breaker(policy());
        let body = |_| {
            let breaker = breaker.clone();
            served(move |request, seen| {
                seen.future::<A, _>(pin!(failsafe::futures::CircuitBreaker::call(&breaker, async move {
                    A::answer(request)
                },)));
            })
        };
        (0..threads).map(body).collect()
    })
}

fn rate(window: Duration) -> impl FailurePolicy + Send + Sync + 'static {
    success_rate_over_time_window(1.0 - ERROR_RATE, MIN_CALLS, window, backoff::constant(OPEN_FOR))
}

fn breaker<P: FailurePolicy>(policy: P) -> StateMachine<P, ()> {
    Config::new().failure_policy(policy).build()
}
