//! What a call costs in memory: no allocation in any way to call, whatever the rule and the state, and small futures.

use crate::support;
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    future::{self, Future},
    io,
    mem::{size_of, size_of_val},
    task::{Context, Poll},
    time::Duration,
};

use crate::support::{FAILED, Failed, Manual, OPEN_FOR, Reply, TICK, fail, log_changes, steer};
use futures::{FutureExt, task::noop_waker_ref};
use seawall_circuit_breaker::{CircuitBreaker, Permit};
use seawall_core::{
    Error, Rejection, Window,
    breaker::{State, Trip},
    time::ManualClock,
};
use tower::{Layer, Service, service_fn};

// ===== allocations =====

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all work is the system allocator's; the counter is a plain cell of the thread that allocates nothing itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often this thread allocates in a hundred runs of `f`, after a first one that may set up what is used by all.
fn allocations(mut f: impl FnMut()) -> u64 {
    f();
    let before = ALLOCATIONS.get();
    (0..100).for_each(|_| f());
    ALLOCATIONS.get() - before
}

type Call = fn(&Manual, Reply);

/// Each way to make a call, from its beginning to its end.
const CALLS: [(&str, Call); 5] = [
    ("execute", |breaker, reply| drop(breaker.execute(|| future::ready(reply)).now_or_never().unwrap())),
    ("call", |breaker, reply| drop(breaker.call(|| future::ready(reply)).now_or_never().unwrap())),
    ("execute_blocking", |breaker, reply| drop(breaker.execute_blocking(|| reply))),
    ("permit", |breaker, reply| {
        breaker.try_acquire().map(|permit| permit.record(&reply)).ok();
    }),
    ("service", |breaker, reply| {
        let mut service = breaker.layer().layer(service_fn(|reply: Reply| future::ready(reply)));
        assert!(service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready());
        drop(service.call(reply).now_or_never().unwrap());
    }),
];

/// A rule for each kind of window; none of them opens the circuit.
fn rules() -> [(&'static str, Trip); 5] {
    let never = u32::MAX;
    [
        ("consecutive", Trip::consecutive(never)),
        ("count", Trip::failure_rate(1.0).over(Window::calls(1_000_000)).min_calls(never).into()),
        ("time", Trip::failure_rate(1.0).over(Window::time(10 * support::SECOND)).min_calls(never).into()),
        ("slow", Trip::slow_rate(1.0, TICK).over(Window::calls(1_000_000)).min_calls(never).into()),
        ("predicate", Trip::when(|_| false).min_calls(1).into()),
    ]
}

/// Runs `check` for each kind of rule and each way to call; with names that are literals, and that are shared.
fn each(check: impl Fn(Manual, &ManualClock, Call, &str), opens: bool) {
    for owned in [false, true] {
        for (rule, trip) in rules() {
            for (way, call) in CALLS {
                let clock = ManualClock::new();
                let builder =
                    if owned { CircuitBreaker::builder(String::from("t")) } else { CircuitBreaker::builder("t") };
                let builder = builder.clock(clock.clone()).trip(trip.clone()).open_for(OPEN_FOR);
                let builder = if opens { builder.trip(Trip::consecutive(1)) } else { builder };
                check(builder.build(), &clock, call, &format!("{way}, {rule}, owned name: {owned}"));
            }
        }
    }
}

#[test]
fn the_allocator_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 100);
}

#[test]
fn a_call_that_succeeds_allocates_nothing() {
    let check = |breaker: Manual, _: &ManualClock, call: Call, row: &str| {
        assert_eq!(allocations(|| call(&breaker, Ok(()))), 0, "{row}");
    };
    each(check, false);
}

#[test]
fn a_call_that_fails_allocates_nothing() {
    let check = |breaker: Manual, clock: &ManualClock, call: Call, row: &str| {
        let count = allocations(|| {
            call(&breaker, FAILED);
            // So that windows turn, too.
            clock.advance(Duration::from_millis(300));
        });
        assert_eq!((count, breaker.state()), (0, State::Closed), "{row}");
    };
    each(check, false);
}

#[test]
fn a_refused_call_allocates_nothing() {
    let check = |breaker: Manual, _: &ManualClock, call: Call, row: &str| {
        fail(&breaker);
        assert_eq!(allocations(|| call(&breaker, Ok(()))), 0, "{row}");
        assert_eq!(breaker.snapshot().rejected(), 101, "{row}");
        breaker.force_open();
        assert_eq!(allocations(|| call(&breaker, Ok(()))), 0, "{row}, forced");
    };
    each(check, true);
}

#[test]
fn a_circuit_that_opens_is_tried_and_closes_allocates_nothing() {
    let check = |breaker: Manual, clock: &ManualClock, call: Call, row: &str| {
        let count = allocations(|| {
            call(&breaker, FAILED);
            for probe in [FAILED, Ok(())] {
                clock.advance(OPEN_FOR);
                assert_eq!(breaker.state(), State::HalfOpen);
                call(&breaker, probe);
            }
        });
        assert_eq!((count, breaker.state()), (0, State::Closed), "{row}");
        assert_eq!(breaker.snapshot().generation(), 101 * 5, "{row}");
    };
    each(check, true);
}

#[test]
fn a_probe_without_a_place_allocates_nothing() {
    let check = |breaker: Manual, clock: &ManualClock, call: Call, row: &str| {
        steer(&breaker, clock, State::HalfOpen);
        let _undecided = breaker.try_acquire().unwrap();
        assert_eq!(allocations(|| call(&breaker, Ok(()))), 0, "{row}");
    };
    each(check, true);
}

#[test]
fn a_call_by_the_default_clock_allocates_nothing() {
    let breaker = CircuitBreaker::builder("t").trip(Trip::slow_rate(1.0, OPEN_FOR)).abandoned_after(OPEN_FOR).build();
    let count = allocations(|| {
        breaker.execute(|| future::ready(Ok::<_, Failed>(()))).now_or_never().unwrap().unwrap();
        drop(breaker.execute(future::pending::<Reply>));
    });
    assert_eq!(count, 0);
}

#[test]
fn a_change_told_to_an_observer_allocates_nothing() {
    let clock = ManualClock::new();
    let breaker = support::fragile(&clock).build();
    let seen = log_changes(&breaker);
    let count = allocations(|| {
        seen.lock().unwrap().clear();
        fail(&breaker);
        clock.advance(OPEN_FOR);
        breaker.execute_blocking(|| Ok::<_, Failed>(())).unwrap();
    });
    assert_eq!((count, seen.lock().unwrap().len()), (0, 3));
}

// ===== sizes =====

/// A future of a given size, aligned as most are.
struct Sized<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Future for Sized<WORDS> {
    type Output = Result<(), Error<io::Error>>;

    fn poll(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(()))
    }
}

/// The sizes of the futures of `execute`, `call` and the service over an inner one of so many words.
fn futures_over<const WORDS: usize>() -> [usize; 3] {
    let breaker = CircuitBreaker::new("t");
    let inner = || Sized([0; WORDS]);
    let mut service = breaker.layer().layer(service_fn(|()| inner()));
    [size_of_val(&breaker.execute(inner)), size_of_val(&breaker.call(inner)), size_of_val(&service.call(()))]
}

/// What a refusal takes: a future that is not larger has room for its rejection.
const REFUSAL: usize = 72;

/// What a call that was let in takes beside the inner future: the share of the breaker, and the pass.
const ADDED: usize = 24;

#[test]
fn a_future_adds_a_few_bytes_to_the_inner_one_and_has_room_for_a_refusal() {
    let rows = [
        (0, futures_over::<0>()),
        (6, futures_over::<6>()),
        (7, futures_over::<7>()),
        (12, futures_over::<12>()),
        (100, futures_over::<100>()),
    ];
    for (words, sizes) in rows {
        let bound = REFUSAL.max(words * size_of::<u64>() + ADDED);
        assert!(sizes.iter().all(|size| *size <= bound), "over {words} words: {sizes:?}, at most {bound}");
    }
}

#[test]
fn the_types_that_users_hold_are_small() {
    let breaker = CircuitBreaker::new("t");
    let layer = breaker.layer();
    let rows = [
        ("Permit", size_of::<Permit>(), 32),
        ("Option<Permit>", size_of::<Option<Permit>>(), 32),
        ("Rejection", size_of::<Rejection>(), 64),
        ("Error<io::Error>", size_of::<Error<io::Error>>(), 64),
        ("Result<Permit, Rejection>", size_of::<Result<Permit, Rejection>>(), 64),
        ("CircuitBreaker", size_of_val(&breaker), 24),
        ("CircuitBreakerLayer", size_of_val(&layer), 32),
        ("CircuitBreakerService<()>", size_of_val(&layer.layer(())), 112),
    ];
    for (what, size, bound) in rows {
        assert!(size <= bound, "{what} is {size} bytes, at most {bound} were expected");
    }
}
