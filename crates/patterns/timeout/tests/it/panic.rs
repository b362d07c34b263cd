//! Panics: in what is called, when it is made and in each poll, while it is dropped, and in a limit and a response of yours.

use std::{
    cell::Cell,
    future::{self, Ready},
    time::Duration,
};

use crate::support::{
    Failed, Probe, Reply, SECOND, Way, cut_off, hangs_until_dropped, logged, manual, panic_words, probed,
};
use futures::FutureExt;
use seawall_core::{Deadline, Rejection};
use seawall_timeout::Timeout;
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, service_fn};

#[test]
fn a_panic_where_the_call_is_made_goes_on() {
    for way in Way::ALL {
        let (timeout, probe) = probed(SECOND);
        let words = panic_words(|| way.start(&timeout, || -> Ready<Reply> { panic!("at its creation") }));
        assert_eq!(words.as_deref(), Some("at its creation"), "{way:?}");
        assert_eq!((probe.asked(), probe.alive()), ((0, 0), 0));
    }
}

#[test]
fn a_call_that_panicked_and_is_polled_on_has_its_limit_still() {
    for way in Way::ALL {
        let (timeout, clock) = manual(SECOND);
        let mut polls = 0;
        let mut call = task::spawn(way.start(&timeout, || {
            future::poll_fn(move |_| {
                polls += 1;
                assert_ne!(polls, 2, "in the second");
                futures::task::Poll::<Reply>::Pending
            })
        }));
        assert_pending!(call.poll());
        assert!(panic_words(|| call.poll()).is_some());
        assert_pending!(call.poll());
        clock.advance(SECOND);
        assert!(cut_off(&assert_ready!(call.poll())).is_some(), "{way:?}");
    }
}

#[test]
fn a_panic_while_the_call_is_dropped_at_its_limit_goes_on_and_the_call_is_over() {
    for way in Way::ALL {
        let (timeout, clock, log) = logged(SECOND);
        let mut call = way.begin(&timeout, || hangs_until_dropped(|| panic!("while it is dropped")));
        clock.advance(SECOND);
        assert_eq!(panic_words(|| call.poll()).as_deref(), Some("while it is dropped"), "{way:?}");
        assert_eq!(panic_words(|| call.poll()).as_deref(), Some("a call was polled after it had ended"), "{way:?}");
        assert!(panic_words(|| drop(call)).is_none(), "{way:?}: it is not dropped twice");
        assert!(log.lock().unwrap().is_empty(), "{way:?}: it came to no error, but to a panic");
        assert_eq!(Deadline::current_by(&clock), None);
        assert_eq!(way.start(&timeout, || future::ready(Ok(()))).now_or_never(), Some(Ok(())));
    }
}

#[test]
fn a_panic_in_a_limit_of_yours_goes_on_and_nothing_is_called() {
    let timeout = Timeout::builder("t", |(): &()| -> Duration { panic!("the limit") }).clock(Probe::default()).build();
    for way in Way::ALL {
        let words = panic_words(|| way.start(&timeout, || -> Ready<Reply> { unreachable!("it is called") }));
        assert_eq!(words.as_deref(), Some("the limit"), "{way:?}");
    }
}

#[test]
fn a_panic_in_a_response_of_yours_goes_on_and_the_call_is_dropped() {
    let (timeout, probe) = probed(SECOND);
    let dropped = Cell::new(false);
    let inner = service_fn(|()| hangs_until_dropped(|| dropped.set(true)));
    let respond = |_: Rejection| -> () { panic!("the response") };
    let mut call = task::spawn(timeout.layer().on_reject(respond).layer(inner).call(()));
    assert_pending!(call.poll());
    probe.advance(SECOND);
    assert_eq!(panic_words(|| call.poll()).as_deref(), Some("the response"));
    assert_eq!((dropped.get(), probe.alive()), (true, 0));
    let (zero, _) = manual(Duration::ZERO);
    let untouched = service_fn(|()| future::ready(Ok::<_, Failed>(())));
    let mut refused = task::spawn(zero.layer().on_reject(respond).layer(untouched).call(()));
    assert_eq!(panic_words(|| refused.poll()).as_deref(), Some("the response"));
    assert_eq!(panic_words(|| refused.poll()).as_deref(), Some("a call was polled after it had ended"));
}
