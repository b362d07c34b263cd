//! What a call through a whole stack costs: no allocation, a bounded future, and few reads of the clock.

use std::{
    cell::Cell,
    fmt::Debug,
    future::{self, Future, Ready},
    io,
    mem::size_of_val,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::task::noop_waker_ref;
use seawall::{
    Budget, Bulkhead, CircuitBreaker, ErrIsFailure, ManualClock, Quota, RateLimiter, Retry, Stack, Timeout,
    retry::Plan,
    time::{Clock, Instant, Timer},
};
use seawall_testkit::alloc::{allocations, held};
use tower::{Layer, Service, service_fn};

use super::support::SECOND;

// ===== stacks =====

/// A clock that counts its reads and its timers.
#[derive(Clone, Default)]
struct Watched(ManualClock, Arc<Looks>);

#[derive(Default)]
struct Looks {
    reads: AtomicU32,
    timers: AtomicU32,
}

impl Clock for Watched {
    fn now(&self) -> Instant {
        self.1.reads.fetch_add(1, Ordering::Relaxed);
        self.0.now()
    }
}

impl Timer for Watched {
    type Sleep = <ManualClock as Timer>::Sleep;

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        self.1.timers.fetch_add(1, Ordering::Relaxed);
        self.0.sleep_until(deadline)
    }
}

impl Watched {
    /// Returns the reads and the timers since the last call.
    fn take(&self) -> (u32, u32) {
        (self.1.reads.swap(0, Ordering::Relaxed), self.1.timers.swap(0, Ordering::Relaxed))
    }
}

type Rated<R> = Stack<(RateLimiter<Watched>, R)>;
type Guarded<R> = (CircuitBreaker<ErrIsFailure, Watched>, (Bulkhead<Watched>, R));
type Five = Rated<(Timeout<Duration, Watched>, (Retry<Plan, Watched>, Guarded<()>))>;
type Six = Rated<(Timeout<Duration, Watched>, (Retry<Plan, Watched>, Guarded<(Timeout<Duration, Watched>, ())>))>;

fn five(clock: &Watched) -> Five {
    Stack::new()
        .rate_limit(RateLimiter::builder("t", Quota::per_second(1).burst(100_000)).clock(clock.clone()).build())
        .timeout(Timeout::builder("total", 10 * SECOND).clock(clock.clone()).build())
        .retry(Retry::builder("t").clock(clock.clone()).backoff(Duration::ZERO).budget(Budget::ratio(1.0)).build())
        .circuit_breaker(CircuitBreaker::builder("t").clock(clock.clone()).build())
        .bulkhead(Bulkhead::builder("t", 10).max_queued(10).max_wait(SECOND).clock(clock.clone()).build())
}

fn six(clock: &Watched) -> Six {
    five(clock).timeout(Timeout::builder("each", SECOND).clock(clock.clone()).build())
}

type Reply = Result<u64, io::Error>;

/// Is pending for so many polls.
fn pending_for(mut polls: u32) -> impl Future<Output = Reply> {
    future::poll_fn(move |_| match polls.checked_sub(1) {
        None => Poll::Ready(Ok(1)),
        Some(fewer) => {
            polls = fewer;
            Poll::Pending
        }
    })
}

/// Polls a call to its end.
fn run<T>(call: impl Future<Output = T>) -> T {
    let mut call = pin!(call);
    loop {
        if let Poll::Ready(output) = call.as_mut().poll(&mut Context::from_waker(noop_waker_ref())) {
            return output;
        }
    }
}

/// Makes a call through one of the stacks.
type Call = Box<dyn FnMut(u32)>;

/// Calls in either form that are pending for so many polls, through the two stacks.
fn calls(clock: &Watched) -> [(&'static str, Call); 4] {
    let (one, other) = (five(clock), six(clock));
    let (mut first, mut second) = (
        one.layer().clone_all().layer(service_fn(pending_for)),
        other.layer().clone_all().layer(service_fn(pending_for)),
    );
    [
        ("five, plainly", Box::new(move |polls| end(one.execute(|| pending_for(polls))))),
        ("six, plainly", Box::new(move |polls| end(other.execute(|| pending_for(polls))))),
        ("five, as a service", Box::new(move |polls| end(serve(&mut first, polls)))),
        ("six, as a service", Box::new(move |polls| end(serve(&mut second, polls)))),
    ]
}

/// Polls a call to its end, which is no error.
fn end<E: Debug>(call: impl Future<Output = Result<u64, E>>) {
    assert_eq!(run(call).unwrap(), 1);
}

fn serve<S: Service<u32>>(service: &mut S, request: u32) -> S::Future {
    assert!(service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready());
    service.call(request)
}

// ===== tests =====

#[test]
fn the_allocator_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 100);
}

#[test]
fn a_call_allocates_nothing() {
    for polls in [0, 1, 3] {
        for (what, mut call) in calls(&Watched::default()) {
            assert_eq!(allocations(|| call(polls)), 0, "{what}, pending for {polls}");
        }
    }
}

#[test]
fn a_call_that_is_made_again_allocates_nothing() {
    let stack = six(&Watched::default());
    let calls = Cell::new(0_u64);
    let flaky = || {
        calls.set(calls.get() + 1);
        // Few failures, so that the circuit stays closed.
        future::ready(if calls.get() % 3 == 0 { Reply::Err(io::ErrorKind::TimedOut.into()) } else { Ok(1) })
    };
    let mut service = stack.layer().clone_all().layer(service_fn(|_: u32| flaky()));
    let count = allocations(|| drop(run(stack.execute(flaky))));
    assert_eq!(count, 0);
    assert_eq!(allocations(|| drop(run(serve(&mut service, 1)))), 0);
}

#[test]
fn a_call_looks_at_the_clock_where_a_policy_must_know_the_time() {
    let clock = Watched::default();
    for (what, mut call) in calls(&clock) {
        let timeouts = if what.starts_with("five") { 1 } else { 2 };
        call(0);
        for polls in [0, 1, 3] {
            clock.take();
            call(polls);
            // The limiter reads the clock when it admits the call, and the circuit's window when the call has ended. The timeouts
            // share a read when they first see the call pending, and each reads again later.
            let (looks, timers) = if polls == 0 { (2, 0) } else { (3 + (polls - 1) * timeouts, timeouts) };
            assert_eq!(clock.take(), (looks, timers), "{what}, pending for {polls}");
        }
    }
}

fn ready() -> Ready<Reply> {
    future::ready(Ok(1))
}

#[test]
fn a_calls_future_is_small() {
    let five = Stack::new()
        .rate_limit(RateLimiter::new("t", Quota::per_second(1_000)))
        .timeout(Timeout::new("timeout", 10 * SECOND))
        .retry(Retry::new("t"))
        .circuit_breaker(CircuitBreaker::new("t"))
        .bulkhead(Bulkhead::new("t", 10));
    let six = five.clone().timeout(Timeout::new("timeout", SECOND));
    let sizes = [
        ("five, plainly", size_of_val(&five.execute(ready)), 392),
        (
            "five, as a service",
            size_of_val(&serve(&mut five.layer().clone_all().layer(service_fn(|_: u32| ready())), 1)),
            400,
        ),
        ("six, plainly", size_of_val(&six.execute(ready)), 448),
        (
            "six, as a service",
            size_of_val(&serve(&mut six.layer().clone_all().layer(service_fn(|_: u32| ready())), 1)),
            456,
        ),
    ];
    for (what, size, bound) in sizes {
        println!("{what}: {size} bytes");
        assert!(size <= bound, "{what}: {size} bytes, at most {bound} were expected");
    }
}

#[test]
fn a_standard_stack_in_one_lane_holds_little_memory() {
    let one = held(|| Stack::standard_in_lanes("t", 1)).1;
    let eight = held(|| Stack::standard_in_lanes("t", 8)).1;
    assert!(one <= 4_096 && eight > 2 * one, "{one}, and {eight} in eight lanes");
}
