//! Calls that wait for their turn, inside and outside a retry.

use std::time::Duration;

use seawall::{Bulkhead, Quota, RateLimiter, Stack, State, Timeout};
use tokio::time::{self, Instant};
use tokio_test::{assert_pending, assert_ready_eq, task};
use tower::{Layer, ServiceExt, service_fn};

use crate::stack::support::{
    Callee, Does, Failed, MILLISECOND, SECOND, Way, open, send, some_day, three, trips_at, words,
};

/// One slot, and room for `max_queued` waiting calls.
fn queued(max_queued: usize) -> Bulkhead {
    Bulkhead::builder("queued", 1).max_queued(max_queued).build()
}

/// One call a second; the first call was made.
fn paced(max_wait: Duration) -> RateLimiter {
    let limiter = RateLimiter::builder("paced", Quota::every(SECOND)).max_wait(max_wait).build();
    limiter.try_acquire().unwrap();
    limiter
}

#[tokio::test(start_paused = true)]
async fn the_call_begins_when_its_turn_comes() {
    for way in Way::BOTH {
        let (bulkhead, callee) = (queued(1), Callee::new([Does::Answers(0)]));
        let stack = Stack::new()
            .circuit_breaker(trips_at(1))
            .bulkhead(bulkhead.clone())
            .timeout(Timeout::new("timeout", SECOND));
        let held = bulkhead.try_acquire().unwrap();
        let mut call = task::spawn(send!(way, stack, callee));
        assert_pending!(call.poll());
        assert_eq!((callee.calls(), bulkhead.queued()), (0, 1), "{way:?}");
        drop(held);
        assert!(call.is_woken(), "{way:?}");
        assert_ready_eq!(call.poll(), Ok(1));
        assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (0, 0), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn turns_come_in_the_order_in_which_calls_were_first_polled_through_whatever_they_came() {
    let (bulkhead, callee) = (queued(9), Callee::new([Does::Answers(1_000)]));
    let stack = Stack::new().retry(three().build()).bulkhead(bulkhead.clone());
    let held = bulkhead.try_acquire().unwrap();
    let mut calls: Vec<_> = (0..6).map(|number| task::spawn(send!(Way::BOTH[number % 2], stack, callee))).collect();
    for &number in &[3, 0, 5, 1, 2, 4] {
        assert_pending!(calls[number].poll());
    }
    drop(held);
    let all = calls.into_iter().map(|call| some_day(call.into_inner()));
    let replies = futures::future::join_all(all).await;
    assert_eq!(replies, [2, 4, 5, 1, 6, 3].map(Ok));
    assert_eq!(callee.came(), [0, 1_000, 2_000, 3_000, 4_000, 5_000]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_inside_of_a_retry_is_stood_in_for_each_attempt_and_lets_others_go_between() {
    for way in Way::BOTH {
        let (bulkhead, callee) = (queued(9), Callee::new([Does::Fails(100), Does::Answers(100)]));
        let stack = Stack::new().retry(three().build()).bulkhead(bulkhead.clone());
        let (first, second) = (send!(way, stack, callee), send!(way, stack, callee));
        assert_eq!(futures::join!(some_day(first), some_day(second)), (Ok(3), Ok(2)), "{way:?}");
        assert_eq!(callee.came(), [0, 100, 1_100], "{way:?}");

        let (bulkhead, callee) = (queued(9), Callee::new([Does::Fails(100), Does::Answers(100)]));
        let stack = Stack::new().bulkhead(bulkhead.clone()).retry(three().build());
        let (first, second) = (send!(way, stack, callee), send!(way, stack, callee));
        assert_eq!(futures::join!(some_day(first), some_day(second)), (Ok(2), Ok(3)), "{way:?}");
        assert_eq!(callee.came(), [0, 1_100, 1_200], "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_waits_for_its_own_turn_at_a_rate_limit() {
    for way in Way::BOTH {
        let (limiter, callee) = (paced(5 * SECOND), Callee::new([Does::Fails(0)]));
        let stack = Stack::new().retry(three().backoff(MILLISECOND).build()).rate_limit(limiter.clone());
        assert_eq!(words(&some_day(send!(way, stack, callee)).await), "failed", "{way:?}");
        assert_eq!((callee.came(), limiter.snapshot().rejected()), (vec![1_000, 2_000, 3_000], 0), "{way:?}");

        let (limiter, callee) = (paced(5 * SECOND), Callee::new([Does::Fails(0)]));
        let stack = Stack::new().rate_limit(limiter.clone()).retry(three().build());
        assert_eq!(words(&some_day(send!(way, stack, callee)).await), "failed", "{way:?}");
        assert_eq!((callee.came(), limiter.available()), (vec![1_000, 2_000, 3_000], 1), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_be_too_long_is_refused_at_once_and_waited_out_by_a_retry() {
    for way in Way::BOTH {
        let limiter = || {
            let limiter = paced(SECOND);
            limiter.set_quota(Quota::every(4 * SECOND));
            limiter
        };
        let (began, callee) = (Instant::now(), Callee::new([Does::Answers(0)]));
        let refused = send!(way, Stack::new().rate_limit(limiter()), callee);
        assert_eq!((words(&some_day(refused).await), began.elapsed()), ("rate limited", Duration::ZERO), "{way:?}");
        let reply = some_day(send!(way, Stack::new().retry(three().build()).rate_limit(limiter()), callee)).await;
        assert_eq!((reply, began.elapsed() > SECOND), (Ok(1), true), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waited_too_long_for_a_slot_is_refused_and_no_failure() {
    for way in Way::BOTH {
        let bulkhead = Bulkhead::builder("queued", 1).max_queued(5).max_wait(2 * SECOND).build();
        let _held = bulkhead.try_acquire().unwrap();
        let (breaker, callee) = (trips_at(1), Callee::new([Does::Answers(0)]));
        let stack = Stack::new().retry(three().build()).circuit_breaker(breaker.clone()).bulkhead(bulkhead.clone());
        let began = Instant::now();
        assert_eq!(words(&some_day(send!(way, stack, callee)).await), "bulkhead full", "{way:?}");
        assert_eq!((began.elapsed(), breaker.state()), (2 * SECOND, State::Closed), "{way:?}");
        assert_eq!((bulkhead.queued(), bulkhead.snapshot().rejected(), callee.calls()), (0, 1, 0), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_dropped_in_a_queue_leaves_it_and_gives_back_what_was_taken_further_out() {
    for way in Way::BOTH {
        let (outer, inner, callee) = (Bulkhead::new("outer", 9), queued(9), Callee::new([Does::Hangs]));
        let stack = Stack::new().bulkhead(outer.clone()).circuit_breaker(trips_at(1)).bulkhead(inner.clone());
        let mut calls: Vec<_> = (0..3).map(|_| task::spawn(send!(way, stack, callee))).collect();
        calls.iter_mut().for_each(|call| assert!(call.poll().is_pending()));
        assert_eq!((outer.in_flight(), inner.in_flight(), inner.queued()), (3, 1, 2), "{way:?}");
        drop(calls.remove(1));
        assert_eq!((outer.in_flight(), inner.in_flight(), inner.queued()), (2, 1, 1), "{way:?}");
        // The call in flight ends. The next call gets the turn, also if it is dropped before it is polled.
        drop(calls.remove(0));
        assert!(calls[0].is_woken(), "{way:?}");
        assert_eq!((outer.in_flight(), inner.in_flight()), (1, 1), "{way:?}");
        drop(calls);
        assert_eq!((outer.in_flight(), inner.in_flight(), callee.calls()), (0, 0, 1), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_around_a_queue_ends_the_wait_and_the_place_is_free() {
    for way in Way::BOTH {
        let (bulkhead, callee) = (queued(1), Callee::new([Does::Answers(0)]));
        let _held = bulkhead.try_acquire().unwrap();
        let stack = Stack::new().timeout(Timeout::new("timeout", SECOND)).bulkhead(bulkhead.clone());
        let mut call = task::spawn(send!(way, stack, callee));
        assert_pending!(call.poll());
        time::advance(SECOND).await;
        assert!(call.poll().is_ready());
        assert_eq!(bulkhead.queued(), 0, "{way:?}: while the future lives");
    }
}

#[tokio::test(start_paused = true)]
async fn the_breaker_inside_of_a_queue_is_asked_when_the_turn_comes() {
    for way in Way::BOTH {
        let (limiter, breaker, callee) = (paced(9 * SECOND), open(), Callee::new([Does::Answers(0)]));
        limiter.try_acquire().unwrap_err();
        let stack = Stack::new().rate_limit(limiter).circuit_breaker(breaker.clone());
        let mut call = task::spawn(send!(way, stack, callee));
        assert_pending!(call.poll());
        assert_eq!(breaker.snapshot().rejected(), 0, "{way:?}");
        breaker.reset();
        assert_eq!(some_day(call.into_inner()).await, Ok(1), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_stays_one_and_is_not_cloned_for_it() {
    #[derive(Debug, PartialEq)]
    struct Once(u32);
    let service = service_fn(|Once(number): Once| async move { Ok::<_, Failed>(number) });
    let stack = Stack::new().retry(three().build()).rate_limit(paced(5 * SECOND)).bulkhead(queued(5));
    let service = stack.layer().clone_request(|_: &Once| None).layer(service);
    let both = futures::join!(service.clone().oneshot(Once(7)), service.oneshot(Once(8)));
    assert_eq!(both, (Ok(7), Ok(8)));
}
