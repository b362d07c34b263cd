//! What a call costs in memory: no allocation in any way to call while there is room, nor for a refusal, and small futures.

use std::{
    future::{self, Future},
    io,
    mem::{size_of, size_of_val},
    task::Context,
};

use crate::support::{Failed, Manual, Reply, SECOND, Way, assert_idle, log_refusals, plain, queued};
use futures::{FutureExt, task::noop_waker_ref};
use seawall_bulkhead::{Builder, Bulkhead, OwnedPermit, Permit};
use seawall_core::{Error, Rejection, time::ManualClock};
use seawall_testkit::{alloc::allocations, call::OfWords};
use tokio_test::{assert_pending, task};
use tower::{Layer, Service, service_fn};

// ===== allocations =====

/// Makes something of a bulkhead's builder.
type Build = fn(Builder) -> Builder;

type Call = fn(&Manual);

fn serve(bulkhead: &Manual, backpressure: bool) {
    let inner = service_fn(|()| future::ready(Reply::Ok(())));
    if !backpressure {
        let mut service = bulkhead.layer().layer(inner);
        if service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready() {
            drop(service.call(()).now_or_never());
        }
        return;
    }
    let mut service = bulkhead.layer().backpressure().layer(inner);
    if service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready() {
        drop(service.call(()).now_or_never().unwrap());
    }
}

/// Each way to make a call, from its beginning to its end.
const CALLS: [(&str, Call); 8] = [
    ("execute", |bulkhead| drop(bulkhead.execute(|| future::ready(Ok::<_, Failed>(()))).now_or_never())),
    ("call", |bulkhead| drop(bulkhead.call(|| future::ready(Reply::Ok(()))).now_or_never())),
    ("execute_blocking", |bulkhead| drop(bulkhead.execute_blocking(|| Reply::Ok(())))),
    ("try_acquire", |bulkhead| drop(bulkhead.try_acquire())),
    ("into_owned", |bulkhead| drop(bulkhead.try_acquire_n(2).map(|permit| permit.into_owned()))),
    ("acquire", |bulkhead| drop(bulkhead.acquire().now_or_never())),
    ("service", |bulkhead| serve(bulkhead, false)),
    ("service under backpressure", |bulkhead| serve(bulkhead, true)),
];

/// Runs `check` for each kind of bulkhead and each way to call; with names that are literals, and that are shared.
fn each(slots: usize, check: impl Fn(Manual, Call, &str)) {
    for owned in [false, true] {
        for (way, call) in CALLS {
            let builders: [(&str, Build); 3] = [
                ("no queue", |builder| builder),
                ("queue", |builder| builder.max_queued(100)),
                ("timed queue", |builder| builder.max_queued(100).max_wait(SECOND)),
            ];
            for (what, build) in builders {
                let builder =
                    if owned { Bulkhead::builder(String::from("t"), slots) } else { Bulkhead::builder("t", slots) };
                let bulkhead = build(builder).clock(ManualClock::new()).build();
                check(bulkhead, call, &format!("{way}, {what}, owned name: {owned}"));
            }
        }
    }
}

#[test]
fn the_allocator_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 100);
}

#[test]
fn a_call_that_finds_room_allocates_nothing() {
    each(2, |bulkhead, call, row| {
        assert_eq!(allocations(|| call(&bulkhead)), 0, "{row}");
        assert_idle(&bulkhead);
        assert_eq!(bulkhead.snapshot().rejected(), 0, "{row}");
    });
}

#[test]
fn a_refused_call_allocates_nothing() {
    each(2, |bulkhead, call, row| {
        // A service that waits does so in a box, be it for a moment.
        if row.starts_with("service under") || row.starts_with("service") && !row.contains("no queue") {
            return;
        }
        bulkhead.close();
        assert_eq!(allocations(|| call(&bulkhead)), 0, "{row}, closed");
        assert_eq!(bulkhead.snapshot().rejected(), 101, "{row}");
    });
    for (way, call) in CALLS.into_iter().filter(|(way, _)| *way != "service under backpressure") {
        let full = plain(2).build();
        let _held = full.try_acquire_n(2).unwrap();
        assert_eq!(allocations(|| call(&full)), 0, "{way}");
        assert_eq!(full.snapshot().rejected(), 101, "{way}");
    }
}

#[test]
fn a_refusal_told_to_an_observer_allocates_nothing() {
    let bulkhead = plain(0).build();
    let seen = log_refusals(&bulkhead);
    let count = allocations(|| {
        seen.lock().unwrap().clear();
        assert!(bulkhead.try_acquire().is_err());
    });
    assert_eq!((count, seen.lock().unwrap().len()), (0, 1));
}

#[test]
fn a_permit_that_is_waited_for_allocates_nothing_once_the_queue_has_been_as_long() {
    let bulkhead = queued(1).build();
    let count = allocations(|| {
        let taken = bulkhead.try_acquire().unwrap();
        let mut waits = std::pin::pin!(bulkhead.acquire());
        assert_pending!(waits.as_mut().poll(&mut Context::from_waker(noop_waker_ref())));
        drop(taken);
        assert!(waits.poll(&mut Context::from_waker(noop_waker_ref())).is_ready());
    });
    assert_eq!(count, 0);
}

#[test]
fn a_call_that_waits_allocates_its_place_and_nothing_else() {
    let bulkhead = queued(1).build();
    // The others are the test's own: the box of its future, and what the clones of its service share.
    for (way, allowed) in [(Way::Execute, 200), (Way::Service, 300)] {
        let noop = &mut Context::from_waker(noop_waker_ref());
        let count = allocations(|| {
            let taken = bulkhead.try_acquire().unwrap();
            let mut call = way.start(&bulkhead, || future::ready(Ok(())));
            assert_pending!(call.as_mut().poll(noop));
            drop(taken);
            assert!(call.as_mut().poll(noop).is_ready());
        });
        assert_eq!(count, allowed, "{way:?}");
    }
}

#[test]
fn memory_of_the_queue_is_used_again() {
    let bulkhead = queued(1).build();
    let _taken = bulkhead.try_acquire().unwrap();
    let mut waits: Vec<_> = (0..64).map(|_| task::spawn(bulkhead.acquire())).collect();
    waits.iter_mut().for_each(|wait| assert_pending!(wait.poll()));
    waits.clear();
    let acquire = || Box::pin(bulkhead.acquire());
    let count = allocations(|| {
        let mut waits = [acquire(), acquire(), acquire(), acquire()];
        for wait in &mut waits {
            assert_pending!(wait.as_mut().poll(&mut Context::from_waker(noop_waker_ref())));
        }
    });
    assert_eq!((count, bulkhead.queued()), (400, 0), "the test's own boxes alone");
}

// ===== sizes =====

/// The sizes of the futures of `execute`, `call` and the service over an inner one of so many words.
fn futures_over<const WORDS: usize>() -> [usize; 3] {
    let bulkhead = Bulkhead::new("t", 10);
    let inner = || OfWords::<WORDS>::default();
    let mut service = bulkhead.layer().layer(service_fn(|()| inner()));
    [size_of_val(&bulkhead.execute(inner)), size_of_val(&bulkhead.call(inner)), size_of_val(&service.call(()))]
}

/// What a refusal takes: a future that is not larger has room for its rejection.
const REFUSAL: usize = 72;

/// What a call that was let in takes beside the inner future: the share of the bulkhead, and its cost.
const ADDED: usize = 16;

#[test]
fn a_future_adds_a_few_bytes_to_the_inner_one_and_has_room_for_a_refusal() {
    let rows = [
        (0, futures_over::<0>()),
        (6, futures_over::<6>()),
        (7, futures_over::<7>()),
        (12, futures_over::<12>()),
        (100, futures_over::<100>()),
    ];
    for (words, sizes) in rows {
        let bound = REFUSAL.max(words * size_of::<u64>() + ADDED);
        assert!(sizes.iter().all(|size| *size <= bound), "over {words} words: {sizes:?}, at most {bound}");
    }
}

#[test]
fn the_types_that_users_hold_are_small() {
    let bulkhead = Bulkhead::new("t", 1);
    let layer = bulkhead.layer();
    let rows = [
        ("Permit", size_of::<Permit>(), 24),
        ("Option<Permit>", size_of::<Option<Permit>>(), 24),
        ("OwnedPermit", size_of::<OwnedPermit>(), 16),
        ("Option<OwnedPermit>", size_of::<Option<OwnedPermit>>(), 16),
        ("Rejection", size_of::<Rejection>(), 64),
        ("Error<io::Error>", size_of::<Error<io::Error>>(), 64),
        ("Result<Permit, Rejection>", size_of::<Result<Permit, Rejection>>(), 64),
        ("Bulkhead", size_of_val(&bulkhead), 24),
        ("BulkheadLayer", size_of_val(&layer), 32),
        ("BulkheadService<()>", size_of_val(&layer.layer(())), 80),
        ("acquire()", size_of_val(&bulkhead.acquire()), 256),
    ];
    for (what, size, bound) in rows {
        assert!(size <= bound, "{what} is {size} bytes, at most {bound} were expected");
    }
}
