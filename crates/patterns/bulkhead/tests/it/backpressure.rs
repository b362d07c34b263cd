//! A service that is not ready while its bulkhead is full: who is woken, when, and what is left behind.

use crate::support;
use std::time::Duration;

use crate::support::{MILLISECOND, Manual, SECOND, YEAR, assert_idle, plain, some_day};
use seawall_bulkhead::{Bulkhead, Reason};
use seawall_core::{Rejection, time::ManualClock};
use seawall_policy::GateService;
use tokio::time::{Instant, sleep, timeout};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_test::mock::{self, Handle, Mock};

type Guarded = GateService<Mock<u32, u32>, Bulkhead<ManualClock>>;

/// A service that waits, over the mock, on a clock that stands still.
fn waiting(slots: usize) -> (mock::Spawn<Guarded>, Handle<u32, u32>, Manual, ManualClock) {
    let clock = ManualClock::new();
    let bulkhead = plain(slots).max_wait(SECOND).clock(clock.clone()).build();
    let (service, mut handle) = mock::spawn_layer(bulkhead.layer().backpressure());
    handle.allow(1_000);
    (service, handle, bulkhead, clock)
}

#[test]
fn a_full_bulkhead_is_not_ready_however_long_that_takes_and_refuses_nobody() {
    let (mut service, _handle, bulkhead, clock) = waiting(1);
    let taken = bulkhead.try_acquire().unwrap();
    for _ in 0..3 {
        assert_pending!(service.poll_ready());
        clock.advance(YEAR);
    }
    assert!(!service.is_woken(), "the longest wait is for those who are refused at its end");
    assert_eq!((bulkhead.queued(), bulkhead.snapshot().rejected()), (1, 0));
    drop(taken);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
}

#[test]
fn any_number_waits_and_takes_no_place_from_those_who_queue() {
    let bulkhead = plain(1).max_queued(1).build();
    let (mut first, mut handle) = mock::spawn_layer::<u32, u32, _>(bulkhead.layer().backpressure());
    handle.allow(1_000);
    let _taken = bulkhead.try_acquire().unwrap();
    let mut others: Vec<_> = (0..10).map(|_| first.clone()).collect();
    assert_pending!(first.poll_ready());
    others.iter_mut().for_each(|other| assert_pending!(other.poll_ready()));
    let mut queues = task::spawn(bulkhead.acquire());
    assert_pending!(queues.poll(), "the one place of the queue is free");
    assert_eq!(bulkhead.queued(), 12);
    assert_eq!(support::reason(&assert_ready_err!(task::spawn(bulkhead.acquire()).poll())), Reason::QueueFull);
}

#[test]
fn what_lets_calls_in_wakes_the_task() {
    let ends: [fn(&Manual); 2] = [|bulkhead| bulkhead.resize(2), |bulkhead| bulkhead.close()];
    for end in ends {
        let (mut service, _handle, bulkhead, _clock) = waiting(1);
        let _taken = bulkhead.try_acquire().unwrap();
        assert_pending!(service.poll_ready());
        bulkhead.resize(1);
        assert!(!service.is_woken(), "nothing has changed");
        end(&bulkhead);
        assert!(service.is_woken());
        assert_ready_ok!(service.poll_ready());
    }
}

#[test]
fn a_bulkhead_without_slots_is_not_ready_until_it_has_some() {
    let (mut service, _handle, bulkhead, _clock) = waiting(0);
    assert_pending!(service.poll_ready());
    bulkhead.resize(1);
    assert!(service.is_woken());
    bulkhead.resize(0);
    assert_ready_ok!(service.poll_ready(), "the slot had been given to it");
    assert_eq!(bulkhead.in_flight(), 1);
    assert_pending!(task::spawn(service.call(1)).poll());
    assert_pending!(service.poll_ready());
}

#[test]
fn two_waiting_clones_are_served_in_the_order_of_coming() {
    let (mut first, _handle, bulkhead, _clock) = waiting(1);
    let taken = bulkhead.try_acquire().unwrap();
    assert_pending!(first.poll_ready());
    let mut second = first.clone();
    assert_eq!(second.waker_ref_count(), 1, "the clone of one that waits does not wait");
    assert_pending!(second.poll_ready());
    drop(taken);
    assert!(first.is_woken() && !second.is_woken());
    drop(first);
    assert!(second.is_woken(), "the turn of one that has gone is passed on");
    assert_ready_ok!(second.poll_ready());
}

#[test]
fn a_dropped_service_leaves_nothing_behind() {
    for granted in [false, true] {
        let (service, _handle, bulkhead, _clock) = waiting(1);
        let mut service = service.into_inner();
        let taken = bulkhead.try_acquire().unwrap();
        let mut task = task::spawn(());
        assert_pending!(task.enter(|cx, _| service.poll_ready(cx)));
        assert!(task.waker_ref_count() > 1);
        if granted {
            drop(taken);
            assert!(task.is_woken());
            drop(service);
            assert_idle(&bulkhead);
        } else {
            drop(service);
            assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (1, 0));
        }
        assert_eq!(task.waker_ref_count(), 1, "granted: {granted}");
    }
}

#[test]
fn the_task_that_polled_last_is_the_one_woken() {
    let (service, _handle, bulkhead, _clock) = waiting(1);
    let mut service = service.into_inner();
    let taken = bulkhead.try_acquire().unwrap();
    let (mut first, mut last) = (task::spawn(()), task::spawn(()));
    assert_pending!(first.enter(|cx, _| service.poll_ready(cx)));
    assert_pending!(last.enter(|cx, _| service.poll_ready(cx)));
    assert_eq!(bulkhead.queued(), 1, "it is one wait");
    drop(taken);
    assert!(last.is_woken() && !first.is_woken());
    assert_ready_ok!(last.enter(|cx, _| service.poll_ready(cx)));
}

#[test]
fn a_closed_bulkhead_is_ready_and_its_calls_are_refused() {
    let (mut service, mut handle, bulkhead, _clock) = waiting(1);
    handle.allow(0);
    bulkhead.close();
    for rejected in 1..4 {
        assert_ready_ok!(service.poll_ready());
        let error: BoxError = assert_ready_err!(task::spawn(service.call(1)).poll());
        assert!(error.is::<Rejection>());
        assert_eq!(bulkhead.snapshot().rejected(), rejected);
    }
    assert_pending!(handle.poll_request());
}

#[test]
fn a_service_that_is_ready_again_asks_anew_for_each_call() {
    let (mut service, mut handle, bulkhead, _clock) = waiting(2);
    let mut calls = Vec::new();
    for number in 0..2 {
        assert_ready_ok!(service.poll_ready());
        let mut call = task::spawn(service.call(number));
        assert_pending!(call.poll());
        calls.push((call, assert_ready!(handle.poll_request()).unwrap().1));
    }
    assert_pending!(service.poll_ready());
    let (mut call, answer) = calls.remove(0);
    answer.send_response(0);
    assert_ready_ok!(call.poll());
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
    assert_eq!(bulkhead.in_flight(), 2);
}

#[tokio::test(start_paused = true)]
async fn by_the_default_clock_it_waits_for_as_long_as_it_takes() {
    let bulkhead = Bulkhead::builder("t", 1).max_queued(5).max_wait(MILLISECOND).build();
    let (inner, mut handle) = mock::pair::<u32, u32>();
    let mut service = bulkhead.layer().backpressure().layer(inner);
    let permit = bulkhead.try_acquire().unwrap().into_owned();
    assert!(timeout(YEAR, service.ready()).await.is_err());
    let began = Instant::now();
    tokio::spawn(async move {
        sleep(Duration::from_secs(100)).await;
        drop(permit);
    });
    let call = some_day(service.ready()).await.unwrap().call(1);
    assert_eq!(began.elapsed(), Duration::from_secs(100));
    handle.next_request().await.unwrap().1.send_response(2);
    assert_eq!(call.await.unwrap(), 2);
    assert_idle(&bulkhead);
}
