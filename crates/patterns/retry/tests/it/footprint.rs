//! What a call costs in memory: no allocation in any way to call, and futures not much larger than the inner one.

use crate::support;
use std::{
    cell::Cell,
    future::{self, Future},
    mem::{size_of, size_of_val},
    task::Context,
};

use crate::subject::{Leaping, Retried};
use crate::support::{Failed, Reply, Way, failed, quick};
use futures::{FutureExt, task::noop_waker_ref};
use seawall_core::{Budget, time::ManualClock};
use seawall_retry::{Attempt, CloneAll, Event, OwnRule, Retry};
use seawall_testkit::{Subject, alloc::allocations, clock::ProbeClock, time::SECOND};
use tower::{Layer, Service, service_fn};

// ===== allocations =====

/// Makes a call of which so many attempts fail.
type Call = fn(&Leaping, u32);

/// The attempts of a call of which so many fail.
fn fails(times: u32) -> impl FnMut() -> future::Ready<Reply> + Clone {
    let mut number = 0;
    move || {
        number += 1;
        future::ready(if number <= times { failed(number) } else { Ok(number) })
    }
}

/// Each way to make a call, from its beginning to its end.
const CALLS: [(&str, Call); 7] = [
    ("execute", |retry, times| drop(retry.execute(fails(times)).now_or_never().unwrap())),
    ("execute_with", |retry, times| {
        let mut attempt = fails(times);
        drop(retry.execute_with(|_| attempt()).now_or_never().unwrap());
    }),
    ("call", |retry, times| drop(retry.call(fails(times)).now_or_never().unwrap())),
    ("call_with", |retry, times| {
        let mut attempt = fails(times);
        drop(retry.call_with(|_| attempt()).now_or_never().unwrap());
    }),
    ("execute_blocking", |retry, times| {
        let mut attempt = fails(times);
        drop(retry.execute_blocking(|| attempt().into_inner()));
    }),
    ("service", |retry, times| {
        let attempts = Cell::new(0);
        let mut service = retry.layer().clone_all().layer(service_fn(|()| serve(&attempts, times)));
        drop(service.call(()).now_or_never().unwrap());
    }),
    ("service for any error", |retry, times| {
        let attempts = Cell::new(0);
        let mut service = retry.layer().clone_all().any_error().layer(service_fn(|()| serve(&attempts, times)));
        drop(service.call(()).now_or_never().unwrap());
    }),
];

fn serve(attempts: &Cell<u32>, fails: u32) -> future::Ready<Reply> {
    attempts.set(attempts.get() + 1);
    future::ready(if attempts.get() <= fails { failed(attempts.get()) } else { Ok(attempts.get()) })
}

#[test]
fn a_call_that_is_tried_again_allocates_nothing() {
    for (way, call) in CALLS {
        for (kind, subject) in Retried::footprints() {
            for fails in 1..=4 {
                let count = allocations(|| call(&subject.retry, fails));
                assert_eq!(count, 0, "{way}, {kind}, {fails} fail");
            }
        }
    }
}

#[test]
fn a_retry_that_copies_a_request_allocates_nothing_but_the_copies() {
    let retry = quick().clock(ManualClock::new()).build();
    let attempts = Cell::new(0);
    let mut service = retry.layer().clone_all().layer(service_fn(|_: Box<u32>| serve(&attempts, u32::MAX)));
    let count = allocations(|| drop(service.call(Box::new(1)).now_or_never().unwrap()));
    assert_eq!(count, 300, "the request itself, and two copies");
}

// ===== the clock =====

#[test]
fn a_call_that_succeeds_at_once_does_not_look_at_the_clock() {
    for budget in [Budget::unlimited(), Budget::default()] {
        for way in Way::ALL {
            let clock = ProbeClock::default();
            let retry = Retry::builder("t").budget(budget.clone()).clock(clock.clone()).build();
            for retry in [retry.clone(), retry.observed(|_| {})] {
                let before = clock.asked().0;
                assert_eq!(support::run(way, &retry, Reply::Ok), (Ok(1), 1));
                // A closure that is given the attempt is given the time.
                let wanted = u32::from(matches!(way, Way::ExecuteWith | Way::CallWith));
                assert_eq!((clock.asked().0 - before, clock.asked().1), (wanted, 0), "{way:?}");
            }
        }
    }
}

// ===== sizes =====

#[test]
fn the_types_that_users_hold_are_small() {
    let retry = quick().build();
    let layer = retry.layer();
    let rows = [
        ("Retry", size_of_val(&retry), 136),
        ("RetryLayer", size_of_val(&layer), 136),
        ("RetryService<()>", size_of_val(&layer.layer(())), 136),
        ("Budget", size_of::<Budget>(), 24),
        ("CloneAll", size_of::<CloneAll>(), 0),
        ("OwnRule", size_of::<OwnRule>(), 0),
        ("Attempt", size_of::<Attempt>(), 48),
        ("Event", size_of::<Event>(), 80),
    ];
    for (what, size, bound) in rows {
        assert!(size <= bound, "{what} is {size} bytes, at most {bound} were expected");
    }
}

#[test]
fn a_pending_call_allocates_nothing_but_what_the_timer_does() {
    let clock = ManualClock::new();
    let retry = quick().clock(clock).backoff(support::exactly(SECOND)).build();
    let noop = &mut Context::from_waker(noop_waker_ref());
    let count = allocations(|| {
        let mut call = std::pin::pin!(retry.execute(|| future::ready(Err::<u32, _>(Failed(1)))));
        assert!(call.as_mut().poll(noop).is_pending());
        assert!(call.as_mut().poll(noop).is_pending());
    });
    assert_eq!(count, 0);
}
