//! tower-resilience: a tower layer and nothing else; consecutive failures, a count window that does not slide, a time
//! window that is walked on every call.

use std::time::Duration;

use tower::Layer;
use tower_resilience_circuitbreaker::{
    CircuitBreakerConfigBuilder, CircuitBreakerError, CircuitBreakerLayer, DefaultClassifier, SlidingWindowType,
};

use crate::contenders::{Answer, Echo, Make, OddFails, Refusal, Seen, refused, served};
use crate::scenario::breaker::{CONSECUTIVE, ERROR_RATE, MIN_CALLS, OPEN_FOR};

impl<E: Refusal> Refusal for CircuitBreakerError<E> {
    fn refused(&self) -> bool {
        match self {
            Self::OpenCircuit => true,
            Self::Inner(error) => error.refused(),
        }
    }
}

/// A closed breaker, consecutive failures.
#[must_use]
pub fn consecutive<A: Answer>() -> Make {
    closed::<A>(in_a_row)
}

/// A closed breaker, count window.
#[must_use]
pub fn count<A: Answer>(window: u32) -> Make {
    closed::<A>(move |builder| builder.sliding_window_size(window as usize).minimum_number_of_calls(MIN_CALLS as usize))
}

/// A closed breaker, time window. Its cost grows with the calls in the window, so it begins anew after every
/// `LEAST_CALLS_IN_WINDOW` of them, which flatters it.
#[must_use]
pub fn time<A: Answer>(window: Duration) -> Make {
    Box::new(move |threads| {
        assert_eq!(threads, 1, "a breaker that begins anew is not shared");
        let layer = timed(window);
        let (mut service, mut calls) = (layer.layer(Echo::<A>::new()), 0);
        vec![served(move |request, seen| {
            calls += 1;
            if calls % LEAST_CALLS_IN_WINDOW == 0 {
                service = layer.layer(Echo::new());
            }
            seen.service::<A, _>(&mut service, request);
        })]
    })
}

/// A closed breaker with that many calls in its time window.
#[must_use]
pub fn time_after<A: Answer>(window: Duration, calls: u64) -> Make {
    Box::new(move |threads| {
        let mut service = timed(window).layer(Echo::<A>::new());
        let mut seen = Seen::default();
        for request in 0..calls {
            seen.service::<A, _>(&mut service, request);
        }
        let body = |_| {
            let mut service = service.clone();
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        };
        (0..threads).map(body).collect()
    })
}

/// An open breaker.
#[must_use]
pub fn open() -> Make {
    Box::new(|threads| {
        let layer = consecutive_layer();
        let service = layer.layer(Echo::<OddFails>::new());
        let body = |_| {
            let mut service = service.clone();
            refused(move |request, seen| seen.service::<OddFails, _>(&mut service, request))
        };
        (0..threads).map(body).collect()
    })
}

type Builder = CircuitBreakerConfigBuilder<DefaultClassifier>;

fn closed<A: Answer>(rule: impl Fn(Builder) -> Builder + 'static) -> Make {
    Box::new(move |threads| {
        let service = layer(&rule).layer(Echo::<A>::new());
        let body = |_| {
            let mut service = service.clone();
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        };
        (0..threads).map(body).collect()
    })
}

pub(in crate::contenders) fn consecutive_layer() -> CircuitBreakerLayer<DefaultClassifier> {
    layer(in_a_row)
}

fn in_a_row(builder: Builder) -> Builder {
    builder.consecutive_failures(CONSECUTIVE as usize)
}

fn timed(window: Duration) -> CircuitBreakerLayer<DefaultClassifier> {
    layer(|builder| {
        let builder = builder.sliding_window_type(SlidingWindowType::TimeBased).sliding_window_duration(window);
        builder.minimum_number_of_calls(MIN_CALLS as usize)
    })
}

fn layer(rule: impl Fn(Builder) -> Builder) -> CircuitBreakerLayer<DefaultClassifier> {
    let builder = CircuitBreakerLayer::builder().failure_rate_threshold(ERROR_RATE).wait_duration_in_open(OPEN_FOR);
    rule(builder.name("bench")).build().expect("the rules are within their ranges")
}

const LEAST_CALLS_IN_WINDOW: u64 = 1_000;
