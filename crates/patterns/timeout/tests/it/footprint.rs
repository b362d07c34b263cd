//! What a call costs in memory: no allocation in any way to call, ready at once or not, cut off or not, and small futures.

use crate::support;
use std::{
    future::{self, Future},
    mem::{size_of, size_of_val},
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use crate::support::{Failed, Probe, Reply, SECOND, YEAR, steps};
use futures::task::noop_waker_ref;
use seawall_core::{
    Deadline, Rejection, TimedOut,
    time::{ManualClock, Timer, TokioClock},
};
use seawall_testkit::{alloc::allocations, call::OfWords};
use seawall_timeout::{Timeout, TimeoutLayer, TimeoutService};
use tokio::runtime;
use tower::{Layer, Service, service_fn};

// ===== allocations =====

/// Polls `call` so often that it ends, at most a few times, going on in `between`; whether it came to a result.
fn finish<E>(call: impl Future<Output = Result<(), E>>, between: impl Fn()) -> bool {
    let mut call = pin!(call);
    for _ in 0..5 {
        match call.as_mut().poll(&mut Context::from_waker(noop_waker_ref())) {
            Poll::Ready(reply) => return reply.is_ok(),
            Poll::Pending => between(),
        }
    }
    panic!("it does not end");
}

/// Makes a call in each way, which is pending for so many polls, and checks what it allocates.
fn each<K: Timer + Clone>(clock: &K, limit: Duration, pending: u32, between: impl Fn(), comes: bool) {
    let rows = [false, true].into_iter().flat_map(|owned| [false, true].map(|observed| (owned, observed)));
    for (owned, observed) in rows {
        let builder = if owned { Timeout::builder(String::from("t"), limit) } else { Timeout::builder("t", limit) };
        let builder = if observed { builder.on_event(|_| ()) } else { builder };
        let timeout = builder.clock(clock.clone()).build();
        let inner = || steps(pending, || Reply::Ok(()));
        let any = || steps(pending, || Ok::<_, Failed>(()));
        let mut service = timeout.layer().layer(service_fn(|()| inner()));
        let mut answers = timeout.layer().on_reject(drop).layer(service_fn(|()| any()));
        let counts = [
            allocations(|| assert_eq!(finish(timeout.execute(any), &between), comes)),
            allocations(|| assert_eq!(finish(timeout.call(inner), &between), comes)),
            allocations(|| assert_eq!(finish(timeout.execute_for(&(), any), &between), comes)),
            allocations(|| assert_eq!(finish(service.call(()), &between), comes)),
            allocations(|| assert!(finish(answers.call(()), &between))),
            allocations(|| {
                assert_eq!(finish(Deadline::after_by(YEAR, clock).scope(timeout.call(inner)), &between), comes)
            }),
        ];
        assert_eq!(counts, [0; 6], "observed: {observed}, owned name: {owned}, pending: {pending}, limit: {limit:?}");
    }
}

#[test]
fn a_call_that_is_ready_at_once_allocates_nothing() {
    each(&Probe::default(), SECOND, 0, || (), true);
    each(&ManualClock::new(), SECOND, 0, || (), true);
    each(&TokioClock, SECOND, 0, || (), true);
}

#[test]
fn a_call_that_is_pending_for_a_while_allocates_nothing() {
    let clock = ManualClock::new();
    each(&clock, SECOND, 3, || (), true);
    each(&Probe::default(), SECOND, 3, || (), true);
    each(&Probe::default(), Duration::MAX, 3, || (), true);
}

#[test]
fn a_call_that_is_pending_for_a_while_allocates_nothing_with_tokios_timer() {
    let runtime = runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    each(&TokioClock, YEAR, 3, || (), true);
    each(&TokioClock, Duration::MAX, 3, || (), true);
}

#[test]
fn a_call_that_is_cut_off_allocates_nothing() {
    let probe = Probe::default();
    each(&probe, SECOND, 9, || probe.advance(SECOND), false);
}

#[test]
fn a_refused_call_allocates_nothing() {
    each(&Probe::default(), Duration::ZERO, 0, || (), false);
    let (timeout, passed) = (Timeout::new("timeout", SECOND), Deadline::after(Duration::ZERO));
    let count = allocations(|| {
        let call = passed.scope_blocking(|| timeout.execute(|| future::ready(Ok::<_, Failed>(()))));
        assert!(!finish(call, || ()));
    });
    assert_eq!(count, 0);
}

#[test]
fn to_ask_for_the_deadline_allocates_nothing() {
    let (timeout, clock) = support::manual(SECOND);
    let count = allocations(|| {
        let asks = || {
            assert!(Deadline::current_by(&clock).is_some());
            future::ready(Ok::<_, Failed>(()))
        };
        assert!(finish(timeout.execute(asks), || ()));
    });
    assert_eq!(count, 0);
}

// ===== sizes =====

#[test]
fn the_types_that_users_hold_are_small() {
    let scope = size_of_val(&Deadline::after(SECOND).scope(OfWords::<6>::default()));
    let rows = [
        ("Timeout", size_of::<Timeout>(), 48),
        ("TimeoutLayer", size_of::<TimeoutLayer>(), 56),
        ("TimeoutService<()>", size_of::<TimeoutService<()>>(), 56),
        ("TimedOut", size_of::<TimedOut>(), 48),
        ("Rejection", size_of::<Rejection>(), 64),
        ("Deadline", size_of::<Deadline>(), 16),
        ("Scope of 48 bytes", scope, 64),
    ];
    for (what, size, bound) in rows {
        assert!(size <= bound, "{what} is {size} bytes, at most {bound} were expected");
    }
}
