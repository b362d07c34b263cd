//! A stack of all the policies by a clock that stands still, calls that it makes, and what is seen of both.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    fmt::Display,
    future::{self, Future},
    mem,
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use futures::FutureExt;
use seawall::{
    Attempt, Backoff, Budget, Bulkhead, CircuitBreaker, Error, Hint, Jitter, ManualClock, Outcome, Quota, RateLimiter,
    Retry, Stack, Timeout, Trip, Window,
    retry::{HintBy, Plan, RetryIf},
    time::{Clock, Instant},
};
use tower::{Layer, Service};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The error of an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

/// What the calls of these tests come to: the number of the attempt.
pub(crate) type Reply = Result<u32, Error<Failed>>;

// ===== what is seen =====

/// Where the caller's code may panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Closure,
    Poll,
    /// In the drop of an attempt that has not ended.
    Drop,
    Classifier,
    RetryIf,
    Hint,
    Observer,
}

thread_local! {
    static BEGUN: Cell<u32> = const { Cell::new(0) };
    static ALIVE: Cell<u32> = const { Cell::new(0) };
    static TRAP: Cell<Option<(Place, u32)>> = const { Cell::new(None) };
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// How many attempts have begun.
pub(crate) fn begun() -> u32 {
    BEGUN.get()
}

/// How many attempts have begun, and have neither ended nor been dropped.
pub(crate) fn alive() -> u32 {
    ALIVE.get()
}

/// Has the caller's code panic there, in that attempt.
pub(crate) fn set_trap(trap: Option<(Place, u32)>) {
    TRAP.set(trap);
}

/// Panics, if that is where the trap is.
pub(crate) fn step_on(place: Place) {
    assert_ne!(TRAP.get(), Some((place, begun())), "boom");
}

pub(crate) fn log(words: impl Display) {
    LOG.with_borrow_mut(|log| log.push(words.to_string()));
}

/// What was logged since this was last asked.
pub(crate) fn take_log() -> Vec<String> {
    LOG.take()
}

/// An observer is told: no attempt is in flight any more of which it could be.
fn told(event: &impl Display) {
    log(format_args!("{event}, {} alive", alive()));
    step_on(Place::Observer);
}

// ===== the stack =====

type Manual = ManualClock;
type Decider = Plan<RetryIf<fn(&Attempt, &Reply) -> bool>, HintBy<fn(&Attempt, &Reply) -> Hint>>;
type Judge = fn(&Reply) -> Outcome;
type Attempted = (CircuitBreaker<Judge, Manual>, (Bulkhead<Manual>, (Timeout<Duration, Manual>, ())));

/// Total limit and rate around, then the retry, then what is around each attempt.
pub(crate) type Whole =
    Stack<(RateLimiter<Manual>, (Timeout<Duration, Manual>, (Retry<Decider, Manual>, Attempted)))>;

/// All the policies, and handles to them.
pub(crate) struct World {
    pub(crate) clock: Manual,
    pub(crate) limiter: RateLimiter<Manual>,
    pub(crate) budget: Budget,
    pub(crate) breaker: CircuitBreaker<Judge, Manual>,
    pub(crate) bulkhead: Bulkhead<Manual>,
    pub(crate) stack: Whole,
    since: Instant,
}

/// What a breaker of a [`World`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Circuit {
    Closed,
    /// With all places for probes free, and open again if all have failed.
    HalfOpen,
    /// Opens if a call fails, or is dropped.
    Fragile,
}

pub(crate) const CIRCUITS: [Circuit; 2] = [Circuit::Closed, Circuit::HalfOpen];

/// What the budget has, and nothing comes in but what is given back.
pub(crate) const SAVED: u32 = 10;
/// What the limiter lets in at once; then one a second.
pub(crate) const BURST: u32 = 3;
pub(crate) const PROBES: u32 = 4;
/// Between two attempts.
pub(crate) const WAIT: Duration = SECOND;
pub(crate) const TOTAL: Duration = Duration::from_secs(60);
pub(crate) const EACH: Duration = Duration::from_secs(20);

pub(crate) fn limiter(clock: &Manual) -> RateLimiter<Manual> {
    RateLimiter::builder("rate", Quota::per_second(1).burst(BURST)).max_wait(TOTAL).clock(clock.clone()).build()
}

pub(crate) fn breaker(clock: &Manual, circuit: Circuit) -> CircuitBreaker<Judge, Manual> {
    let judge: Judge = |reply| {
        step_on(Place::Classifier);
        if reply.is_ok() { Outcome::Success } else { Outcome::Failure }
    };
    let builder = CircuitBreaker::builder("circuit").open_for(SECOND).probes(PROBES).reopen_at(1.0);
    let builder = match circuit {
        Circuit::Closed => builder.trip(Trip::failure_rate(1.0).over(Window::calls(1_000)).min_calls(1_000)),
        Circuit::HalfOpen => builder.trip(Trip::consecutive(1)),
        Circuit::Fragile => builder.trip(Trip::consecutive(1)).abandoned(Outcome::Failure),
    };
    let breaker = builder.clock(clock.clone()).classify(judge).build();
    if circuit == Circuit::HalfOpen {
        breaker.try_acquire().unwrap().failure();
        clock.advance(SECOND);
        breaker.try_acquire().unwrap().ignore();
    }
    breaker
}

impl World {
    pub(crate) fn new(circuit: Circuit) -> Self {
        BEGUN.set(0);
        ALIVE.set(0);
        TRAP.set(None);
        LOG.take();
        let clock = Manual::new();
        let budget = Budget::ratio(0.0).floor(0);
        (0..SAVED).for_each(|_| budget.refund());
        let breaker = breaker(&clock, circuit);
        let limiter = limiter(&clock);
        let bulkhead = Bulkhead::builder("slots", 1).max_queued(10).max_wait(TOTAL).clock(clock.clone()).build();
        breaker.on_event(told);
        limiter.on_event(told);
        bulkhead.on_event(told);
        let repeat: fn(&Attempt, &Reply) -> bool = |_, reply| {
            step_on(Place::RetryIf);
            reply.is_err()
        };
        let hint: fn(&Attempt, &Reply) -> Hint = |_, _| {
            step_on(Place::Hint);
            Hint::None
        };
        let retry = Retry::builder("again").backoff(Backoff::constant(WAIT).jitter(Jitter::None));
        let retry = retry.budget(budget.clone()).clock(clock.clone()).retry_if(repeat).hint(hint).on_event(told);
        let stack = Stack::new()
            .rate_limit(limiter.clone())
            .timeout(Timeout::builder("total", TOTAL).clock(clock.clone()).on_event(told).build())
            .retry(retry.build())
            .circuit_breaker(breaker.clone())
            .bulkhead(bulkhead.clone())
            .timeout(Timeout::builder("each", EACH).clock(clock.clone()).on_event(told).build());
        Self { since: clock.now(), clock, limiter, budget, breaker, bulkhead, stack }
    }

    /// A call whose attempts are pending for so many polls each, and fail, but for the ones after so many.
    pub(crate) fn begin(&self, way: Way, pending: u32, fails: u32) -> Boxed<'_> {
        way.start(&self.stack, move || self.attempt(pending, fails))
    }

    fn attempt(&self, pending: u32, fails: u32) -> impl Future<Output = Reply> + use<> {
        BEGUN.set(begun() + 1);
        step_on(Place::Closure);
        assert_eq!(ALIVE.replace(1), 0, "the one before is gone");
        let mut alive = Alive { bulkhead: self.bulkhead.clone(), ended: false };
        let (mut left, number) = (pending, begun());
        future::poll_fn(move |_| {
            step_on(Place::Poll);
            if let Some(fewer) = left.checked_sub(1) {
                left = fewer;
                return Poll::Pending;
            }
            alive.end();
            Poll::Ready(if number <= fails { Err(Error::Inner(Failed)) } else { Ok(number) })
        })
    }

    /// That nothing is taken, and nobody waits.
    #[track_caller]
    pub(crate) fn assert_idle(&self, row: impl Display) {
        let held = (self.bulkhead.in_flight(), self.bulkhead.queued(), self.limiter.queued(), alive());
        assert_eq!(held, (0, 0, 0, 0), "{row}: in flight, queued there, queued at the limiter, alive");
    }

    /// What the limiter lets in at once, if it has let in one call, when the world began.
    pub(crate) fn shares(&self) -> u32 {
        let later = self.clock.now().saturating_duration_since(self.since);
        BURST.min(BURST - 1 + later.as_secs() as u32)
    }

    /// How many calls the circuit lets in at once.
    pub(crate) fn places(&self) -> usize {
        let permits: Vec<_> = std::iter::from_fn(|| self.breaker.try_acquire().ok()).take(100).collect();
        permits.len()
    }
}

/// An attempt in flight; it tells what is held while it is dropped.
struct Alive {
    bulkhead: Bulkhead<Manual>,
    ended: bool,
}

impl Alive {
    fn end(&mut self) {
        assert!(!mem::replace(&mut self.ended, true), "it was polled after its end");
        ALIVE.set(alive() - 1);
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.end();
        log(format_args!("dropped with {} in flight", self.bulkhead.in_flight()));
        if !std::thread::panicking() {
            step_on(Place::Drop);
        }
    }
}

// ===== calls =====

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Execute,
    ExecuteWith,
    Call,
    Service,
}

pub(crate) type Boxed<'a> = Pin<Box<dyn Future<Output = Reply> + 'a>>;

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Execute, Self::ExecuteWith, Self::Call, Self::Service];

    /// Begins a call. The future lives on when it has ended, to show what it holds.
    pub(crate) fn start<'a, F>(self, stack: &'a Whole, mut f: impl FnMut() -> F + 'a) -> Boxed<'a>
    where
        F: Future<Output = Reply> + 'a,
    {
        match self {
            Self::Execute => flat(stack.execute(f)),
            Self::ExecuteWith => flat(stack.execute_with(move |_| f())),
            Self::Call => Box::pin(stack.call(f)),
            Self::Service => {
                let mut service = stack.layer().keep_error().layer(Callee::new(f));
                assert!(service.poll_ready(&mut Context::from_waker(futures::task::noop_waker_ref())).is_ready());
                Box::pin(service.call(()))
            }
        }
    }
}

/// Not by `map`, which drops the future when it ends.
fn flat<'a>(call: impl Future<Output = Result<u32, Error<Error<Failed>>>> + 'a) -> Boxed<'a> {
    let mut call = Box::pin(call);
    let flat = |reply| match reply {
        Ok(number) => Ok(number),
        Err(Error::Inner(error)) => Err(error),
        Err(Error::Rejected(rejection)) => Err(Error::Rejected(rejection)),
    };
    Box::pin(future::poll_fn(move |cx| call.poll_unpin(cx).map(flat)))
}

/// A service that is always ready, and whose clones are one.
pub(crate) struct Callee<F>(Rc<RefCell<F>>);

impl<F> Callee<F> {
    pub(crate) fn new(f: F) -> Self {
        Self(Rc::new(RefCell::new(f)))
    }
}

impl<F> Clone for Callee<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<O: FnMut() -> F, F: Future<Output = Reply>> Service<()> for Callee<O> {
    type Response = u32;
    type Error = Error<Failed>;
    type Future = F;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error<Failed>>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> F {
        (self.0.borrow_mut())()
    }
}

/// The words with which `f` panics; `None` if it does not.
pub(crate) fn panic_words<T>(f: impl FnOnce() -> T) -> Option<String> {
    panic::catch_unwind(AssertUnwindSafe(f)).err().map(words)
}

fn words(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(words) => *words,
        Err(payload) => payload.downcast_ref::<&str>().map_or("something else", |words| words).to_owned(),
    }
}
