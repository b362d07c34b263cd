//! Numbers at the ends of their ranges: limits, costs, and changes between them.

use crate::support;
use std::future;

use crate::support::{Reply, Way, assert_idle, plain, queued, reason, refused};
use seawall_bulkhead::{Bulkhead, Reason};
use seawall_core::{Rejection, slots::MAX_LIMIT};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};

fn why<T>(result: Result<T, Rejection>) -> Option<Reason> {
    result.err().map(|rejection| reason(&rejection))
}

#[test]
fn a_limit_of_none_lets_nobody_in_until_it_is_raised() {
    let bulkhead = plain(0).build();
    for cost in [1, 2, u32::MAX] {
        assert_eq!(why(bulkhead.try_acquire_n(cost)), Some(Reason::Full), "a pause: nothing is too large for it");
    }
    assert_idle(&bulkhead);
    bulkhead.resize(1);
    assert!(bulkhead.try_acquire().is_ok());
    for way in Way::ALL {
        let bulkhead = queued(0).build();
        let mut call = way.begin(&bulkhead, || future::ready(Ok(())));
        bulkhead.resize(1);
        assert!(call.is_woken(), "{way:?}");
        assert_ready_ok!(call.poll());
        assert_idle(&bulkhead);
    }
}

#[test]
fn a_limit_of_one_lets_in_one_after_the_other() {
    let bulkhead = plain(1).build();
    for _ in 0..1_000 {
        let permit = bulkhead.try_acquire().unwrap();
        assert_eq!(why(bulkhead.try_acquire()), Some(Reason::Full));
        drop(permit);
    }
    assert_idle(&bulkhead);
}

#[test]
fn the_largest_limits_are_no_limit_and_none_of_them_overflows() {
    let limits = [u32::MAX as usize, u32::MAX as usize + 1, MAX_LIMIT - 1, MAX_LIMIT, MAX_LIMIT + 1, usize::MAX];
    for limit in limits {
        let bulkhead = queued(limit).build();
        let in_force = limit.min(MAX_LIMIT);
        assert_eq!((bulkhead.max_concurrent(), bulkhead.available()), (in_force, in_force));
        let permits: Vec<_> =
            (0..100).map(|_| bulkhead.try_acquire_n(u32::MAX)).take(in_force / u32::MAX as usize).collect();
        assert!(permits.iter().all(Result::is_ok));
        let held = permits.len() * u32::MAX as usize;
        assert_eq!((bulkhead.in_flight(), bulkhead.available()), (held, in_force - held));
        for way in Way::ALL {
            let room = bulkhead.available() > 0;
            let mut call = task::spawn(way.start(&bulkhead, || future::ready(Ok(()))));
            assert_eq!(call.poll().is_ready(), room);
        }
        drop(permits);
        assert_idle(&bulkhead);
    }
}

#[test]
fn from_any_limit_to_any_other_and_back_no_slot_is_lost() {
    let limits = [0, 1, 2, u32::MAX as usize, MAX_LIMIT, usize::MAX];
    for (from, to) in limits.into_iter().flat_map(|from| limits.map(|to| (from, to))) {
        let bulkhead = queued(from).build();
        let held = bulkhead.try_acquire();
        let in_flight = usize::from(held.is_ok());
        for limit in [to, from, to] {
            bulkhead.resize(limit);
            let in_force = limit.min(MAX_LIMIT);
            assert_eq!((bulkhead.max_concurrent(), bulkhead.in_flight()), (in_force, in_flight), "{from} to {to}");
            assert_eq!(bulkhead.available(), in_force.saturating_sub(in_flight), "{from} to {to}");
        }
        drop(held);
        assert_idle(&bulkhead);
    }
}

#[test]
fn a_cost_of_nothing_needs_no_slot_and_takes_none() {
    for bulkhead in [plain(0).build(), plain(1).build(), queued(1).build()] {
        let held = bulkhead.try_acquire();
        let free = bulkhead.try_acquire_n(0).expect("it needs no room");
        let waits = task::spawn(bulkhead.acquire_n(0)).poll();
        assert_eq!((free.cost(), assert_ready_ok!(waits).cost()), (0, 0));
        assert_eq!(bulkhead.in_flight(), usize::from(held.is_ok()));
        drop((free, held));
        assert_idle(&bulkhead);
        bulkhead.close();
        assert_eq!(why(bulkhead.try_acquire_n(0)), Some(Reason::Closed));
    }
}

#[test]
fn a_cost_of_all_slots_fits_when_all_are_free() {
    let bulkhead = queued(3).build();
    let all = bulkhead.try_acquire_n(3).unwrap();
    assert_eq!((bulkhead.in_flight(), bulkhead.available()), (3, 0));
    let mut next = task::spawn(bulkhead.acquire_n(3));
    assert_pending!(next.poll());
    drop(all);
    assert_eq!(assert_ready_ok!(next.poll()).cost(), 3);
    let one = bulkhead.try_acquire().unwrap();
    let mut next = task::spawn(bulkhead.acquire_n(3));
    assert_pending!(next.poll());
    drop(one);
    drop(assert_ready_ok!(next.poll()));
}

#[test]
fn a_cost_above_the_limit_is_refused_at_once_for_a_reason_of_its_own() {
    for bulkhead in [plain(2).build(), queued(2).build()] {
        for cost in [3, u32::MAX] {
            let rejection = bulkhead.try_acquire_n(cost).unwrap_err();
            let Rejection::BulkheadFull(full) = &rejection else { panic!("{rejection}") };
            assert_eq!((full.reason(), full.cost(), full.max_concurrent()), (Reason::TooLarge, cost, 2));
            assert!(rejection.to_string().ends_with(&format!("has 2 slots, and the call asked for {cost}")));
            let waits = assert_ready_err!(task::spawn(bulkhead.acquire_n(cost)).poll());
            assert_eq!(reason(&waits), Reason::TooLarge, "it does not wait, as it would for ever");
        }
        assert_eq!(bulkhead.snapshot().rejected(), 4);
        assert_idle(&bulkhead);
    }
}

#[test]
fn who_waits_for_more_slots_than_are_left_is_refused_and_those_behind_move_up() {
    let bulkhead = queued(4).build();
    let held = bulkhead.try_acquire_n(2).unwrap();
    let mut heavy = task::spawn(bulkhead.acquire_n(4));
    let mut light = task::spawn(bulkhead.acquire_n(1));
    assert_pending!(heavy.poll());
    assert_pending!(light.poll());
    bulkhead.resize(3);
    assert!(heavy.is_woken() && light.is_woken());
    assert_eq!(reason(&assert_ready_err!(heavy.poll())), Reason::TooLarge);
    drop(assert_ready_ok!(light.poll()));
    drop(held);
    // A pause is no limit: who waits goes on waiting, whatever it costs.
    let held = bulkhead.try_acquire().unwrap();
    let mut heavy = task::spawn(bulkhead.acquire_n(3));
    assert_pending!(heavy.poll());
    bulkhead.resize(0);
    drop(held);
    assert_pending!(heavy.poll());
    bulkhead.resize(3);
    drop(assert_ready_ok!(heavy.poll()));
    assert_idle(&bulkhead);
}

#[test]
fn a_limit_that_was_lowered_lets_in_nobody_until_as_many_have_left() {
    let bulkhead = queued(10).build();
    let mut held: Vec<_> = (0..10).map(|_| bulkhead.try_acquire().unwrap()).collect();
    bulkhead.resize(1);
    assert_eq!((bulkhead.in_flight(), bulkhead.available()), (10, 0), "calls in flight go on");
    let mut call = Way::Execute.begin(&bulkhead, future::pending::<Reply>);
    while held.len() > 1 {
        held.pop();
        assert!(!call.is_woken(), "{} are in flight", held.len());
    }
    held.pop();
    assert!(call.is_woken());
    assert_pending!(call.poll());
    assert_eq!((bulkhead.in_flight(), bulkhead.available()), (1, 0));
}

#[test]
fn to_nothing_and_back_those_who_wait_keep_their_places() {
    for way in Way::ALL {
        let bulkhead = queued(2).build();
        let held = bulkhead.try_acquire_n(2).unwrap();
        let mut calls: Vec<_> = (0..5).map(|_| way.begin(&bulkhead, || future::ready(Ok(())))).collect();
        for _ in 0..3 {
            bulkhead.resize(0);
            bulkhead.resize(2);
            assert!(calls.iter().all(|call| !call.is_woken()), "{way:?}: there is no room");
        }
        bulkhead.resize(0);
        drop(held);
        assert_eq!((bulkhead.in_flight(), bulkhead.available(), bulkhead.queued()), (0, 0, 5));
        bulkhead.resize(2);
        assert_eq!(calls.iter().filter(|call| call.is_woken()).count(), 2, "{way:?}");
        for call in &mut calls {
            assert!(call.is_woken(), "{way:?}: in the order of coming");
            assert_ready_ok!(call.poll());
        }
        assert_idle(&bulkhead);
    }
}

#[test]
fn a_raised_limit_lets_in_as_many_as_fit() {
    let bulkhead = queued(2).build();
    let held = bulkhead.try_acquire_n(2).unwrap();
    let mut waits: Vec<_> = [1, 2, 2, 1].map(|cost| task::spawn(bulkhead.acquire_n(cost))).into();
    waits.iter_mut().for_each(|wait| assert_pending!(wait.poll()));
    bulkhead.resize(6);
    let woken = waits.iter().map(|wait| wait.is_woken()).collect::<Vec<_>>();
    assert_eq!(woken, [true, true, false, false], "one slot is free, and the third waits for two");
    drop(held);
    assert!(waits.iter().all(|wait| wait.is_woken()));
    assert_eq!(bulkhead.in_flight(), 6);
}

#[test]
fn a_bulkhead_for_as_many_as_there_can_be_serves_all_at_once() {
    let bulkhead = Bulkhead::builder("t", usize::MAX).max_queued(usize::MAX).build();
    let mut calls: Vec<_> =
        (0..1_000).map(|number| Way::ALL[number % 4].begin(&bulkhead, || support::steps(1, || Ok(())))).collect();
    assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (1_000, 0));
    calls.iter_mut().for_each(|call| assert_eq!(refused(&assert_ready!(call.poll())), None));
    assert_idle(&bulkhead);
}
