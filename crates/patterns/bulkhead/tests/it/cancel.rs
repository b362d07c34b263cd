//! A call that is dropped: before its first poll, while it waits, when its turn has just come, and in flight.

use crate::support;
use std::{cell::RefCell, future, sync::mpsc, thread};

use crate::support::{Reply, SECOND, Way, assert_idle, queued, refused, steps};
use futures::{FutureExt, future::BoxFuture};
use seawall_bulkhead::{Bulkhead, OwnedPermit, Reason};
use seawall_core::time::{ManualClock, Timer};
use tokio::{runtime, task::yield_now, time};
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt, service_fn};

/// After how many polls at most a call of these tests is dropped.
const POLLS: u32 = 3;

/// Every way to call, and every number of polls.
fn each_drop() -> impl Iterator<Item = (Way, u32)> + Clone {
    Way::ALL.into_iter().flat_map(|way| (0..=POLLS).map(move |polls| (way, polls)))
}

#[test]
fn a_call_dropped_in_flight_lets_in_who_waits() {
    for ((way, polls), next) in each_drop().flat_map(|row| Way::ALL.map(|next| (row, next))) {
        let bulkhead = queued(1).build();
        let mut first = task::spawn(way.start(&bulkhead, || steps(POLLS, || Ok(()))));
        (0..polls).for_each(|_| assert_pending!(first.poll()));
        if bulkhead.in_flight() == 0 {
            continue;
        }
        let mut next = next.begin(&bulkhead, || future::ready(Ok(())));
        drop(first);
        assert!(next.is_woken(), "{way:?} after {polls}");
        assert_ready_ok!(next.poll());
        assert_idle(&bulkhead);
    }
}

#[test]
fn a_call_dropped_while_it_waits_leaves_the_queue_and_the_next_is_served() {
    for ((way, polls), next) in each_drop().flat_map(|row| Way::ALL.map(|next| (row, next))) {
        let bulkhead = queued(1).build();
        let taken = bulkhead.try_acquire().unwrap();
        let mut head = task::spawn(way.start(&bulkhead, || -> future::Ready<Reply> { panic!("it was given up") }));
        (0..polls).for_each(|_| assert_pending!(head.poll()));
        let mut next = next.begin(&bulkhead, || future::ready(Ok(())));
        assert_eq!(bulkhead.queued(), 1 + usize::from(polls > 0));
        drop(head);
        assert_eq!((bulkhead.queued(), next.is_woken()), (1, false), "{way:?} after {polls}");
        drop(taken);
        assert!(next.is_woken(), "{way:?} after {polls}");
        assert_ready_ok!(next.poll());
        assert_idle(&bulkhead);
    }
}

#[test]
fn a_call_dropped_when_its_turn_has_come_passes_it_on() {
    for ((way, polls), next) in each_drop().flat_map(|row| Way::ALL.map(|next| (row, next))) {
        if polls == 0 {
            continue;
        }
        let bulkhead = queued(1).build();
        let taken = bulkhead.try_acquire().unwrap();
        let mut head = task::spawn(way.start(&bulkhead, || -> future::Ready<Reply> { panic!("it was given up") }));
        (0..polls).for_each(|_| assert_pending!(head.poll()));
        let mut next = next.begin(&bulkhead, || future::ready(Ok(())));
        drop(taken);
        assert!(head.is_woken() && !next.is_woken(), "{way:?} after {polls}");
        assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (1, 1), "its slot is its own");
        drop(head);
        assert!(next.is_woken(), "{way:?} after {polls}");
        assert_ready_ok!(next.poll());
        assert_idle(&bulkhead);
    }
}

#[test]
fn turns_are_passed_on_over_any_number_of_dropped_ones() {
    for kept in 0..10 {
        let bulkhead = queued(1).build();
        let taken = bulkhead.try_acquire().unwrap();
        let mut calls: Vec<_> =
            (0..10).map(|number| Some(Way::ALL[number % 4].begin(&bulkhead, || future::ready(Ok(()))))).collect();
        drop(taken);
        for (number, call) in calls.iter_mut().enumerate() {
            if number != kept {
                *call = None;
            }
        }
        let mut call = calls[kept].take().unwrap();
        assert!(call.is_woken(), "{kept}");
        assert_ready_ok!(call.poll());
        assert_idle(&bulkhead);
    }
}

#[test]
fn a_heavy_wait_that_is_dropped_lets_in_the_light_ones_behind_it() {
    for granted in [false, true] {
        let bulkhead = queued(3).build();
        let held = bulkhead.try_acquire_n(2).unwrap();
        let mut heavy = task::spawn(bulkhead.acquire_n(3));
        assert_pending!(heavy.poll());
        let mut light: Vec<_> = (0..4).map(|_| task::spawn(bulkhead.acquire())).collect();
        light.iter_mut().for_each(|light| assert_pending!(light.poll(), "one slot is free, but not for who comes now"));
        assert_eq!(bulkhead.available(), 0, "what is free is not to be had");
        // Where its turn had come it held all three slots, and else one is free.
        let held = Some(held).filter(|_| !granted);
        let free = if granted { 3 } else { 1 };
        assert_eq!(heavy.is_woken(), granted);
        drop(heavy);
        assert_eq!(light.iter().map(|light| light.is_woken()).collect::<Vec<_>>(), [0, 1, 2, 3].map(|n| n < free));
        let served: Vec<_> = light.iter_mut().take(free).map(|light| assert_ready_ok!(light.poll())).collect();
        assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (3, 4 - free));
        drop((served, held));
        assert!(light[3].is_woken());
    }
}

#[test]
fn a_light_wait_that_is_dropped_does_not_hold_up_a_heavy_one() {
    let bulkhead = queued(2).build();
    let held = bulkhead.try_acquire_n(2).unwrap();
    let mut light = task::spawn(bulkhead.acquire());
    let mut heavy = task::spawn(bulkhead.acquire_n(2));
    assert_pending!(light.poll());
    assert_pending!(heavy.poll());
    drop(held);
    assert!(light.is_woken() && !heavy.is_woken(), "one slot is the light one's, and the other is not enough");
    drop(light);
    assert!(heavy.is_woken());
    assert_eq!(assert_ready_ok!(heavy.poll()).cost(), 2);
}

#[test]
fn a_wait_that_is_dropped_when_it_has_been_refused_takes_and_gives_nothing() {
    for way in Way::ALL {
        let bulkhead = queued(1).build();
        let taken = bulkhead.try_acquire().unwrap();
        let call = way.begin(&bulkhead, || future::ready(Ok(())));
        bulkhead.close();
        assert!(call.is_woken());
        drop(call);
        assert_eq!((bulkhead.in_flight(), bulkhead.queued(), bulkhead.snapshot().rejected()), (1, 0, 0), "{way:?}");
        drop(taken);
        assert_eq!((bulkhead.in_flight(), bulkhead.snapshot().max_concurrent()), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_timeout_loses_nothing() {
    let bulkhead = Bulkhead::builder("t", 1).max_queued(10).max_wait(3 * SECOND).build();
    for way in Way::ALL {
        let taken = bulkhead.try_acquire().unwrap();
        assert!(time::timeout(SECOND, way.start(&bulkhead, || future::ready(Ok(())))).await.is_err());
        assert_eq!(bulkhead.queued(), 0);
        let reply = time::timeout(4 * SECOND, way.start(&bulkhead, || future::ready(Ok(())))).await.unwrap();
        assert_eq!(refused(&reply), Some(Reason::TooLong), "{way:?}");
        drop(taken);
        let hang = way.start(&bulkhead, future::pending::<Reply>);
        assert!(time::timeout(SECOND, hang).await.is_err());
        assert_idle(&bulkhead);
    }
}

async fn endless(says: mpsc::Sender<()>) -> Reply {
    says.send(()).unwrap();
    future::pending().await
}

/// Calls that never end, one in each way and one with a permit, each saying when it is under way.
fn endless_calls<K>(bulkhead: &Bulkhead<K>, says: &mpsc::Sender<()>) -> Vec<BoxFuture<'static, ()>>
where
    K: Timer + Send + Sync + 'static,
{
    let service = bulkhead.layer().layer(service_fn(endless));
    let (handle, by_hand) = (bulkhead.clone(), says.clone());
    let permit = async move {
        let _permit = handle.acquire().await.unwrap().into_owned();
        endless(by_hand).await.ok();
    };
    let [execute, call] = [says.clone(), says.clone()];
    vec![
        bulkhead.execute(|| endless(execute)).map(drop).boxed(),
        bulkhead.call(|| endless(call)).map(drop).boxed(),
        service.oneshot(says.clone()).map(drop).boxed(),
        permit.boxed(),
    ]
}

#[test]
fn a_runtime_that_shuts_down_gives_slots_and_places_back() {
    fn check<K: Timer + Send + Sync + 'static>(bulkhead: &Bulkhead<K>) {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (says, under_way) = mpsc::channel();
        let mut tasks = Vec::new();
        for round in 0..2 {
            tasks.extend(endless_calls(bulkhead, &says).into_iter().map(|call| runtime.spawn(call)));
            if round == 0 {
                (0..4).for_each(|_| under_way.recv().unwrap());
            }
        }
        // Those of the first round are in flight, those of the second wait.
        runtime.block_on(async {
            while bulkhead.queued() < 4 {
                yield_now().await;
            }
        });
        assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (4, 4));
        drop(runtime);
        assert_eq!(tasks.len(), 8);
        assert_idle(bulkhead);
    }
    let builder = || Bulkhead::builder("t", 4).max_queued(usize::MAX).max_wait(support::YEAR);
    check(&builder().build());
    check(&builder().clock(ManualClock::new()).build());
}

#[test]
fn a_runtime_with_paused_time_that_shuts_down_gives_slots_and_places_back() {
    let bulkhead = Bulkhead::builder("t", 4).max_queued(usize::MAX).max_wait(SECOND).build();
    let runtime = runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let (says, under_way) = mpsc::channel();
    runtime.block_on(async {
        for _ in 0..2 {
            endless_calls(&bulkhead, &says).into_iter().for_each(|call| drop(tokio::spawn(call)));
            yield_now().await;
        }
        assert_eq!(under_way.try_iter().count(), 4);
        assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (4, 4));
    });
    drop(runtime);
    assert_idle(&bulkhead);
}

#[test]
fn a_permit_that_is_dropped_while_its_thread_ends_gives_its_slot_back() {
    thread_local!(static KEPT: RefCell<Option<OwnedPermit>> = const { RefCell::new(None) });
    let bulkhead = Bulkhead::new("t", 1);
    let keeping = bulkhead.clone();
    thread::spawn(move || KEPT.set(Some(keeping.try_acquire().unwrap().into_owned()))).join().unwrap();
    assert_idle(&bulkhead);
}

#[test]
fn a_service_that_is_dropped_while_it_waits_or_is_ready_gives_its_place_up() {
    let bulkhead = queued(1).build();
    let inner = || service_fn(|()| future::ready(Reply::Ok(())));
    let layer = bulkhead.layer().waits_in_ready();
    let (mut ready, mut waits) = (layer.layer(inner()), layer.layer(inner()));
    let (mut first, mut second) = (task::spawn(()), task::spawn(()));
    assert_ready_ok!(first.enter(|cx, _| ready.poll_ready(cx)));
    assert_pending!(second.enter(|cx, _| waits.poll_ready(cx)));
    assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (1, 1));
    drop(ready);
    assert!(second.is_woken());
    assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (1, 0));
    drop(waits);
    assert_idle(&bulkhead);
    assert_eq!((first.waker_ref_count(), second.waker_ref_count()), (1, 1), "nothing of them is kept");
}
