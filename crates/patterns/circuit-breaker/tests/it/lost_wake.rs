//! A change that comes between a waiting service's look at the circuit and its sleep.

use std::{
    future::{self, Pending, Ready},
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{
    ErrIsFailure, Rejection,
    time::{Clock, Instant, Timer},
};
use tokio_test::{assert_ready_ok, task};
use tower::{Layer, Service, service_fn};

type Breaker = CircuitBreaker<ErrIsFailure, Closes>;

/// A clock that stands still, with a timer that never ends, and that closes the circuit while it is set up.
#[derive(Clone, Default)]
struct Closes(Arc<OnceLock<Breaker>>);

impl Clock for Closes {
    fn now(&self) -> Instant {
        Instant::ORIGIN
    }
}

impl Timer for Closes {
    type Sleep = Pending<()>;

    fn sleep_until(&self, _: Instant) -> Pending<()> {
        self.0.get().expect("it was told its breaker").reset();
        future::pending()
    }
}

#[test]
fn a_change_between_the_look_and_the_sleep_is_heard() {
    let clock = Closes::default();
    let breaker = CircuitBreaker::builder("t").clock(clock.clone()).trip(seawall_core::breaker::Trip::consecutive(1));
    let breaker = breaker.build();
    assert!(clock.0.set(breaker.clone()).is_ok());
    breaker.try_acquire().unwrap().failure();
    let inner = service_fn(|()| -> Ready<Result<(), Rejection>> { future::ready(Ok(())) });
    let mut service = breaker.layer().backpressure().layer(inner);
    let mut task = task::spawn(());
    let mut poll = || -> (Poll<_>, bool) {
        let poll = task.enter(|cx: &mut Context<'_>, _| Service::<()>::poll_ready(&mut service, cx));
        (poll, task.is_woken())
    };
    let (first, woken) = poll();
    assert!(first.is_ready() || woken, "the circuit is closed, and nobody will say so again");
    assert_ready_ok!(poll().0);
}
