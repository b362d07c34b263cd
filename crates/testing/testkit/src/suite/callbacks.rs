//! Observers: what they hear, when, and that they do no harm.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU32, Ordering},
};

use crate::{Observed, log::Log};

/// Adds an observer that logs the events as text.
fn logged<S: Observed>(subject: S) -> (S, Log<String>) {
    let log = Log::default();
    let hears = log.clone();
    let subject = subject.observe(move |event| hears.lock().unwrap().push(event.to_string()));
    (subject, log)
}

/// An observer hears each event once, whatever the way of the call.
pub fn an_observer_hears_each_event_once_in_each_way<S: Observed>() {
    for way in S::WAYS {
        let (subject, heard) = logged(S::eventful());
        for calls in 1..=3 {
            let (_, events) = subject.cause(*way);
            assert!(events > 0, "{way:?}: the call causes events");
            assert_eq!(heard.lock().unwrap().len(), calls * events, "{way:?}");
        }
    }
}

/// An observer that panics changes no result, and the observers before and after it hear each event.
pub fn an_observer_that_panics_harms_neither_the_call_nor_the_others<S: Observed>() {
    for way in S::WAYS {
        let (expected, events) = S::eventful().cause(*way);
        let (subject, before) = logged(S::eventful());
        let (subject, after) = logged(subject.observe(|_| panic!("an observer")));
        for calls in 1..=3 {
            let (reply, _) = subject.cause(*way);
            assert_eq!(reply, expected, "{way:?}");
            assert_eq!(before.lock().unwrap().len(), calls * events, "{way:?}");
        }
        assert_eq!(*before.lock().unwrap(), *after.lock().unwrap(), "{way:?}");
        subject.assert_idle();
    }
}

/// An observer may call its own policy. The events of those calls are reported too.
pub fn an_observer_may_call_its_own_policy<S: Observed>() {
    const NESTED: u32 = 5;
    for way in S::WAYS {
        let (itself, calls) = (Arc::new(OnceLock::<S>::new()), Arc::new(AtomicU32::new(0)));
        let (subject, heard) = logged(S::eventful());
        let (inside, count, way) = (itself.clone(), calls.clone(), *way);
        let subject = subject.observe(move |_| {
            // A nested call causes events itself, so the observer must stop at some time.
            if count.fetch_add(1, Ordering::SeqCst) < NESTED {
                let subject = inside.get().expect("the subject is set before its first call");
                drop(subject.cause(way));
            }
        });
        itself.set(subject.clone()).ok().expect("the subject is set once");
        let (_, events) = subject.cause(way);
        let all = (1 + NESTED as usize) * events;
        assert_eq!(heard.lock().unwrap().len(), all, "{way:?}");
        assert_eq!(calls.load(Ordering::SeqCst) as usize, all, "{way:?}");
        subject.assert_idle();
    }
}

/// An observer that is added late hears later events only.
pub fn an_observer_added_late_hears_later_events_only<S: Observed>() {
    for way in S::WAYS {
        let (subject, first) = logged(S::eventful());
        let (_, events) = subject.cause(*way);
        let (subject, second) = logged(subject);
        assert_eq!(*second.lock().unwrap(), Vec::<String>::new(), "{way:?}");
        drop(subject.cause(*way));
        assert_eq!((first.lock().unwrap().len(), second.lock().unwrap().len()), (2 * events, events), "{way:?}");
    }
}

/// Clones report to the same observers.
pub fn clones_report_to_the_same_observers<S: Observed>() {
    for way in S::WAYS {
        let (subject, heard) = logged(S::eventful());
        let (_, events) = subject.clone().cause(*way);
        assert_eq!(heard.lock().unwrap().len(), events, "{way:?}");
    }
}
