//! What else costs memory: a report of a rejection, a wait, and the types that users hold.

use std::{
    future::{self, Future},
    io,
    mem::{size_of, size_of_val},
    task::Context,
};

use crate::support::{Way, log_refusals, plain, queued};
use futures::task::noop_waker_ref;
use seawall_bulkhead::{Bulkhead, OwnedPermit, Permit};
use seawall_core::{Error, Rejection};
use seawall_testkit::alloc::allocations;
use tokio_test::{assert_pending, task};
use tower::Layer;

// ===== allocations =====

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
    // The others are the test's own: the boxes of its futures, and what the clones of its service share.
    for (way, allowed) in [(Way::Execute, 300), (Way::Call, 200), (Way::Service, 300)] {
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
