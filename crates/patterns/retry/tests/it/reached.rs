//! What an error says about the attempts that were sent: a caller that reads "not sent" may make the call again.

use std::{cell::Cell, future, time::Duration};

use seawall_bulkhead::Bulkhead;
use seawall_core::{
    Error, Rejection,
    time::{Instant, ManualClock},
};
use seawall_rate_limit::{Quota, RateLimiter};
use seawall_retry::{Attempt, GaveUp};
use seawall_timeout::Timeout;
use tokio_test::{assert_pending, assert_ready, task};

use crate::support::{Reply, Way, failed, log, plain, quick, reasons, run, run_blocking};
use seawall_testkit::{
    call::steps,
    panics::panic_message,
    time::{MILLISECOND, SECOND},
};

/// A rejection that says when the call passes neither now nor later, as a policy inside of the current attempt makes it.
fn rejected() -> Reply {
    let rejection = Bulkhead::new("full", 0).try_acquire().unwrap_err();
    Err(rejection.into())
}

fn reached(result: Reply) -> bool {
    match result {
        Err(Error::Rejected(rejection)) => rejection.reached_callee(),
        other => panic!("it was not rejected: {other:?}"),
    }
}

/// What the calls of a timeout of a second come to whose callee hangs.
fn timed_out(limit: Duration) -> Rejection {
    let clock = ManualClock::new();
    let timeout = Timeout::builder("t", limit).clock(clock.clone()).build();
    let mut call = task::spawn(timeout.execute(future::pending::<Result<u32, ()>>));
    if !limit.is_zero() {
        assert_pending!(call.poll());
        clock.advance(limit);
    }
    assert_ready!(call.poll()).unwrap_err().rejection().unwrap().clone()
}

#[test]
fn a_timeout_that_ran_has_reached_the_callee_and_a_limit_of_zero_has_not() {
    assert!(timed_out(SECOND).reached_callee());
    assert!(!timed_out(Duration::ZERO).reached_callee());
    assert!(!reached(rejected()));
}

#[test]
fn a_call_whose_attempts_all_were_rejected_has_not_reached_the_callee() {
    for way in Way::ALL {
        let (result, _) = run(way, &quick().build(), |_| rejected());
        assert!(!reached(result), "{way:?}");
    }
}

#[test]
fn a_later_rejection_does_not_hide_the_error_of_an_attempt_that_was_sent() {
    for way in Way::ALL {
        for sent in [1, 2] {
            let (builder, _) = plain();
            let (log, observer) = log();
            let retry = builder.max_attempts(9).on_event(observer).build();
            let found = run(way, &retry, |number| if number <= sent { failed(number) } else { rejected() });
            assert_eq!(found, (failed(sent), sent + 1), "{way:?}");
            assert_eq!(reasons(&log), [GaveUp::Rejected], "{way:?}: the event tells of the rejection");
        }
    }
}

#[test]
fn an_error_that_was_kept_is_dropped_when_the_call_succeeds_or_fails_again() {
    for way in Way::ALL {
        let retry = quick().build();
        assert_eq!(run(way, &retry, |number| if number < 3 { failed(number) } else { Ok(number) }), (Ok(3), 3));
        assert_eq!(run(way, &retry, failed), (failed(3), 3), "{way:?}");
    }
    assert_eq!(run_blocking(&quick().build(), failed), (failed(3), 3));
}

#[test]
fn a_call_that_succeeds_after_a_rejection_that_was_waited_out_succeeds() {
    let limiter = RateLimiter::builder("l", Quota::every(MILLISECOND)).clock(Instant::ORIGIN).build();
    limiter.try_acquire().unwrap();
    for way in Way::ALL {
        let (builder, clock) = plain();
        let found = run(way, &builder.build(), |number| match number {
            1 => failed(1),
            2 => Err(limiter.try_acquire().unwrap_err().into()),
            _ => Ok(number),
        });
        assert_eq!((found, clock.take_waits().len()), ((Ok(3), 3), 2), "{way:?}");
    }
}

#[test]
fn a_rejection_after_a_response_that_was_a_failure_says_that_the_callee_was_reached() {
    for way in Way::ALL {
        let retry = quick().retry_if(|_: &Attempt, _: &Reply| true).build();
        let (result, attempts) = run(way, &retry, |number| if number == 1 { Ok(503) } else { rejected() });
        assert!(attempts > 1 && reached(result), "{way:?}");
    }
    let retry = quick().retry_if(|_: &Attempt, _: &Reply| true).build();
    let (result, _) = run_blocking(&retry, |number| if number == 1 { Ok(503) } else { rejected() });
    assert!(reached(result));
}

#[test]
fn a_rejection_after_a_timeout_says_that_the_callee_was_reached() {
    for way in Way::ALL {
        let hang = || Err(Error::Rejected(timed_out(SECOND)));
        let (result, attempts) = run(way, &quick().build(), |number| if number == 1 { hang() } else { rejected() });
        assert_eq!(attempts, 2, "{way:?}");
        assert!(matches!(&result, Err(Error::Rejected(Rejection::BulkheadFull(_)))), "{way:?}: {result:?}");
        assert!(reached(result), "{way:?}");
    }
}

#[test]
fn an_attempt_that_is_polled_several_times_is_a_later_one_each_time() {
    for way in Way::ALL {
        let number = Cell::new(0);
        let attempt = || {
            number.set(number.get() + 1);
            let first = number.get() == 1;
            steps(if first { 0 } else { 3 }, move || if first { Ok(503) } else { rejected() })
        };
        let retry = quick().retry_if(|_: &Attempt, _: &Reply| true).build();
        let mut call = task::spawn(way.start(&retry, attempt));
        let result = loop {
            assert!(!reached(rejected()), "{way:?}: between the polls no attempt runs");
            if let std::task::Poll::Ready(result) = call.poll() {
                break result;
            }
        };
        assert!(reached(result), "{way:?}");
    }
}

#[test]
fn a_later_attempt_that_panics_leaves_no_trace_on_its_thread() {
    for way in Way::ALL {
        let panics = || run(way, &quick().build(), |number| if number == 1 { failed(1) } else { panic!("attempt") });
        assert!(panic_message(panics).is_some());
        assert!(!reached(rejected()), "{way:?}");
    }
}
