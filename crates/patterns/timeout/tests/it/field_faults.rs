//! What has gone wrong with timeouts elsewhere, and must not here.

use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::support::{FAILED, OnDrop, Reply, SECOND, Way, cut_off, ms, some_day};
use futures::future::join_all;
use seawall_bulkhead::Bulkhead;
use seawall_timeout::Timeout;
use tokio::{task, time};

// resilience4j#905, #2296: work that was timed out went on, though its permit was free.

#[tokio::test(start_paused = true)]
async fn work_that_does_not_end_when_it_is_dropped_keeps_the_permit_that_it_was_given() {
    const LIMIT: usize = 3;
    let (bulkhead, working) = (Bulkhead::new("t", LIMIT), Arc::new(AtomicUsize::new(0)));
    let timeout = Timeout::new("timeout", SECOND);
    let mut cut = 0;
    for number in 0..60 {
        let (guard, works) = (bulkhead.clone(), working.clone());
        let call = Way::ALL[number % 3].start(&timeout, async move || {
            let Ok(permit) = guard.try_acquire().map(|permit| permit.into_owned()) else { return FAILED };
            let work = async move {
                let _permit = permit;
                assert!(works.fetch_add(1, Ordering::Relaxed) < LIMIT);
                time::sleep(5 * SECOND).await;
                works.fetch_sub(1, Ordering::Relaxed);
            };
            task::spawn(work).await.unwrap();
            Ok(())
        });
        cut += usize::from(cut_off(&some_day(call).await).is_some());
        assert_eq!(bulkhead.in_flight(), working.load(Ordering::Relaxed), "a permit is out for each work that goes on");
        time::sleep(ms(100)).await;
    }
    assert!(cut >= LIMIT);
    time::sleep(5 * SECOND).await;
    assert_eq!((bulkhead.in_flight(), working.load(Ordering::Relaxed)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn work_that_ends_when_it_is_dropped_is_over_when_the_permit_is_free() {
    let (bulkhead, working) = (Bulkhead::new("t", 2), AtomicUsize::new(0));
    let timeout = Timeout::new("timeout", SECOND);
    let work = async || {
        working.fetch_add(1, Ordering::Relaxed);
        let _ends = OnDrop(|| {
            working.fetch_sub(1, Ordering::Relaxed);
        });
        future::pending::<Reply>().await
    };
    for way in Way::ALL {
        for _ in 0..5 {
            let calls = join_all((0..2).map(|_| way.start(&timeout, || bulkhead.call(work))));
            for reply in some_day(calls).await {
                assert!(cut_off(&reply).is_some(), "{way:?}");
            }
            assert_eq!((bulkhead.in_flight(), working.load(Ordering::Relaxed)), (0, 0), "{way:?}");
        }
    }
}

// failsafe#393, resilience4j#332: who had timed out in a queue was given a permit all the same, and it was lost.

#[tokio::test(start_paused = true)]
async fn who_is_cut_off_while_waiting_for_a_permit_is_not_given_one() {
    let bulkhead = Bulkhead::builder("t", 1).max_queued(usize::MAX).build();
    for (way, number) in Way::ALL.into_iter().flat_map(|way| (0..50).map(move |number| (way, number))) {
        let held = bulkhead.try_acquire().unwrap();
        // Of these some are given up before, some in the very moment in which the permit comes back, some after.
        let limits = [SECOND - ms(number % 3), SECOND, SECOND + ms(number % 5)];
        let waits = join_all(limits.map(|limit| {
            let timeout = Timeout::new("timeout", limit);
            way.start(&timeout, || bulkhead.call(|| future::ready(Ok(()))))
        }));
        let gives_back = async {
            time::sleep(SECOND).await;
            drop(held);
        };
        some_day(futures::future::join(waits, gives_back)).await;
        assert_eq!((bulkhead.in_flight(), bulkhead.queued(), bulkhead.available()), (0, 0, 1), "{way:?}");
    }
}
