//! A panic of a service, a request or a layer's own part: every pass of the call comes back.

use std::{
    cell::Cell,
    future::{self, Ready},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use seawall::{
    Attempt, Budget, Bulkhead, CircuitBreaker, ErrIsFailure, ManualClock, Retry, Stack,
    retry::{CloneRequest, Plan},
};
use tokio_test::task;
use tower::{Layer, Service};

use super::support::{Failed, panic_words};

/// What panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    PollReady,
    Call,
    CloneService,
    CloneRequest,
    CloneKeeper,
    Mark,
    WithResponse,
    CloneOnReject,
}

const PARTS: [Part; 8] = [
    Part::PollReady,
    Part::Call,
    Part::CloneService,
    Part::CloneRequest,
    Part::CloneKeeper,
    Part::Mark,
    Part::WithResponse,
    Part::CloneOnReject,
];

/// What is to panic.
#[derive(Clone, Default)]
struct Trap(Rc<Cell<Option<Part>>>);

impl Trap {
    fn step_on(&self, part: Part) {
        assert_ne!(self.0.get(), Some(part), "boom");
    }
}

struct Fragile(Trap);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        self.0.step_on(Part::CloneService);
        Self(self.0.clone())
    }
}

impl Service<u32> for Fragile {
    type Response = u32;
    type Error = Failed;
    type Future = Ready<Result<u32, Failed>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        self.0.step_on(Part::PollReady);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u32) -> Self::Future {
        self.0.step_on(Part::Call);
        future::ready(Err(Failed))
    }
}

struct Keeper(Trap);

impl Clone for Keeper {
    fn clone(&self) -> Self {
        self.0.step_on(Part::CloneKeeper);
        Self(self.0.clone())
    }
}

impl CloneRequest<u32> for Keeper {
    fn clone_request(&self, request: &u32) -> Option<u32> {
        self.0.step_on(Part::CloneRequest);
        Some(*request)
    }

    fn mark(&self, _: &mut u32, _: Attempt) {
        self.0.step_on(Part::Mark);
    }
}

/// A function for `on_reject`, whose clones may panic.
struct Answer(Trap);

impl Clone for Answer {
    fn clone(&self) -> Self {
        self.0.step_on(Part::CloneOnReject);
        Self(self.0.clone())
    }
}

impl Answer {
    fn answer(&self) -> u32 {
        self.0.step_on(Part::WithResponse);
        0
    }
}

/// A stack that has taken two slots when its circuit refuses a call, or its callee is called.
struct World {
    outer: Bulkhead<ManualClock>,
    inner: Bulkhead<ManualClock>,
    breaker: CircuitBreaker<ErrIsFailure, ManualClock>,
    retry: Retry<Plan, ManualClock>,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::new();
        let bulkhead = |name| Bulkhead::builder(name, 1).clock(clock.clone()).build();
        let breaker = CircuitBreaker::builder("circuit").clock(clock.clone()).build();
        let retry = Retry::builder("again").budget(Budget::unlimited()).backoff(Duration::ZERO).clock(clock.clone());
        Self { outer: bulkhead("outer"), inner: bulkhead("inner"), breaker, retry: retry.build() }
    }

    /// Makes a call over a service whose given part panics. Returns whether it panicked.
    fn panics(&self, part: Part) -> bool {
        let stack = Stack::new().bulkhead(self.outer.clone()).retry(self.retry.clone()).bulkhead(self.inner.clone());
        let layer = stack.circuit_breaker(self.breaker.clone()).layer();
        let trap = Trap::default();
        let answer = Answer(trap.clone());
        let layer = layer.clone_request(Keeper(trap.clone())).on_reject(move |_| answer.answer());
        let mut service = layer.layer(Fragile(trap.clone()));
        let noop = &mut Context::from_waker(futures::task::noop_waker_ref());
        assert!(service.poll_ready(noop).is_ready());
        trap.0.set(Some(part));
        let words = panic_words(|| {
            let mut call = task::spawn(service.call(7));
            while call.poll().is_pending() {}
        });
        words.inspect(|words| assert!(words.contains("boom"), "{words}")).is_some()
    }
}

#[test]
fn a_part_that_panics_loses_no_slot() {
    for part in PARTS {
        // The request is sent only if the circuit admits the call.
        let panicked = [true, false].map(|is_open| {
            let world = World::new();
            if is_open {
                world.breaker.force_open();
            }
            let panicked = world.panics(part);
            let row = format!("{part:?}, the circuit is open: {is_open}");
            assert_eq!((world.outer.in_flight(), world.inner.in_flight()), (0, 0), "{row}");
            panicked
        });
        assert!(panicked.contains(&true), "{part:?} was met");
    }
}
