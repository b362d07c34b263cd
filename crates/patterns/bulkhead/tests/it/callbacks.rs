//! Observers: what they may do, what they see, and whom they can hold up.

use std::{
    future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    task::{Context, Wake, Waker},
    thread,
    time::Duration,
};

use crate::support::{FAILED, Manual, Reply, Way, assert_idle, log, log_refusals, plain, queued, refused};
use futures::executor::block_on;
use seawall_bulkhead::{EventKind, Reason};
use seawall_testkit::time::in_time;
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Layer, Service, service_fn};

/// Far longer than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn an_observer_may_call_every_method_of_its_bulkhead() {
    for bulkhead in [plain(0).build(), queued(0).max_queued(1).build()] {
        let (kinds, calls) = (log(&bulkhead, |event| Some(event.to_string())), AtomicU32::new(0));
        let inside = bulkhead.clone();
        bulkhead.on_event(move |event| {
            // What it does brings events of its own: at some time it must stop.
            if calls.fetch_add(1, Ordering::Relaxed) >= 20 {
                return;
            }
            let (_, _, _) = (inside.name(), inside.snapshot(), format!("{inside:?} {event}"));
            let (_, _, _) = (inside.in_flight(), inside.queued(), inside.available());
            let mut service = inside.layer().at_once().layer(service_fn(|()| future::ready(FAILED)));
            block_on(service.call(())).ok();
            inside.resize(2);
            block_on(inside.execute(|| future::ready(FAILED))).ok();
            block_on(inside.call(|| future::ready(FAILED))).ok();
            inside.execute_blocking(|| FAILED).ok();
            let permits = (inside.try_acquire().map(|permit| permit.into_owned()), block_on(inside.acquire()));
            inside.resize(inside.max_concurrent() - 2);
            drop(permits);
            inside.on_event(|_| ());
        });
        assert!(bulkhead.try_acquire().is_err());
        assert!(kinds.lock().unwrap().len() > 20);
        assert_idle(&bulkhead);
        bulkhead.close();
    }
}

#[test]
fn what_an_observer_causes_is_told_after_what_it_is_told_of() {
    let bulkhead = plain(1).build();
    let inside = bulkhead.clone();
    bulkhead.on_event(move |event| match event.kind() {
        EventKind::Resized { to: 2, .. } => inside.resize(3),
        EventKind::Resized { to: 3, .. } => inside.close(),
        _ => {}
    });
    let events = log(&bulkhead, |event| Some(event.kind().clone()));
    bulkhead.resize(2);
    let resized = |from, to| EventKind::Resized { from, to };
    assert_eq!(*events.lock().unwrap(), [resized(1, 2), resized(2, 3), EventKind::Closed]);
}

#[test]
fn an_observer_sees_each_refusal_once_whatever_the_way() {
    for bulkhead in [plain(1).build(), queued(1).max_queued(1).build()] {
        let refusals = log_refusals(&bulkhead);
        let _held = bulkhead.try_acquire().unwrap();
        let mut waits = task::spawn(bulkhead.acquire());
        let first = if waits.poll().is_pending() { None } else { Some(Reason::Full) };
        let expected = first.unwrap_or(Reason::QueueFull);
        for way in Way::ALL {
            let reply = block_on(way.start(&bulkhead, || future::ready(Ok(()))));
            assert_eq!(refused(&reply), Some(expected), "{way:?}");
        }
        assert!(bulkhead.try_acquire().is_err() && bulkhead.execute_blocking(|| Reply::Ok(())).is_err());
        let expected = first.into_iter().chain([expected; 4]).chain([Reason::Full; 2]).collect::<Vec<_>>();
        assert_eq!(*refusals.lock().unwrap(), expected);
    }
}

#[test]
fn calls_that_are_let_in_are_not_told() {
    let bulkhead = queued(1).build();
    let events = log(&bulkhead, |event| Some(event.clone()));
    for way in Way::ALL {
        let taken = bulkhead.try_acquire().unwrap();
        let mut call = way.begin(&bulkhead, || future::ready(Ok(())));
        drop(taken);
        assert_ready_ok!(call.poll());
    }
    assert_eq!(*events.lock().unwrap(), []);
}

#[test]
fn a_waker_may_call_the_bulkhead_and_each_event_says_what_its_own_change_was() {
    struct Resizes(Manual);
    impl Wake for Resizes {
        fn wake(self: Arc<Self>) {
            self.0.resize(3);
            drop(self.0.try_acquire());
        }
    }
    let bulkhead = queued(0).build();
    let events = log(&bulkhead, |event| Some(event.kind().clone()));
    let mut waits = Box::pin(bulkhead.acquire());
    let waker = Waker::from(Arc::new(Resizes(bulkhead.clone())));
    assert_pending!(waits.as_mut().poll(&mut Context::from_waker(&waker)));
    bulkhead.resize(1);
    let mut events = events.lock().unwrap();
    // The waker's own may come first: it was told while the other was still being made.
    events.sort_by_key(|event| matches!(event, EventKind::Resized { from: 1, .. }));
    assert_eq!(*events, [EventKind::Resized { from: 0, to: 1 }, EventKind::Resized { from: 1, to: 3 }]);
}

#[test]
fn a_slow_observer_holds_up_no_one_but_the_call_that_brought_the_event() {
    let bulkhead = plain(1).build();
    let ((says, stands), (lets_go, gone)) = (mpsc::channel(), mpsc::channel());
    let gone = Mutex::new(Some(gone));
    let seen = log(&bulkhead, move |event| {
        let gone = gone.lock().unwrap().take();
        if let Some(gone) = gone {
            says.send(()).unwrap();
            gone.recv_timeout(PATIENCE).expect("it is let go");
        }
        Some(1 + event.merged())
    });
    let slow = thread::spawn({
        let bulkhead = bulkhead.clone();
        move || bulkhead.resize(2)
    });
    stands.recv_timeout(PATIENCE).unwrap();
    in_time({
        let bulkhead = bulkhead.clone();
        move || {
            for _ in 0..100 {
                let _held = bulkhead.try_acquire_n(2).unwrap();
                assert!(bulkhead.try_acquire().is_err());
                bulkhead.execute_blocking(|| FAILED).ok();
                bulkhead.resize(2);
            }
        }
    });
    assert!(seen.lock().unwrap().is_empty(), "the events wait for their turn");
    lets_go.send(()).unwrap();
    slow.join().unwrap();
    let snapshot = bulkhead.snapshot();
    assert_eq!((seen.lock().unwrap().iter().sum::<u64>(), snapshot.events_lost()), (301, 0));
}

#[test]
fn refusals_of_many_threads_are_all_told_or_counted() {
    const THREADS: u32 = 8;
    const CALLS: u32 = 2_000;
    let bulkhead = plain(1).build();
    let told = Arc::new(AtomicU32::new(0));
    let count = told.clone();
    bulkhead.on_event(move |_| _ = count.fetch_add(1, Ordering::Relaxed));
    let ran = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    bulkhead.execute_blocking(|| Ok::<_, ()>(ran.fetch_add(1, Ordering::Relaxed))).ok();
                }
            });
        }
    });
    let [told, ran] = [&told, &ran].map(|count| u64::from(count.load(Ordering::Relaxed)));
    let snapshot = bulkhead.snapshot();
    assert_eq!(told + snapshot.events_lost(), snapshot.rejected());
    assert_eq!(snapshot.rejected() + ran, u64::from(THREADS * CALLS));
    assert_idle(&bulkhead);
}

#[test]
fn of_two_who_close_it_at_once_one_is_told() {
    let rounds: Vec<_> = (0..5_000).map(|_| plain(1).build()).collect();
    let closed: Vec<_> = rounds.iter().map(|bulkhead| log(bulkhead, |event| Some(event.kind().clone()))).collect();
    let come = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for (round, bulkhead) in (1..).zip(&rounds) {
                    come.fetch_add(1, Ordering::SeqCst);
                    // Both are to go on in the same nanoseconds; but the other may need this core to come at all.
                    for spins in 0.. {
                        if come.load(Ordering::SeqCst) >= 2 * round {
                            break;
                        }
                        if spins > 10_000 {
                            thread::yield_now();
                        }
                    }
                    bulkhead.close();
                    assert!(bulkhead.try_acquire().is_err(), "when its `close` has returned, it is closed for all");
                }
            });
        }
    });
    for events in closed {
        let told = events.lock().unwrap().iter().filter(|kind| **kind == EventKind::Closed).count();
        assert_eq!(told, 1);
    }
}
