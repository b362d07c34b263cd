//! Resizing and closing while calls run and wait, and what rejections, snapshots and events say of it.

use crate::support;
use std::future;

use crate::support::{Manual, Reply, SECOND, Way, assert_idle, log, plain, queued, refused};
use seawall_bulkhead::{Bulkhead, EventKind, Order, Reason};
use seawall_core::{
    Rejection,
    time::{Instant, ManualClock},
};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};

/// Calls that wait, one in each way, behind one that is in flight.
fn crowded(bulkhead: &Manual) -> Vec<task::Spawn<support::Boxed<'static>>> {
    Way::ALL.map(|way| way.begin(bulkhead, || future::ready(Ok(())))).into()
}

#[test]
fn a_snapshot_says_how_it_stands() {
    let bulkhead = queued(2).max_queued(1).build();
    let held = bulkhead.try_acquire_n(2).unwrap();
    let mut waits = task::spawn(bulkhead.acquire());
    assert_pending!(waits.poll());
    assert!(assert_ready!(task::spawn(bulkhead.acquire()).poll()).is_err());
    let snapshot = bulkhead.snapshot();
    assert_eq!((snapshot.max_concurrent(), snapshot.in_flight(), snapshot.queued()), (2, 2, 1));
    assert_eq!((snapshot.rejected(), snapshot.is_closed()), (1, false));
    bulkhead.resize(1);
    assert_eq!((bulkhead.snapshot().max_concurrent(), bulkhead.snapshot().in_flight()), (1, 2));
    bulkhead.close();
    assert!(bulkhead.snapshot().is_closed());
    let words = format!("{bulkhead:?}");
    assert!(words.contains("queued") && words.contains("in_flight: 2"), "{words}");
    drop((held, waits));
    assert_eq!(bulkhead.in_flight(), 0);
}

#[test]
fn close_refuses_who_comes_and_who_waits_and_lets_who_is_in_flight_go_on() {
    for way in Way::ALL {
        let bulkhead = queued(1).build();
        let mut in_flight = way.begin(&bulkhead, || support::steps(1, || Ok(())));
        let mut waiting = crowded(&bulkhead);
        bulkhead.close();
        for call in &mut waiting {
            assert!(call.is_woken());
            assert_eq!(refused(&assert_ready!(call.poll())), Some(Reason::Closed), "{way:?}");
        }
        for way in Way::ALL {
            let mut call = task::spawn(way.start(&bulkhead, || -> future::Ready<Reply> { panic!("it ran") }));
            assert_eq!(refused(&assert_ready!(call.poll())), Some(Reason::Closed), "{way:?}");
        }
        assert!(bulkhead.try_acquire().is_err() && bulkhead.execute_blocking(|| Reply::Ok(())).is_err());
        assert_eq!(bulkhead.snapshot().rejected(), 10);
        assert_eq!(bulkhead.in_flight(), 1);
        assert_ready_ok!(in_flight.poll());
        assert_eq!((bulkhead.in_flight(), bulkhead.queued(), bulkhead.available()), (0, 0, 0));
    }
}

#[test]
fn a_turn_that_came_before_the_close_is_kept() {
    for way in Way::ALL {
        let bulkhead = queued(1).build();
        let taken = bulkhead.try_acquire().unwrap();
        let mut call = way.begin(&bulkhead, || future::ready(Ok(())));
        drop(taken);
        bulkhead.close();
        assert_ready_ok!(call.poll(), "{way:?}");
        assert_eq!(bulkhead.in_flight(), 0);
    }
}

#[test]
fn closed_it_stays_closed() {
    let bulkhead = queued(1).build();
    let clone = bulkhead.clone();
    bulkhead.close();
    bulkhead.close();
    bulkhead.resize(100);
    let rejection = clone.try_acquire().unwrap_err();
    assert_eq!(rejection.to_string(), "bulkhead `queued` is closed");
    assert_eq!((clone.max_concurrent(), clone.available()), (100, 0));
}

#[test]
fn what_was_resized_and_closed_is_told_once_each() {
    let bulkhead = queued(3).build();
    let events = log(&bulkhead, |event| Some(event.to_string()));
    bulkhead.resize(5);
    bulkhead.resize(5);
    bulkhead.resize(0);
    bulkhead.close();
    bulkhead.close();
    let expected = ["resized from 3 to 5", "resized from 5 to 5", "resized from 5 to 0", "closed"];
    let expected: Vec<_> = expected.iter().map(|what| format!("bulkhead `queued`: {what}")).collect();
    assert_eq!(*events.lock().unwrap(), expected);
}

#[test]
fn each_refused_call_is_told_once_and_with_its_own_words() {
    let clock = ManualClock::new();
    let bulkhead = queued(2).max_queued(1).max_wait(SECOND).clock(clock.clone()).build();
    let events = log(&bulkhead, |event| match event.kind() {
        EventKind::Rejected(rejection) => Some((event.policy().to_owned(), rejection.clone(), event.to_string())),
        _ => None,
    });
    let held = bulkhead.try_acquire_n(2).unwrap();
    let mut replies = vec![bulkhead.try_acquire().map(drop)];
    let mut waits = task::spawn(bulkhead.acquire());
    assert_pending!(waits.poll());
    replies.push(assert_ready!(task::spawn(bulkhead.acquire()).poll()).map(drop));
    replies.push(bulkhead.try_acquire_n(3).map(drop));
    clock.advance(SECOND);
    replies.push(assert_ready!(waits.poll()).map(drop));
    drop((waits, held));
    bulkhead.close();
    replies.push(bulkhead.try_acquire().map(drop));

    let words = [
        "bulkhead `queued` is full: 2 of 2 in flight",
        "bulkhead `queued` is full, and so is its queue: 2 of 2 in flight",
        "bulkhead `queued` has 2 slots, and the call asked for 3",
        "bulkhead `queued` is full, and no slot came free in time: 2 of 2 in flight",
        "bulkhead `queued` is closed",
    ];
    let told = events.lock().unwrap();
    assert_eq!(told.len(), words.len());
    for ((reply, told), words) in replies.into_iter().zip(&*told).zip(words) {
        assert_eq!(*told, ("queued".to_owned(), reply.unwrap_err(), words.to_owned()));
    }
    assert_eq!(bulkhead.snapshot().rejected(), words.len() as u64);
}

#[test]
fn a_rejection_says_what_it_met_and_never_when_there_is_room_again() {
    let bulkhead = plain(2).build();
    let _held = bulkhead.try_acquire_n(2).unwrap();
    bulkhead.resize(1);
    let rejection = bulkhead.try_acquire().unwrap_err();
    assert_eq!((rejection.policy(), rejection.kind(), rejection.retry_after()), ("plain", "bulkhead full", None));
    let Rejection::BulkheadFull(full) = rejection else { panic!("it is a bulkhead's") };
    assert_eq!((full.reason(), full.max_concurrent(), full.in_flight(), full.cost()), (Reason::Full, 1, 2, 1));
}

#[test]
fn clones_and_layers_are_one_bulkhead() {
    let bulkhead = queued(1).build();
    let (clone, layer) = (bulkhead.clone(), bulkhead.layer());
    clone.resize(2);
    assert_eq!((bulkhead.max_concurrent(), layer.policy().max_concurrent()), (2, 2));
    let _permit = layer.policy().try_acquire().unwrap();
    assert_eq!((bulkhead.in_flight(), bulkhead.name()), (1, "queued"));
    layer.policy().close();
    assert!(bulkhead.snapshot().is_closed());
}

#[test]
fn a_bulkhead_may_go_before_what_it_let_in() {
    let bulkhead = Bulkhead::builder("t", 1).clock(Instant::ORIGIN).order(Order::Lifo).build();
    let permit = bulkhead.try_acquire().unwrap().into_owned();
    drop(bulkhead);
    drop(permit);
    let bulkhead = plain(1).build();
    let mut call = Way::Service.begin(&bulkhead, || support::steps(1, || Ok(())));
    drop(bulkhead);
    assert_ready_ok!(call.poll());
}

#[test]
fn calls_of_all_ways_wait_in_one_line() {
    let bulkhead = queued(1).build();
    let taken = bulkhead.try_acquire().unwrap();
    let mut calls = crowded(&bulkhead);
    assert_eq!(bulkhead.queued(), 4);
    drop(taken);
    for number in 0..calls.len() {
        assert_eq!(calls.iter().position(|call| call.is_woken()), Some(0), "call {number}");
        assert_ready_ok!(calls.remove(0).poll());
    }
    assert_idle(&bulkhead);
}
