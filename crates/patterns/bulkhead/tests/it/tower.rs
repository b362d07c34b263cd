//! The contract of a tower service where nobody waits: what `poll_ready` finds, and what `call` does with it.

use crate::support;
use std::task::Poll;

use crate::support::{Manual, assert_idle, plain, reason};
use seawall_bulkhead::{BulkheadService, Reason};
use seawall_core::{Rejection, time::ManualClock};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::{BoxError, Layer, Service};
use tower_test::mock::{self, Handle};

type Spawned = mock::Spawn<BulkheadService<mock::Mock<&'static str, u32>, ManualClock>>;

/// The mock, guarded by `bulkhead`.
fn guarded(bulkhead: &Manual) -> (Spawned, Handle<&'static str, u32>) {
    mock::spawn_layer(bulkhead.layer())
}

fn refused(error: BoxError) -> Reason {
    reason(&error.downcast::<Rejection>().expect("it is refused"))
}

#[test]
fn a_closed_bulkhead_is_ready_to_refuse() {
    for slots in [0, 1] {
        let bulkhead = plain(slots).build();
        let (mut service, mut handle) = guarded(&bulkhead);
        handle.allow(0);
        bulkhead.close();
        for _ in 0..3 {
            assert_ready_ok!(service.poll_ready());
            assert_eq!(refused(assert_ready_err!(task::spawn(service.call("no")).poll())), Reason::Closed);
        }
        assert_pending!(handle.poll_request());
    }
}

#[test]
fn a_call_without_poll_ready_is_refused_in_its_type_where_there_is_no_room() {
    let queue = support::queued(0).build();
    for layer in [queue.layer().at_once(), queue.layer().backpressure(), queue.layer().waits_in_ready()] {
        let (inner, mut handle) = mock::pair::<u32, u32>();
        let mut service = layer.layer(inner);
        for _ in 0..2 {
            assert_eq!(refused(assert_ready_err!(task::spawn(service.call(1)).poll())), Reason::Full);
        }
        assert_pending!(handle.poll_request());
    }
}

#[test]
fn clones_and_services_of_clones_of_the_layer_share_the_slots() {
    let bulkhead = plain(2).build();
    let layer = bulkhead.layer();
    let (inner, _handle) = mock::pair::<u32, u32>();
    let first = layer.layer(inner.clone());
    let mut services = [first.clone(), first, layer.clone().layer(inner)];
    let mut refusals = 0;
    let mut calls = Vec::new();
    for service in &mut services {
        let mut task = task::spawn(());
        assert_ready_ok!(task.enter(|cx, _| service.poll_ready(cx)));
        let mut call = task::spawn(service.call(1));
        match call.poll() {
            Poll::Ready(reply) => refusals += u32::from(refused(reply.unwrap_err()) == Reason::Full),
            Poll::Pending => calls.push(call),
        }
        assert!(bulkhead.in_flight() <= 2);
    }
    assert_eq!((calls.len(), refusals), (2, 1));
    drop(calls);
    assert_idle(&bulkhead);
}
