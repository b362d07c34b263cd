//! Observers: what they hear, when, and what they may do.

use std::{
    future,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use crate::support::{
    FAILED, Failed, Log, Manual, Reply, SECOND, Way, cut_off, hangs_until_dropped, logged, until_told,
};
use futures::FutureExt;
use seawall_core::{Deadline, time::Instant, time::ManualClock};
use seawall_timeout::{Event, EventKind, Timeout};
use tokio_test::{assert_ready, assert_ready_ok, task};
use tower::{Layer, Service, service_fn};

#[test]
fn a_call_that_is_cut_off_is_told_of_once_with_what_its_error_says() {
    for way in Way::ALL {
        let (timeout, clock, log) = logged(SECOND);
        let mut call = way.begin(&timeout, future::pending::<Reply>);
        assert!(log.lock().unwrap().is_empty());
        clock.advance(2 * SECOND);
        assert!(log.lock().unwrap().is_empty(), "{way:?}: nobody has looked");
        let reply = assert_ready!(call.poll());
        assert_eq!(*log.lock().unwrap(), [cut_off(&reply).unwrap().clone()], "{way:?}");
        drop(call);
        assert_eq!(log.lock().unwrap().len(), 1, "{way:?}");
    }
}

#[test]
fn a_call_that_is_refused_is_told_of_once_with_what_its_error_says() {
    for way in Way::ALL {
        let (zero, _, refusals) = logged(Duration::ZERO);
        let reply = way.start(&zero, future::pending::<Reply>).now_or_never().unwrap();
        assert_eq!(*refusals.lock().unwrap(), [cut_off(&reply).unwrap().clone()], "{way:?}");
        let (timeout, _, refusals) = logged(SECOND);
        let passed = Deadline::at(Instant::ORIGIN);
        let reply = passed.scope_blocking(|| way.start(&timeout, future::pending::<Reply>)).now_or_never().unwrap();
        assert_eq!(*refusals.lock().unwrap(), [cut_off(&reply).unwrap().clone()], "{way:?}");
        assert!(cut_off(&reply).unwrap().is_by_deadline());
    }
}

#[test]
fn a_call_that_ends_by_itself_or_is_dropped_is_not_told_of() {
    for way in Way::ALL {
        let (timeout, clock, log) = logged(SECOND);
        for end in [Ok(()), FAILED] {
            assert_eq!(way.start(&timeout, || future::ready(end.clone())).now_or_never(), Some(end));
        }
        let (tell, told) = until_told();
        let mut late = way.begin(&timeout, || told);
        let dropped = way.begin(&timeout, future::pending::<Reply>);
        clock.advance(2 * SECOND);
        tell.send(()).unwrap();
        assert_ready_ok!(late.poll());
        drop(dropped);
        assert!(log.lock().unwrap().is_empty(), "{way:?}");
    }
}

#[test]
fn the_call_is_dropped_then_observers_hear_of_it_then_the_caller_does() {
    for way in Way::ALL {
        let (clock, order) = (ManualClock::new(), Log::<&str>::default());
        let (says, drops) = (order.clone(), order.clone());
        let timeout = Timeout::builder("in order", SECOND)
            .clock(clock.clone())
            .on_event(move |_| says.lock().unwrap().push("told"))
            .build();
        let mut call = way.begin(&timeout, || hangs_until_dropped(move || drops.lock().unwrap().push("dropped")));
        clock.advance(SECOND);
        assert!(assert_ready!(call.poll()).is_err());
        order.lock().unwrap().push("given");
        drop(call);
        assert_eq!(*order.lock().unwrap(), ["dropped", "told", "given"], "{way:?}");
    }
}

#[test]
fn observers_hear_of_it_before_a_response_is_made() {
    let (clock, order) = (ManualClock::new(), Log::<&str>::default());
    let (says, responds) = (order.clone(), order.clone());
    let timeout = Timeout::builder("in order", SECOND).clock(clock.clone());
    let timeout = timeout.on_event(move |_| says.lock().unwrap().push("told")).build();
    let layer = timeout.layer().on_reject(move |_| responds.lock().unwrap().push("answered"));
    let mut call = task::spawn(layer.layer(service_fn(|()| future::pending::<Result<(), Failed>>())).call(()));
    assert!(call.poll().is_pending());
    clock.advance(SECOND);
    assert_ready_ok!(call.poll());
    assert_eq!(*order.lock().unwrap(), ["told", "answered"]);
}

#[test]
fn an_observer_may_call_the_timeout_again() {
    for way in Way::ALL {
        let (clock, itself) = (ManualClock::new(), Arc::new(OnceLock::<Manual>::new()));
        let (inside, kinds) = (itself.clone(), Log::<String>::default());
        let log = kinds.clone();
        let passed = Deadline::at(Instant::ORIGIN);
        let timeout = Timeout::builder("again", SECOND)
            .clock(clock.clone())
            .on_event(move |event| {
                log.lock().unwrap().push(event.to_string());
                let timeout = inside.get().unwrap();
                assert_eq!(way.start(timeout, || future::ready(Ok(()))).now_or_never(), Some(Ok(())));
                // What it causes comes after, and must stop at some time.
                if log.lock().unwrap().len() < 3 {
                    let refused = passed.scope_blocking(|| way.start(timeout, || future::ready(Ok(()))));
                    assert!(refused.now_or_never().unwrap().is_err());
                }
            })
            .build();
        itself.set(timeout.clone()).unwrap();
        let mut call = way.begin(&timeout, future::pending::<Reply>);
        clock.advance(SECOND);
        assert!(assert_ready!(call.poll()).is_err());
        let passed = "timeout `again`: the deadline has passed";
        assert_eq!(*kinds.lock().unwrap(), ["timeout `again`: not done in 1s", passed, passed], "{way:?}");
    }
}

#[test]
fn an_observer_is_outside_of_the_calls_deadline() {
    for way in Way::ALL {
        let clock = ManualClock::new();
        let (sees, saw) = (clock.clone(), Log::default());
        let log = saw.clone();
        let builder = Timeout::builder("outside", SECOND).clock(clock.clone());
        let timeout = builder.on_event(move |_| log.lock().unwrap().push(Deadline::current_by(&sees))).build();
        let mut call = way.begin(&timeout, future::pending::<Reply>);
        clock.advance(SECOND);
        assert!(assert_ready!(call.poll()).is_err());
        assert_eq!(*saw.lock().unwrap(), [None], "{way:?}");
    }
}

#[test]
fn clones_and_their_layers_have_the_same_observers() {
    let (timeout, _, log) = logged(Duration::ZERO);
    for way in Way::ALL {
        assert!(way.start(&timeout.clone(), future::pending::<Reply>).now_or_never().unwrap().is_err());
    }
    let mut service = timeout.clone().layer().layer(service_fn(|()| future::pending::<Reply>()));
    assert!(service.clone().call(()).now_or_never().unwrap().is_err());
    assert!(service.call(()).now_or_never().unwrap().is_err());
    assert_eq!(log.lock().unwrap().len(), 5);
}

#[test]
fn events_of_several_threads_come_one_at_a_time_and_each_is_told_or_counted() {
    const CALLS: u64 = 1_000;
    let (busy, heard) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(0)));
    let (alone, hears) = (busy.clone(), heard.clone());
    let timeout = Timeout::builder("threads", Duration::ZERO).on_event(move |event| {
        assert!(!alone.swap(true, Ordering::SeqCst), "somebody else is in here");
        assert!(matches!(event.kind(), EventKind::TimedOut(_)));
        *hears.lock().unwrap() += 1;
        alone.store(false, Ordering::SeqCst);
    });
    let timeout = timeout.clock(ManualClock::new()).build();
    thread::scope(|scope| {
        for way in Way::ALL {
            let timeout = &timeout;
            scope.spawn(move || {
                (0..CALLS).for_each(|_| drop(way.start(timeout, future::pending::<Reply>).now_or_never()))
            });
        }
    });
    assert_eq!(*heard.lock().unwrap() + timeout.events_lost(), 3 * CALLS);
}

#[test]
fn who_observes_a_timeout_that_was_built_hears_of_its_calls_and_not_of_those_of_older_clones() {
    for is_observed in [false, true] {
        let (first, second) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let count = |heard: &Arc<AtomicU32>| {
            let heard = heard.clone();
            move |_: &Event| {
                heard.fetch_add(1, Ordering::Relaxed);
            }
        };
        let builder = Timeout::builder("observed", Duration::ZERO).clock(ManualClock::new());
        let old = if is_observed { builder.on_event(count(&first)) } else { builder }.build();
        let new = old.clone().observed(count(&second));
        let cut = |timeout: &Manual, way: Way| drop(way.start(timeout, future::pending::<Reply>).now_or_never());
        cut(&old, Way::Call);
        assert_eq!(second.load(Ordering::Relaxed), 0, "observed: {is_observed}");
        cut(&new, Way::Call);
        cut(&new.clone(), Way::Service);
        assert_eq!(second.load(Ordering::Relaxed), 2, "observed: {is_observed}");
        assert_eq!(first.load(Ordering::Relaxed), if is_observed { 3 } else { 0 });
    }
}
