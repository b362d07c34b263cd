//! A rejection by a policy inside the retry: it is waited out if it says when the call passes, and ends the call otherwise.

use crate::support;
use std::{
    cell::Cell,
    error,
    future::{self, Ready},
    io,
    time::Duration,
};

use crate::support::{Failed, Reply, Way, exactly, free, log, plain, reasons, run};
use seawall_bulkhead::Bulkhead;
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{
    AsRejection, Backoff, Budget, ErrIsFailure, Error, FromRejection, Mark, Outcome, Rejection, TimedOut,
    breaker::Trip, time::DefaultClock,
};
use seawall_rate_limit::{Quota, RateLimiter};
use seawall_retry::{Attempt, Builder, ByOutcome, Cause, EventKind, GaveUp, NoHint, Retry};
use seawall_testkit::{
    call::ends,
    clock::LeapingClock,
    time::{MILLISECOND, SECOND, TICK, some_day},
};
use seawall_timeout::Timeout;

const OPEN_FOR: Duration = Duration::from_secs(5);

/// As [`plain`], for a retry that waits for as long as the circuit is open.
fn patient() -> (Builder<ByOutcome, NoHint, LeapingClock>, LeapingClock) {
    let (builder, clock) = plain();
    (builder.max_rejection_wait(OPEN_FOR), clock)
}

fn passes() -> Ready<Reply> {
    future::ready(Ok(1))
}

/// A circuit that has just opened.
fn open(clock: &LeapingClock) -> CircuitBreaker<ErrIsFailure, LeapingClock> {
    let trip = Trip::consecutive(1);
    let breaker = CircuitBreaker::builder("b").clock(clock.clone()).trip(trip).open_for(exactly(OPEN_FOR)).build();
    breaker.try_acquire().unwrap().failure();
    breaker
}

/// One attempt more.
fn count<T>(attempts: &Cell<u32>, call: T) -> T {
    attempts.set(attempts.get() + 1);
    call
}

#[test]
fn an_open_circuit_is_waited_out_and_not_a_moment_longer() {
    for way in Way::ALL {
        let (builder, clock) = patient();
        let (breaker, retry, attempts) = (open(&clock), builder.build(), Cell::new(0));
        clock.advance(2 * SECOND);
        let result = ends(way.start(&retry, || count(&attempts, breaker.call(passes))));
        assert_eq!((result, attempts.get()), (Ok(1), 2), "{way:?}");
        assert_eq!(clock.take_waits(), [3 * SECOND], "{way:?}");
    }
}

#[test]
fn jitter_comes_on_top_of_what_a_rejection_says() {
    for way in Way::ALL {
        for _ in 0..200 {
            let (builder, clock) = patient();
            let (breaker, attempts) = (open(&clock), Cell::new(0));
            let retry = builder.backoff(SECOND).build();
            let result = ends(way.start(&retry, || count(&attempts, breaker.call(passes))));
            assert_eq!((result, attempts.get()), (Ok(1), 2), "{way:?}: it came in vain");
            let [wait] = clock.take_waits()[..] else { panic!("one wait") };
            assert!((OPEN_FOR..=OPEN_FOR + SECOND).contains(&wait), "{wait:?}");
        }
    }
}

#[test]
fn a_circuit_that_is_held_open_ends_the_call_at_once() {
    for way in Way::ALL {
        let (builder, clock) = patient();
        let (breaker, (log, observer), attempts) = (open(&clock), log(), Cell::new(0));
        breaker.force_open();
        let retry = builder.on_event(observer).build();
        let result = ends(way.start(&retry, || count(&attempts, breaker.call(passes))));
        assert!(matches!(result, Err(Error::Rejected(Rejection::CircuitOpen(_)))), "{way:?}: {result:?}");
        assert_eq!((attempts.get(), clock.take_waits(), reasons(&log)), (1, vec![], vec![GaveUp::Rejected]));
    }
}

#[test]
fn a_retry_that_heeds_no_rejections_takes_them_for_failures_like_others() {
    for way in Way::ALL {
        for held_open in [false, true] {
            let (builder, clock) = patient();
            let (breaker, retry, attempts) = (open(&clock), builder.heed_rejections(false).build(), Cell::new(0));
            if held_open {
                breaker.force_open();
            }
            let result = ends(way.start(&retry, || count(&attempts, breaker.call(passes))));
            assert!(matches!(result, Err(Error::Rejected(Rejection::CircuitOpen(_)))), "{way:?}: {result:?}");
            assert_eq!((attempts.get(), clock.take_waits()), (3, vec![MILLISECOND; 2]), "{way:?}");
        }
    }
}

#[test]
fn a_blocking_call_heeds_rejections_too() {
    for (heeds, expected) in [(true, 1), (false, 3)] {
        let clock = LeapingClock::default();
        let (breaker, attempts) = (open(&clock), Cell::new(0));
        let retry = support::quick().clock(clock.clone()).heed_rejections(heeds).build();
        let result = retry.execute_blocking(|| count(&attempts, breaker.execute_blocking(|| Reply::Ok(1))));
        assert!(matches!(result, Err(Error::Rejected(Rejection::CircuitOpen(_)))), "{result:?}");
        assert_eq!((attempts.get(), clock.take_waits()), (expected, vec![]));
    }
}

#[test]
fn an_open_circuit_fails_fast_by_default_and_costs_no_budget() {
    let budget = Budget::ratio(0.2);
    let whole = budget.balance();
    for way in Way::ALL {
        let clock = LeapingClock::default();
        let (breaker, attempts) = (open(&clock), Cell::new(0));
        let retry = Retry::builder("r").budget(budget.clone()).clock(clock.clone()).build();
        let result = ends(way.start(&retry, || count(&attempts, breaker.call(passes))));
        assert!(matches!(result, Err(Error::Rejected(Rejection::CircuitOpen(_)))), "{way:?}: {result:?}");
        assert_eq!((attempts.get(), clock.take_waits()), (1, vec![]), "{way:?}");
        assert!(budget.balance() >= whole, "{way:?}: {budget:?}");
    }
}

#[test]
fn a_note_of_an_earlier_attempt_says_nothing_about_a_later_error() {
    // The second attempt fails by itself, with an error of the same type and variant as the rejection of the first attempt.
    for way in Way::ALL {
        let (builder, clock) = patient();
        let (breaker, attempts) = (open(&clock), Cell::new(0));
        let retry = builder.backoff(exactly(OPEN_FOR)).max_attempts(2).build();
        let mark = Mark::here();
        let result = ends(way.start(&retry, || {
            let (is_first, breaker) = (count(&attempts, attempts.get() == 0), &breaker);
            async move { if is_first { breaker.call(|| future::ready(Ok(1))).await } else { Err(Word("down")) } }
        }));
        assert_eq!((&result, attempts.get()), (&Err(Word("down")), 2), "{way:?}");
        assert_eq!(mark.meaning(&result.unwrap_err()), None, "{way:?}: the callee failed");
    }
}

/// An error that is one word, also for a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word(&'static str);

impl FromRejection for Word {
    fn from_rejection(_: Rejection) -> Self {
        Self("rejected")
    }
}

impl AsRejection for Word {
    fn as_rejection(&self) -> Option<&Rejection> {
        None
    }
}

#[test]
fn a_rejection_for_longer_than_the_most_ends_the_call() {
    for way in Way::ALL {
        for (most, wanted) in [(OPEN_FOR, vec![OPEN_FOR]), (OPEN_FOR - TICK, vec![])] {
            let (builder, clock) = patient();
            let breaker = open(&clock);
            let retry = builder.max_rejection_wait(most).build();
            let result = ends(way.start(&retry, || breaker.call(passes)));
            assert_eq!((result.is_ok(), clock.take_waits()), (!wanted.is_empty(), wanted), "{way:?}, at most {most:?}");
        }
    }
}

#[test]
fn a_rate_limit_is_waited_out() {
    for way in Way::ALL {
        let (builder, clock) = patient();
        let limiter = RateLimiter::builder("l", Quota::per_second(1)).clock(clock.clone()).build();
        let (retry, attempts) = (builder.build(), Cell::new(0));
        limiter.try_acquire().unwrap();
        clock.advance(400 * MILLISECOND);
        let result = ends(way.start(&retry, || count(&attempts, limiter.call(passes))));
        assert_eq!((result, attempts.get()), (Ok(1), 2), "{way:?}");
        assert_eq!(clock.take_waits(), [600 * MILLISECOND], "{way:?}");
    }
}

#[test]
fn a_full_bulkhead_does_not_say_when_and_ends_the_call() {
    for way in Way::ALL {
        let (builder, clock) = patient();
        let bulkhead = Bulkhead::builder("k", 1).clock(clock.clone()).build();
        let (retry, attempts) = (builder.build(), Cell::new(0));
        let _held = bulkhead.try_acquire().unwrap();
        let result = ends(way.start(&retry, || count(&attempts, bulkhead.call(passes))));
        assert!(matches!(result, Err(Error::Rejected(Rejection::BulkheadFull(_)))), "{way:?}: {result:?}");
        assert_eq!((attempts.get(), clock.take_waits()), (1, vec![]), "{way:?}");
    }
}

#[test]
fn an_attempt_that_timed_out_ran_and_is_a_failure_as_any() {
    for way in Way::ALL {
        let (builder, clock) = patient();
        let timed_out = || Reply::Err(Error::Rejected(TimedOut::new("t".into(), SECOND, SECOND).into()));
        let (result, attempts) = run(way, &builder.build(), |_| timed_out());
        assert_eq!((result, attempts, clock.take_waits()), (timed_out(), 3, vec![MILLISECOND; 2]), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_its_whole_time() {
    for way in Way::ALL {
        let (timeout, retry, attempts) = (Timeout::new("timeout", SECOND), paused(), Cell::new(0));
        let start = tokio::time::Instant::now();
        let call = || {
            let number = count(&attempts, attempts.get() + 1);
            timeout.call(move || async move {
                tokio::time::sleep(if number < 3 { 2 * SECOND } else { SECOND / 2 }).await;
                Reply::Ok(number)
            })
        };
        assert_eq!(some_day(way.start(&retry, call)).await, Ok(3), "{way:?}");
        assert_eq!(start.elapsed(), 2 * SECOND + SECOND / 2 + 2 * SECOND, "{way:?}");
    }
}

/// By tokio's clock, with a second between the attempts.
fn paused() -> Retry<seawall_retry::Plan, DefaultClock> {
    free().backoff(exactly(SECOND)).build()
}

#[test]
fn the_last_attempt_is_not_waited_for_though_a_rejection_says_when() {
    for way in Way::ALL {
        let (builder, clock) = patient();
        let (breaker, retry) = (open(&clock), builder.max_attempts(1).build());
        assert!(ends(way.start(&retry, || breaker.call(passes))).is_err());
        assert_eq!(clock.take_waits(), [], "{way:?}");
    }
}

#[test]
fn a_rejection_is_tried_again_only_where_the_caller_calls_it_a_failure() {
    for way in Way::ALL {
        let (builder, clock) = patient();
        let breaker = open(&clock);
        let ignores = |result: &Reply| match result {
            Err(Error::Rejected(_)) => Outcome::Ignored,
            _ => Outcome::Failure,
        };
        assert!(ends(way.start(&builder.classify(ignores).build(), || breaker.call(passes))).is_err());
        let (builder, _) = patient();
        let retry = builder.clock(clock.clone()).retry_if(|_: &Attempt, result: &Reply| result.is_ok()).build();
        assert!(ends(way.start(&retry, || breaker.call(passes))).is_err());
        assert_eq!(clock.take_waits(), [], "{way:?}");
    }
}

#[test]
fn events_say_that_it_was_refused_and_for_how_long() {
    let (builder, clock) = patient();
    let (breaker, (log, observer)) = (open(&clock), log());
    let retry = builder.backoff(exactly(2 * OPEN_FOR)).on_event(observer).build();
    assert_eq!(ends(retry.call(|| breaker.call(passes))), Ok(1));
    let cause = Cause::Rejected(OPEN_FOR);
    let wait = 2 * OPEN_FOR;
    let wanted = [EventKind::Retrying { attempt: 1, wait, cause }, EventKind::Recovered { attempts: 2, elapsed: wait }];
    assert_eq!(*log.lock().unwrap(), wanted);
}

#[test]
fn a_rejection_is_seen_in_a_box_too() {
    type Boxed = Box<dyn error::Error + Send + Sync>;
    for way in Way::ALL {
        let (builder, clock) = patient();
        let breaker = open(&clock);
        let retry = builder.backoff(Backoff::constant(MILLISECOND)).build();
        let result = ends(way.start(&retry, || breaker.call(|| future::ready(Ok::<_, Boxed>(1)))));
        assert!(result.is_ok(), "{way:?}: {result:?}");
    }
}

#[test]
fn a_rejection_is_seen_in_a_box_of_any_error() {
    type Boxed = Box<dyn error::Error + Send + Sync>;
    for way in [Way::Call, Way::CallWith, Way::Service] {
        let (builder, clock) = patient();
        let (breaker, retry) = (open(&clock), builder.build());
        let call = || async { Ok::<u32, Boxed>(breaker.execute(|| future::ready(io::Result::Ok(1))).await?) };
        assert_eq!(ends(way.start(&retry, call)).unwrap(), 1, "{way:?}");
        assert_eq!(clock.take_waits(), [OPEN_FOR], "{way:?}");
    }
}

#[test]
fn an_error_of_the_callee_is_not_taken_for_a_rejection() {
    for way in Way::ALL {
        let (builder, clock) = patient();
        let retry = builder.build();
        let (result, attempts) = run(way, &retry, |_| Reply::Err(Error::Inner(Failed(7))));
        assert_eq!((result, attempts), (support::failed(7), 3), "{way:?}");
        assert_eq!(clock.take_waits(), [MILLISECOND; 2], "{way:?}");
    }
}
