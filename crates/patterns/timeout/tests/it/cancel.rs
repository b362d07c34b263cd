//! A call that is dropped: before its first poll, after each of them, and when its time is over and nobody has looked.

use std::{cell::Cell, future, sync::mpsc};

use crate::support::{Log, OnDrop, Reply, SECOND, Way, YEAR, hangs_until_dropped, logged, probed, steps};
use futures::FutureExt;
use seawall_core::{Deadline, time::Instant};
use seawall_timeout::Timeout;
use tokio::{runtime, task::yield_now, time};
use tokio_test::{assert_pending, task};
use tower::{Layer, ServiceExt, service_fn};

/// After how many polls at most a call of these tests is dropped.
const POLLS: u32 = 3;

/// Every way to call, and every number of polls.
fn each_drop() -> impl Iterator<Item = (Way, u32)> {
    Way::ALL.into_iter().flat_map(|way| (0..=POLLS).map(move |polls| (way, polls)))
}

#[test]
fn a_call_that_is_dropped_is_not_told_of_though_its_time_is_over() {
    for (way, polls) in each_drop() {
        let (timeout, clock, log) = logged(SECOND);
        let mut call = task::spawn(way.start(&timeout, future::pending::<Reply>));
        (0..polls).for_each(|_| assert_pending!(call.poll()));
        clock.advance(SECOND);
        assert_eq!(call.is_woken(), polls > 0, "{way:?}");
        drop(call);
        assert!(log.lock().unwrap().is_empty(), "{way:?} after {polls}");
    }
}

#[test]
fn a_call_that_is_dropped_keeps_no_waker_once_its_clock_has_gone_on() {
    for way in Way::ALL {
        let (timeout, clock, _) = logged(SECOND);
        let mut waits = task::spawn(());
        let mut call = way.start(&timeout, || steps(POLLS, || Ok(())));
        assert_pending!(waits.enter(|cx, _| call.as_mut().poll(cx)));
        assert_eq!(waits.waker_ref_count(), 2, "{way:?}");
        drop(call);
        clock.advance(SECOND);
        assert_eq!(waits.waker_ref_count(), 1, "{way:?}");
    }
}

#[test]
fn a_refused_call_that_is_dropped_is_told_of_all_the_same() {
    for way in Way::ALL {
        let (timeout, _, log) = logged(SECOND);
        let refused = Deadline::at(Instant::ORIGIN).scope_blocking(|| way.start(&timeout, future::pending::<Reply>));
        drop(refused);
        assert_eq!(log.lock().unwrap().len(), 1, "{way:?}");
    }
}

#[test]
fn what_is_dropped_sees_the_deadlines_around_the_drop_and_not_its_own() {
    for (way, polls) in each_drop() {
        let (timeout, probe) = probed(SECOND);
        let (seen, sees) = (Log::default(), probe.clone());
        let log = seen.clone();
        let mut call =
            task::spawn(way.start(&timeout, || {
                hangs_until_dropped(move || log.lock().unwrap().push(Deadline::current_by(&sees)))
            }));
        (0..polls).for_each(|_| assert_pending!(call.poll()));
        let around = Deadline::at(Instant::from_nanos(7));
        around.scope_blocking(|| drop(call));
        assert_eq!(*seen.lock().unwrap(), [Some(around)], "{way:?} after {polls}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_timeout_is_no_matter_of_ours() {
    for way in Way::ALL {
        let drops = Cell::new(0);
        let call =
            way.start(&Timeout::new("timeout", 2 * SECOND), || hangs_until_dropped(|| drops.set(drops.get() + 1)));
        assert!(time::timeout(SECOND, call).await.is_err());
        assert_eq!(drops.get(), 1, "{way:?}");
    }
}

#[test]
fn a_runtime_that_shuts_down_drops_the_calls() {
    for workers in [1, 2] {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap();
        let timeout = Timeout::new("timeout", YEAR);
        let (says, hears) = mpsc::channel();
        let endless = |says: mpsc::Sender<&'static str>| async move {
            let tells = says.clone();
            let _dropped = OnDrop(move || tells.send("dropped").unwrap());
            says.send("under way").unwrap();
            future::pending::<Reply>().await
        };
        let [execute, call, service] = [says.clone(), says.clone(), says.clone()];
        runtime.spawn(timeout.execute(|| endless(execute)).map(drop));
        runtime.spawn(timeout.call(|| endless(call)).map(drop));
        runtime.spawn(timeout.layer().layer(service_fn(endless)).oneshot(service).map(drop));
        for _ in 0..3 {
            assert_eq!(hears.recv(), Ok("under way"));
        }
        runtime.block_on(yield_now());
        drop(runtime);
        assert_eq!(hears.try_iter().collect::<Vec<_>>(), ["dropped"; 3]);
    }
}
