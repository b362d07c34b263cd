//! Who is next: the first, the last, or the last under overload, when those who have waited too long are shed.

use std::{
    cell::RefCell,
    future,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::support::{Failed, MILLISECOND, SECOND, Way, assert_idle, log_refusals, queued, reason, refused};
use seawall_bulkhead::{Bulkhead, Order, Reason};
use seawall_core::{Error, Rejection, time::ManualClock};
use tokio::time::{sleep, timeout};
use tokio_test::{assert_ready, assert_ready_err, assert_ready_ok, task};

/// In which order `calls` that wait are served, one after the other.
fn order_of_service(order: Order, calls: usize) -> Vec<usize> {
    let bulkhead = queued(1).order(order).build();
    let taken = bulkhead.try_acquire().unwrap();
    let served = Rc::new(RefCell::new(Vec::new()));
    let mut waiting: Vec<_> = (0..calls)
        .map(|number| {
            let served = served.clone();
            Way::ALL[number % 4].begin(&bulkhead, move || {
                served.borrow_mut().push(number);
                future::ready(Ok(()))
            })
        })
        .collect();
    drop(taken);
    while let Some(at) = waiting.iter().position(|call| call.is_woken()) {
        assert_ready_ok!(waiting.remove(at).poll());
    }
    assert_idle(&bulkhead);
    served.take()
}

#[test]
fn first_come_first_served_is_the_order_of_coming() {
    assert_eq!(order_of_service(Order::Fifo, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn last_come_first_served_is_the_order_turned_round() {
    assert_eq!(order_of_service(Order::Lifo, 8), [7, 6, 5, 4, 3, 2, 1, 0]);
}

#[test]
fn without_overload_codel_serves_in_the_order_of_coming() {
    assert_eq!(order_of_service(Order::codel(), 8), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn under_overload_codel_sheds_who_has_waited_too_long_and_serves_the_last() {
    for way in Way::ALL {
        let clock = ManualClock::new();
        let bulkhead = queued(1).order(Order::codel()).clock(clock.clone()).build();
        let refusals = log_refusals(&bulkhead);
        let taken = bulkhead.try_acquire().unwrap();
        let mut old: Vec<_> = (0..3).map(|_| way.begin(&bulkhead, || future::ready(Ok(())))).collect();
        // As long as the interval: there has been a queue for all of it.
        clock.advance(100 * MILLISECOND);
        let mut young: Vec<_> = (0..2).map(|_| way.begin(&bulkhead, || future::ready(Ok(())))).collect();
        clock.advance(5 * MILLISECOND);
        drop(taken);
        for call in &mut old {
            assert!(call.is_woken(), "{way:?}");
            let reply = assert_ready!(call.poll());
            assert_eq!(refused(&reply), Some(Reason::Shed), "{way:?}");
            let words = reply.unwrap_err().rejection().unwrap().to_string();
            assert!(words.contains("is overloaded, and the call had waited too long"), "{words}");
        }
        assert!(
            !young[0].is_woken() && young[1].is_woken(),
            "{way:?}: at their target they are not shed, and the last is next"
        );
        assert_ready_ok!(young[1].poll());
        assert_ready_ok!(young[0].poll());
        assert_eq!(*refusals.lock().unwrap(), [Reason::Shed; 3]);
        assert_eq!(bulkhead.snapshot().rejected(), 3);
        assert_idle(&bulkhead);
    }
}

#[test]
fn a_service_whose_wait_was_shed_is_ready_and_its_call_is_refused() {
    let clock = ManualClock::new();
    let bulkhead = queued(1).order(Order::codel()).clock(clock.clone()).build();
    let (mut service, mut handle) = tower_test::mock::spawn_layer::<u32, u32, _>(bulkhead.layer().waits_in_ready());
    let taken = bulkhead.try_acquire().unwrap();
    assert!(service.poll_ready().is_pending());
    clock.advance(SECOND);
    drop(taken);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
    let error = assert_ready_err!(task::spawn(service.call(1)).poll());
    assert_eq!(reason(&error.downcast::<Rejection>().unwrap()), Reason::Shed);
    assert!(handle.poll_request().is_pending());
    assert_idle(&bulkhead);
}

/// How calls fare that come twice as fast as they can be served, and whose callers give up after a while: how many are
/// answered in time, of how many there is capacity for.
async fn goodput(order: Order) -> (u32, u32) {
    const SECONDS: u32 = 40;
    let bulkhead = Bulkhead::builder("t", 2).max_queued(usize::MAX).order(order).build();
    let good = Arc::new(AtomicU32::new(0));
    let mut callers = Vec::new();
    // Each call takes 20 ms, so 2 slots serve 100 a second, and 200 come.
    for _ in 0..200 * SECONDS {
        let (bulkhead, good) = (bulkhead.clone(), good.clone());
        callers.push(tokio::spawn(async move {
            let call = bulkhead.execute(|| async {
                sleep(20 * MILLISECOND).await;
                Ok::<_, Failed>(())
            });
            tokio::pin!(call);
            // The caller gives up, and the call, which does not know, goes on.
            match timeout(100 * MILLISECOND, &mut call).await {
                Ok(Ok(())) => _ = good.fetch_add(1, Ordering::Relaxed),
                Ok(Err(Error::Rejected(_))) => {}
                Ok(Err(Error::Inner(error))) => panic!("{error:?}"),
                Err(_) => _ = call.await,
            }
        }));
        sleep(5 * MILLISECOND).await;
    }
    let good = good.load(Ordering::Relaxed);
    callers.iter().for_each(tokio::task::JoinHandle::abort);
    (good, 100 * SECONDS)
}

#[tokio::test(start_paused = true)]
async fn under_overload_first_come_first_served_serves_the_dead_and_the_others_keep_goodput() {
    let (good, capacity) = goodput(Order::Fifo).await;
    assert!(good < capacity / 20, "first come, first served: {good} of {capacity}");
    let (good, capacity) = goodput(Order::Lifo).await;
    assert!(good > capacity * 9 / 10, "last come, first served: {good} of {capacity}");
    let (good, capacity) = goodput(Order::codel()).await;
    assert!(good > capacity * 9 / 10, "codel: {good} of {capacity}");
}
