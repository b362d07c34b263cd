//! Each pass comes back once and in order, however a call ends.

use std::{
    cell::RefCell,
    future::{self, Future},
    panic::{self, AssertUnwindSafe},
    rc::Rc,
};

use seawall::{Budget, Bulkhead, CircuitBreaker, Quota, RateLimiter, Retry, Stack, Timeout};
use tokio::time;
use tokio_test::task;
use tower::{Layer, ServiceExt, service_fn};

use crate::stack::support::{Boxed, Callee, Does, Failed, MILLISECOND, SECOND, Way, send, some_day, three, trips_at};

/// The place in which a call panics.
#[derive(Debug, Clone, Copy)]
enum Panics {
    AsItBegins,
    InItsFirstPoll,
    Later,
}

fn panicking(panics: Panics) -> Boxed<Result<u32, Failed>> {
    if let Panics::AsItBegins = panics {
        panic!("as it begins");
    }
    Box::pin(async move {
        if let Panics::Later = panics {
            time::sleep(MILLISECOND).await;
        }
        panic!("{panics:?}")
    })
}

/// Whether it panics, on its way or already as it is made.
async fn panics<F: Future>(make: impl FnOnce() -> F) -> bool {
    let Ok(future) = panic::catch_unwind(AssertUnwindSafe(make)) else { return true };
    futures::FutureExt::catch_unwind(AssertUnwindSafe(future)).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_to_each_breaker_around_it_once_and_gives_all_slots_back() {
    for at in [Panics::AsItBegins, Panics::InItsFirstPoll, Panics::Later] {
        for waits in [false, true] {
            let (outer, inner) = (trips_at(9), trips_at(9));
            let (wide, narrow) = (Bulkhead::new("wide", 1), Bulkhead::builder("narrow", 1).max_queued(1).build());
            let budget = Budget::ratio(0.0).floor(5).burst(5);
            let stack = Stack::new()
                .bulkhead(wide.clone())
                .circuit_breaker(outer.clone())
                .retry(three().budget(budget.clone()).build())
                .bulkhead(narrow.clone())
                .circuit_breaker(inner.clone())
                .timeout(Timeout::new("timeout", SECOND));
            let failed = |breaker: &CircuitBreaker| breaker.snapshot().consecutive_failures();
            for (number, way) in (1..).zip(Way::BOTH) {
                let held = waits.then(|| narrow.try_acquire().unwrap().into_owned());
                let free = tokio::task::LocalSet::new();
                free.spawn_local(async move {
                    time::sleep(MILLISECOND).await;
                    drop(held);
                });
                let panicked = free.run_until(async {
                    match way {
                        Way::Plain => panics(|| stack.execute(|| panicking(at))).await,
                        Way::Service => {
                            panics(|| stack.layer().clone_all().layer(service_fn(|()| panicking(at))).oneshot(())).await
                        }
                    }
                });
                assert!(panicked.await, "{way:?}, {at:?}, {waits}");
                assert_eq!((failed(&outer), failed(&inner)), (number, number), "{way:?}, {at:?}, {waits}");
                assert_eq!((wide.in_flight(), narrow.in_flight()), (0, 0), "{way:?}, {at:?}, {waits}");
                assert_eq!(budget.balance(), 5.0, "{way:?}, {at:?}, {waits}");
            }
        }
    }
}

/// Its drop records what is in flight.
struct Witness<F>(F)
where
    F: Fn();

impl<F: Fn()> Drop for Witness<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[tokio::test(start_paused = true)]
async fn the_call_is_dropped_before_what_was_taken_for_it_is_given_back() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (outer, inner) = (Bulkhead::new("outer", 2), Bulkhead::new("inner", 2));
    let hangs = {
        let (seen, outer, inner) = (seen.clone(), outer.clone(), inner.clone());
        move || {
            let (seen, outer, inner) = (seen.clone(), outer.clone(), inner.clone());
            let witness = Witness(move || seen.borrow_mut().push((outer.in_flight(), inner.in_flight())));
            async move {
                let _witness = witness;
                future::pending::<Result<u32, Failed>>().await
            }
        }
    };
    let limited = Stack::new().timeout(Timeout::new("timeout", SECOND)).bulkhead(outer.clone()).bulkhead(inner.clone());
    let stack = Stack::new().bulkhead(outer.clone()).retry(three().build()).bulkhead(inner.clone());

    let service = stack.layer().clone_all().layer(service_fn({
        let hangs = hangs.clone();
        move |()| hangs()
    }));
    let mut call = task::spawn(service.oneshot(()));
    assert!(call.poll().is_pending());
    drop(call);
    let mut call = task::spawn(stack.execute(hangs.clone()));
    assert!(call.poll().is_pending());
    drop(call);
    // Also before the first poll.
    drop(stack.execute(hangs.clone()));
    assert!(some_day(limited.execute(hangs.clone())).await.is_err());
    assert_eq!(*seen.borrow(), [(1, 1); 4]);
    assert_eq!((outer.in_flight(), inner.in_flight()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_is_free_in_the_poll_that_gives_the_result_though_the_future_lives_on() {
    for way in Way::BOTH {
        let (outer, inner) = (Bulkhead::new("outer", 1), Bulkhead::new("inner", 1));
        let limiter = RateLimiter::new("limiter", Quota::per_hour(9));
        let stack = Stack::new().bulkhead(outer.clone()).retry(Retry::new("retry")).rate_limit(limiter.clone());
        let stack = stack.circuit_breaker(trips_at(1)).bulkhead(inner.clone()).timeout(Timeout::new("timeout", SECOND));
        let callee = Callee::new([Does::Answers(0)]);
        let mut calls = [0; 3].map(|_| task::spawn(send!(way, stack, callee)));
        assert!(calls.iter_mut().all(|call| call.poll().is_ready()), "{way:?}");
        assert_eq!((outer.in_flight(), inner.in_flight(), limiter.available()), (0, 0, 6), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_polled_by_nobody_holds_what_it_took_until_it_is_dropped() {
    let (bulkhead, callee) = (Bulkhead::new("b", 1), Callee::new([Does::Answers(0)]));
    let stack = Stack::new().circuit_breaker(trips_at(1)).bulkhead(bulkhead.clone());
    let call = stack.execute(|| callee.send());
    assert_eq!((bulkhead.in_flight(), callee.calls()), (1, 1));
    drop(call);
    assert_eq!((bulkhead.in_flight(), callee.in_flight()), (0, 0));
}
