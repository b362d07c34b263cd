use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use seawall_core::{Deadline, time::ManualClock};
use seawall_timeout::Timeout;
use tokio::{runtime, time};
use tokio_test::assert_ready;

use crate::support::{Log, Reply, SECOND, Way, cut_off, logged, some_day};

pub(crate) fn a_caller_that_gives_up_is_not_told_of() {
    for way in Way::ALL {
        let (timeout, clock, log) = logged(10 * SECOND);
        let call = way.begin(&timeout, future::pending::<Reply>);
        clock.advance(5 * SECOND);
        drop(call);
        clock.advance(10 * SECOND);
        assert!(log.lock().unwrap().is_empty(), "{way:?}");
    }
}

pub(crate) fn the_deadline_around_is_as_before_when_an_observer_hears_and_after() {
    for way in Way::ALL {
        let (clock, seen) = (ManualClock::new(), Log::default());
        let (sees, log) = (clock.clone(), seen.clone());
        let builder = Timeout::builder("limit", 2 * SECOND).clock(clock.clone());
        let timeout = builder.on_event(move |_| log.lock().unwrap().push(Deadline::current_by(&sees))).build();
        let around = Deadline::after_by(10 * SECOND, &clock);
        around.scope_blocking(|| {
            let mut call = way.begin(&timeout, future::pending::<Reply>);
            clock.advance(2 * SECOND);
            assert_eq!(cut_off(&assert_ready!(call.poll())).unwrap().limit(), 2 * SECOND);
            assert_eq!(*seen.lock().unwrap(), [Some(around)], "{way:?}");
            assert_eq!(Deadline::current_by(&clock), Some(around), "{way:?}");
        });
    }
}

pub(crate) fn work_that_is_spawned_goes_on_when_its_caller_is_cut_off() {
    let runtime = runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    for way in Way::ALL {
        let done = Arc::new(AtomicBool::new(false));
        let ends = done.clone();
        let work = async move {
            time::sleep(2 * SECOND).await;
            ends.store(true, Ordering::Relaxed);
        };
        runtime.block_on(async {
            let spawned = async || {
                tokio::spawn(work).await.unwrap();
                Ok(())
            };
            let reply = some_day(way.start(&Timeout::new("timeout", SECOND), spawned)).await;
            assert!(cut_off(&reply).is_some(), "{way:?}");
            assert!(!done.load(Ordering::Relaxed));
            time::sleep(2 * SECOND).await;
        });
        assert!(done.load(Ordering::Relaxed), "{way:?}");
    }
}
