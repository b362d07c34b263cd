//! A service that must itself be polled ready before each call; a clone's readiness does not count.

use std::{
    cell::Cell,
    future::{self, Ready},
    io, mem,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use seawall::{Bulkhead, CircuitBreaker, ManualClock, Retry, Stack, retry::Plan};
use tokio_test::{assert_ready_err, assert_ready_ok, task};
use tower::{Layer, Service};
use tower_test::mock::Spawn;

use super::support::panic_words;

type Policies = (Retry<Plan, ManualClock>, (CircuitBreaker, (Bulkhead<ManualClock>, ())));

fn retried() -> Stack<Policies> {
    Stack::new()
        .retry(Retry::builder("again").backoff(Duration::ZERO).clock(ManualClock::new()).build())
        .circuit_breaker(CircuitBreaker::new("circuit"))
        .bulkhead(Bulkhead::builder("slots", 1).clock(ManualClock::new()).build())
}

/// A service that must be polled ready before each call, and fails `fails` times.
struct Strict {
    polls: u32,
    is_ready: bool,
    fails: Rc<Cell<u32>>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { polls: 0, is_ready: false, fails: self.fails.clone() }
    }
}

impl Service<()> for Strict {
    type Response = ();
    type Error = io::Error;
    type Future = Ready<io::Result<()>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        (self.is_ready, self.polls) = (true, self.polls + 1);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        assert!(mem::take(&mut self.is_ready), "it was called, but not made ready");
        let fails = self.fails.get();
        self.fails.set(fails.saturating_sub(1));
        future::ready(if fails > 0 { Err(io::Error::other("down")) } else { Ok(()) })
    }
}

#[test]
fn each_attempt_goes_by_the_very_service_that_was_polled_ready() {
    for fails in 0..3 {
        let stack = retried();
        let strict = Strict { polls: 0, is_ready: false, fails: Rc::new(Cell::new(fails)) };
        let mut service = Spawn::new(stack.layer().clone_all().layer(strict));
        assert_ready_ok!(service.poll_ready());
        assert_ready_ok!(task::spawn(service.call(())).poll(), "{fails} fail");
        assert_eq!(service.get_ref().get_ref().polls, 1, "the first one only");
    }
}

#[test]
fn a_request_that_cannot_be_copied_is_sent_once_and_only_by_what_was_ready() {
    let stack = retried();
    let strict = Strict { polls: 0, is_ready: false, fails: Rc::new(Cell::new(9)) };
    let mut service = Spawn::new(stack.layer().clone_request(|(): &()| None).layer(strict.clone()));
    assert_ready_ok!(service.poll_ready());
    assert_ready_err!(task::spawn(service.call(())).poll());
    assert_eq!(strict.fails.get(), 8);
    assert!(panic_words(|| strict.clone().call(())).is_some(), "a clone of it is not ready");
}
