use std::{cell::Cell, future};

use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{Window, breaker::Trip};
use seawall_rate_limit::{Quota, RateLimiter};
use seawall_retry::Attempt;

use crate::conformance::script::Case;
use crate::support::exactly;
use crate::support::{Reply, Way, failed, quick};
use seawall_testkit::{call::ends, clock::LeapingClock, time::SECOND};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("MX-01", "without `heed_rejections`, and the error is that of the last attempt that was sent; by default the retry waits until the circuit lets the call in")
            .own(an_open_circuit_is_asked_again_if_rejections_are_not_heeded)
            .own(an_open_circuit_is_waited_out_by_default),
        Case::new("MX-02", "without a fallback, which is the caller's").own(a_breaker_around_counts_one_call),
        Case::new("MX-03", "as MX-01").own(a_rate_limit_is_asked_again_or_waited_for),
        Case::new("MX-06", "without a fallback; an inner retry begins anew for each attempt of the outer one")
            .own(each_retry_handles_its_own),
    ]
}

type Breaker = CircuitBreaker<seawall_core::ErrIsFailure, LeapingClock>;

fn breaker(failures: u32, clock: &LeapingClock) -> Breaker {
    CircuitBreaker::builder("b")
        .clock(clock.clone())
        .trip(Trip::consecutive(failures))
        .open_for(exactly(SECOND))
        .build()
}

/// Counts how often it is called, and fails.
fn fails(calls: &Cell<u32>) -> future::Ready<Reply> {
    calls.set(calls.get() + 1);
    future::ready(failed(calls.get()))
}

fn an_open_circuit_is_asked_again_if_rejections_are_not_heeded() {
    for way in Way::ALL {
        for (max, failures) in [(7, 3), (3, 1)] {
            let clock = LeapingClock::default();
            let retry = quick().clock(clock.clone()).max_attempts(max).heed_rejections(false).build();
            let breaker = breaker(failures, &clock);
            let (attempts, ran) = (Cell::new(0), Cell::new(0));
            let result = ends(way.start(&retry, || {
                attempts.set(attempts.get() + 1);
                breaker.call(|| fails(&ran))
            }));
            assert_eq!(result, failed(failures), "{way:?}");
            assert_eq!((attempts.get(), ran.get()), (max, failures), "{way:?}");
        }
    }
}

fn an_open_circuit_is_waited_out_by_default() {
    for way in Way::ALL {
        let clock = LeapingClock::default();
        let (retry, breaker) = (quick().clock(clock.clone()).max_attempts(7).build(), breaker(3, &clock));
        let ran = Cell::new(0);
        let result = ends(way.start(&retry, || breaker.call(|| fails(&ran))));
        // Three open it; one is refused, and waits; the probe fails, twice over.
        assert!(result.is_err(), "{way:?}");
        assert_eq!((ran.get(), clock.take_waits().len()), (5, 2), "{way:?}");
    }
}

fn a_breaker_around_counts_one_call() {
    for way in Way::ALL {
        let clock = LeapingClock::default();
        let retry = quick().clock(clock.clone()).build();
        let rule = Trip::failure_rate(1.0).over(Window::calls(10)).min_calls(10);
        let breaker: Breaker = CircuitBreaker::builder("b").clock(clock.clone()).trip(rule).build();
        let ran = Cell::new(0);
        let call = breaker.call(|| way.start(&retry, || fails(&ran)));
        assert_eq!(ends(call), failed(3), "{way:?}");
        let counts = breaker.snapshot().rules()[0].counts;
        assert_eq!((ran.get(), counts.calls, counts.failures), (3, 1, 1), "{way:?}");
        // And below the retry it counts each attempt.
        let ran = Cell::new(0);
        ends(way.start(&retry, || breaker.call(|| fails(&ran)))).unwrap_err();
        let counts = breaker.snapshot().rules()[0].counts;
        assert_eq!((ran.get(), counts.calls, counts.failures), (3, 4, 4), "{way:?}");
    }
}

fn a_rate_limit_is_asked_again_or_waited_for() {
    // Without a wait the calls after the third come in vain. With a wait the fourth comes in vain and waits, and so on.
    for (way, (heeds, sent, waits)) in
        Way::ALL.into_iter().flat_map(|way| [(false, 3, 0), (true, 5, 2)].map(|case| (way, case)))
    {
        let clock = LeapingClock::default();
        let retry = quick().clock(clock.clone()).max_attempts(7).heed_rejections(heeds).build();
        let limiter = RateLimiter::builder("l", Quota::per_second(3).burst(3)).clock(clock.clone()).build();
        let (attempts, ran) = (Cell::new(0), Cell::new(0));
        let result = ends(way.start(&retry, || {
            attempts.set(attempts.get() + 1);
            limiter.call(|| fails(&ran))
        }));
        assert_eq!((result, attempts.get()), (failed(sent), 7), "{way:?}");
        assert_eq!((ran.get(), clock.take_waits().len()), (sent, waits), "{way:?}");
    }
}

fn each_retry_handles_its_own() {
    const A: u32 = 1;
    const B: u32 = 0;
    for way in Way::ALL {
        let handles = |code: u32| move |_: &Attempt, result: &Reply| *result == failed(code);
        let inner = quick().max_attempts(3).retry_if(handles(A)).build();
        let outer = quick().max_attempts(4).retry_if(handles(B)).build();
        let (calls, outer_calls) = (Cell::new(0), Cell::new(0));
        let alternates = || {
            calls.set(calls.get() + 1);
            future::ready(failed(calls.get() % 2))
        };
        let result = ends(way.start(&outer, || {
            outer_calls.set(outer_calls.get() + 1);
            way.start(&inner, alternates)
        }));
        // Each A is retried inside and each B outside, until the outer one has had its four.
        assert_eq!((result, calls.get(), outer_calls.get()), (failed(B), 8, 4), "{way:?}");
    }
}
