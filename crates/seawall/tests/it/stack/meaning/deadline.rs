//! Deadlines go down through the stack.

use std::cell::RefCell;

use seawall::{Bulkhead, Deadline, Quota, RateLimiter, Retry, Stack, Timeout};
use tokio::time::{self, Instant};
use tower::{Layer, ServiceExt, service_fn};

use crate::stack::support::{Callee, Does, Failed, MILLISECOND, SECOND, Way, exactly, send, some_day, three, words};

/// Returns the deadline's remaining time here, in milliseconds.
fn left() -> Option<u128> {
    Deadline::current().map(|deadline| deadline.remaining().as_millis())
}

#[tokio::test(start_paused = true)]
async fn a_call_sees_the_earliest_deadline_around_it_in_each_attempt() {
    let stack = Stack::new()
        .timeout(Timeout::new("timeout", 4 * SECOND))
        .retry(three().max_attempts(5).build())
        .rate_limit(RateLimiter::new("limiter", Quota::per_second(100)))
        .timeout(Timeout::new("timeout", 1_500 * MILLISECOND))
        .bulkhead(Bulkhead::new("bulkhead", 1));
    let seen = RefCell::new(Vec::new());
    let call = || {
        seen.borrow_mut().push(left());
        let seen = &seen;
        async move {
            seen.borrow_mut().push(left());
            time::sleep(SECOND).await;
            seen.borrow_mut().push(left());
            Err::<(), _>(Failed)
        }
    };
    // Attempts begin at 0 s and 2 s. An attempt at 4 s would have no time.
    assert!(some_day(stack.execute(call)).await.is_err());
    let wanted = [[1_500, 1_500, 500], [1_500, 1_500, 500]].concat();
    assert_eq!(*seen.borrow(), wanted.into_iter().map(Some).collect::<Vec<_>>());
    assert_eq!(left(), None);

    let stack = Stack::new()
        .timeout(Timeout::new("timeout", 2_500 * MILLISECOND))
        .retry(three().build())
        .timeout(Timeout::new("timeout", SECOND));
    let seen = std::rc::Rc::new(RefCell::new(Vec::new()));
    let told = seen.clone();
    let callee = service_fn(move |()| {
        told.borrow_mut().push(left());
        std::future::pending::<Result<(), Failed>>()
    });
    assert!(some_day(stack.layer().clone_all().layer(callee).oneshot(())).await.is_err());
    // The second attempt uses a clone, which was made ready in the attempt. It had half a second left.
    assert_eq!(*seen.borrow(), [Some(1_000), Some(500)]);
}

#[tokio::test(start_paused = true)]
async fn the_total_limit_cuts_the_limits_of_the_attempts() {
    for way in Way::BOTH {
        let stack = Stack::new()
            .timeout(Timeout::new("timeout", 5 * SECOND))
            .retry(three().build())
            .timeout(Timeout::new("timeout", 2 * SECOND));
        let (callee, began) = (Callee::new([Does::Hangs]), Instant::now());
        assert_eq!(words(&some_day(send!(way, stack, callee)).await), "timed out", "{way:?}");
        assert_eq!((callee.came(), began.elapsed()), (vec![0, 3_000], 5 * SECOND), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_cannot_begin_in_time_is_not_waited_for() {
    for way in Way::BOTH {
        for (limit, calls) in [(2_000, 2), (2_001, 3), (1_000, 1), (1_001, 2)] {
            let stack = Stack::new().timeout(Timeout::new("timeout", limit * MILLISECOND)).retry(three().build());
            let (callee, began) = (Callee::new([Does::Fails(0)]), Instant::now());
            assert_eq!(words(&some_day(send!(way, stack, callee)).await), "failed", "{way:?}, {limit}");
            assert_eq!((callee.calls(), began.elapsed()), (calls, (calls as u32 - 1) * SECOND), "{way:?}, {limit}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_rejection_asks_for_is_not_waited_for_past_the_deadline() {
    for way in Way::BOTH {
        for (limit, reply) in [(3 * SECOND, "rate limited"), (4 * SECOND, "rate limited"), (5 * SECOND, "answered")] {
            let limiter = RateLimiter::new("limiter", Quota::every(4 * SECOND));
            limiter.try_acquire().unwrap();
            let stack = Stack::new().timeout(Timeout::new("timeout", limit)).retry(three().build()).rate_limit(limiter);
            let (callee, began) = (Callee::new([Does::Answers(0)]), Instant::now());
            assert_eq!(words(&some_day(send!(way, stack, callee)).await), reply, "{way:?}, {limit:?}");
            assert_eq!(began.elapsed().is_zero(), reply == "rate limited", "{way:?}, {limit:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_around_the_stack_holds_in_it() {
    for way in Way::BOTH {
        let stack = Stack::new().retry(three().max_attempts(9).build()).timeout(Timeout::new("timeout", SECOND));
        let (callee, began) = (Callee::new([Does::Hangs]), Instant::now());
        let call = Deadline::after(2_500 * MILLISECOND).scope(send!(way, stack, callee));
        assert_eq!(words(&some_day(call).await), "out of time", "{way:?}");
        assert_eq!((callee.came(), began.elapsed()), (vec![0, 2_000], 2_500 * MILLISECOND), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_inside_of_a_retry_begins_anew_with_each_attempt_and_does_not_count_the_pause() {
    for way in Way::BOTH {
        let retry = Retry::builder("retry").backoff(exactly(10 * SECOND)).build();
        let stack = Stack::new().retry(retry).timeout(Timeout::new("timeout", SECOND));
        let callee = Callee::new([Does::Hangs, Does::Fails(900), Does::Answers(900)]);
        assert_eq!(some_day(send!(way, stack, callee)).await, Ok(3), "{way:?}");
        assert_eq!(callee.came(), [0, 11_000, 21_900], "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_in_a_queue_counts_for_a_limit_around_it_and_not_for_one_inside() {
    for way in Way::BOTH {
        for (outside, reply) in [(true, "timed out"), (false, "answered")] {
            let limiter = RateLimiter::builder("limiter", Quota::every(3 * SECOND)).max_wait(60 * SECOND).build();
            limiter.try_acquire().unwrap();
            let (timeout, callee) = (Timeout::new("timeout", 2 * SECOND), Callee::new([Does::Answers(1_000)]));
            let sent = if outside {
                send!(way, Stack::new().timeout(timeout).rate_limit(limiter.clone()), callee)
            } else {
                send!(way, Stack::new().rate_limit(limiter.clone()).timeout(timeout), callee)
            };
            assert_eq!(words(&some_day(sent).await), reply, "{way:?}");
            assert_eq!((callee.calls(), limiter.queued()), (usize::from(!outside), 0), "{way:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_had_to_wait_for_its_turn_sees_the_deadline_too() {
    let limiter = RateLimiter::builder("limiter", Quota::every(3 * SECOND)).max_wait(60 * SECOND).build();
    limiter.try_acquire().unwrap();
    let stack = Stack::new()
        .timeout(Timeout::new("timeout", 10 * SECOND))
        .rate_limit(limiter)
        .timeout(Timeout::new("timeout", 20 * SECOND));
    let seen = || std::future::ready(Ok::<_, Failed>(left()));
    assert_eq!(some_day(stack.execute(seen)).await.unwrap(), Some(7_000));
    let service = stack.layer().clone_all().layer(service_fn(move |()| seen()));
    assert_eq!(some_day(service.oneshot(())).await.unwrap(), Some(7_000));
}

#[tokio::test(start_paused = true)]
async fn a_limit_by_request_is_asked_for_each_attempt_also_where_the_first_had_to_wait() {
    let limiter = RateLimiter::builder("limiter", Quota::every(SECOND / 2)).max_wait(60 * SECOND).build();
    limiter.try_acquire().unwrap();
    let by_request = Timeout::builder("timeout", |seconds: &u32| *seconds * SECOND).build();
    let (callee, began) = (Callee::new([Does::Hangs]), Instant::now());
    let stack = Stack::new().retry(three().build()).rate_limit(limiter).timeout(by_request);
    assert_eq!(words(&some_day(stack.layer().clone_all().layer(callee.clone()).oneshot(2)).await), "timed out");
    assert_eq!((callee.came(), began.elapsed()), (vec![500, 3_500, 6_500], 8_500 * MILLISECOND));
}
