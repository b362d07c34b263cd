//! Panics: in the call, in what is called back, and while something is dropped. No slot and no turn is lost.

use crate::support;
use std::{
    future,
    task::{Context, Waker},
};

use crate::support::{Failed, Manual, Reply, Way, assert_idle, panic_words, plain, queued, refused, steps};
use futures::FutureExt;
use seawall_bulkhead::EventKind;
use seawall_testkit::{
    panics::{PanicsOnDrop, WHILE_DROPPED},
    process::in_its_own_process,
    wake::panicking_waker,
};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::{Layer, Service, service_fn};

const PENDING: u32 = 3;

/// Where a call panics.
#[derive(Debug, Clone, Copy)]
enum At {
    Creation,
    /// The poll of the call itself with this number, from 0.
    Poll(u32),
}

/// Every way to call, and every place at which it can panic.
fn each_panic() -> impl Iterator<Item = (Way, At)> {
    let places = || [At::Creation].into_iter().chain((0..=PENDING).map(At::Poll));
    Way::ALL.into_iter().flat_map(move |way| places().map(move |at| (way, at)))
}

#[test]
fn a_call_that_waited_and_panics_gives_its_slot_to_the_next_and_the_panic_goes_on() {
    for (way, at) in each_panic() {
        let bulkhead = queued(1).build();
        let taken = bulkhead.try_acquire().unwrap();
        let f = || match at {
            At::Creation => panic!("at its creation"),
            At::Poll(poll) => steps(poll, || -> Reply { panic!("at a poll") }),
        };
        let mut call = way.begin(&bulkhead, f);
        let mut next = way.begin(&bulkhead, || future::ready(Ok(())));
        drop(taken);
        if let At::Poll(polls) = at {
            (0..polls).for_each(|_| assert_pending!(call.poll()));
        }
        let expected = if matches!(at, At::Creation) { "at its creation" } else { "at a poll" };
        assert_eq!(panic_words(|| call.poll()).as_deref(), Some(expected), "{way:?} {at:?}");
        assert!(next.is_woken(), "{way:?} {at:?}");
        assert_ready_ok!(next.poll());
        assert_idle(&bulkhead);
        // Only a bad executor polls a call again that has panicked. Its slot must not come back twice.
        panic_words(|| call.poll());
        drop(call);
        assert_idle(&bulkhead);
        bulkhead.execute_blocking(|| Ok::<_, Failed>(())).expect("the slot is free");
    }
}

#[test]
fn a_blocking_call_that_panics_gives_its_slot_back() {
    let bulkhead = plain(1).build();
    let words = panic_words(|| bulkhead.execute_blocking(|| -> Reply { panic!("in the call") }));
    assert_eq!(words.as_deref(), Some("in the call"));
    assert_idle(&bulkhead);
}

#[test]
fn a_permit_dropped_by_a_panic_gives_its_slots_back() {
    let bulkhead = plain(3).build();
    panic_words(|| {
        let _permits = (bulkhead.try_acquire_n(2).unwrap(), bulkhead.try_acquire().unwrap().into_owned());
        panic!("while they are held");
    });
    assert_idle(&bulkhead);
}

#[test]
fn a_waker_that_panics_harms_neither_whoever_wakes_it_nor_the_next() {
    let makers: [fn(&Manual); 3] = [|_| (), |bulkhead| bulkhead.resize(5), |bulkhead| bulkhead.close()];
    for end in makers {
        let bulkhead = queued(2).build();
        let taken = bulkhead.try_acquire_n(2).unwrap();
        let mut bad = Box::pin(bulkhead.acquire());
        let waker = panicking_waker();
        assert_pending!(bad.as_mut().poll(&mut Context::from_waker(&waker)));
        let mut next = task::spawn(bulkhead.acquire());
        assert_pending!(next.poll());
        end(&bulkhead);
        drop(taken);
        assert!(next.is_woken());
        assert_ready!(next.poll()).ok();
        let again = bad.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(again.is_ready(), "its turn has come all the same");
        drop((again, bad, next));
        assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (0, 0));
    }
}

#[test]
fn an_observer_that_panics_harms_nobody() {
    let bulkhead = plain(1).build();
    bulkhead.on_event(|_| panic!("an observer"));
    let seen = support::log(&bulkhead, |event| Some(matches!(event.kind(), EventKind::Rejected(_))));
    let permit = bulkhead.try_acquire().unwrap();
    for way in Way::ALL {
        let reply = way.start(&bulkhead, || future::ready(Ok(()))).now_or_never().unwrap();
        assert!(refused(&reply).is_some());
    }
    drop(permit);
    bulkhead.resize(7);
    bulkhead.close();
    assert_eq!(*seen.lock().unwrap(), [true, true, true, true, false, false]);
    assert_eq!((bulkhead.in_flight(), bulkhead.max_concurrent()), (0, 7));
}

#[test]
fn a_panic_in_on_reject_goes_on_to_the_caller_of_a_call_that_was_refused_once() {
    let bulkhead = plain(1).build();
    let inner = service_fn(|()| future::ready(Ok::<_, Failed>(())));
    let mut service = bulkhead.layer().on_reject(|_| panic!("in on_reject")).layer(inner);
    let permit = bulkhead.try_acquire().unwrap();
    let mut call = task::spawn(service.call(()));
    assert_eq!(panic_words(|| call.poll()).as_deref(), Some("in on_reject"));
    drop(call);
    assert_eq!((bulkhead.in_flight(), bulkhead.snapshot().rejected()), (1, 1));
    drop(permit);
    assert_eq!(service.call(()).now_or_never().unwrap(), Ok(()));
    assert_idle(&bulkhead);
}

#[test]
fn a_call_that_panics_while_it_is_dropped_gives_its_slot_or_place_back() {
    for way in Way::ALL {
        for waits in [false, true] {
            let bulkhead = queued(1).build();
            let taken = waits.then(|| bulkhead.try_acquire().unwrap());
            let (outer, next) = (PanicsOnDrop, || future::ready(Ok(())));
            let call = way.begin(&bulkhead, move || {
                let bomb = outer;
                async move {
                    future::pending::<()>().await;
                    drop(bomb);
                    Ok(())
                }
            });
            let mut next = way.begin(&bulkhead, next);
            assert_eq!(panic_words(|| drop(call)).as_deref(), Some(WHILE_DROPPED), "{way:?}, waits: {waits}");
            drop(taken);
            assert!(next.is_woken(), "{way:?}, waits: {waits}");
            assert_ready_ok!(next.poll());
            assert_idle(&bulkhead);
        }
    }
}

#[test]
fn what_panics_while_a_call_panics_does_not_abort() {
    in_its_own_process(module_path!(), "what_panics_while_a_call_panics_does_not_abort", || {
        let bulkhead = queued(1).build();
        bulkhead.on_event(|_| panic!("an observer"));
        let waker = panicking_waker();
        let mut waits = Box::pin(bulkhead.acquire());
        panic_words(|| {
            // Dropped by the panic, it wakes who waits.
            let _permit = bulkhead.try_acquire().unwrap();
            assert_pending!(waits.as_mut().poll(&mut Context::from_waker(&waker)));
            panic!("in the call");
        });
        drop(waits);
        assert_idle(&bulkhead);
        let call = || -> Reply { waits_and_panics(&bulkhead, &waker) };
        panic_words(|| bulkhead.execute_blocking(call));
        assert_idle(&bulkhead);
    });
}

/// Begins a wait, and panics while it is in the queue.
fn waits_and_panics(bulkhead: &Manual, waker: &Waker) -> Reply {
    let mut waits = Box::pin(bulkhead.acquire());
    assert_pending!(waits.as_mut().poll(&mut Context::from_waker(waker)));
    panic!("in the call")
}
