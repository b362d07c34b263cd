//! What a call costs in memory: no allocation in any way to call, and futures not much larger than the inner one.

use crate::support;
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    future::{self, Future},
    io,
    mem::{size_of, size_of_val},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use crate::support::{Failed, Reply, Way, failed, quick};
use futures::{FutureExt, task::noop_waker_ref};
use seawall_core::{
    Budget, Error, Name,
    time::{Clock, Instant, ManualClock, Timer},
};
use seawall_retry::{Attempt, Builder, ByOutcome, CloneAll, Event, NoHint, OwnRule, Plan, Retry};
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

type Manual = Retry<Plan, ManualClock>;

/// Makes a call of which so many attempts fail.
type Call = fn(&Manual, u32);

/// The attempts of a call of which so many fail.
fn fails(times: u32) -> impl FnMut() -> future::Ready<Reply> + Clone {
    let mut number = 0;
    move || {
        number += 1;
        future::ready(if number <= times { failed(number) } else { Ok(number) })
    }
}

/// Each way to make a call, from its beginning to its end.
const CALLS: [(&str, Call); 7] = [
    ("execute", |retry, times| drop(retry.execute(fails(times)).now_or_never().unwrap())),
    ("execute_with", |retry, times| {
        let mut attempt = fails(times);
        drop(retry.execute_with(|_| attempt()).now_or_never().unwrap());
    }),
    ("call", |retry, times| drop(retry.call(fails(times)).now_or_never().unwrap())),
    ("call_with", |retry, times| {
        let mut attempt = fails(times);
        drop(retry.call_with(|_| attempt()).now_or_never().unwrap());
    }),
    ("execute_blocking", |retry, times| {
        let mut attempt = fails(times);
        drop(retry.execute_blocking(|| attempt().into_inner()));
    }),
    ("service", |retry, times| {
        let attempts = Cell::new(0);
        let mut service = retry.layer().clone_all().layer(service_fn(|()| serve(&attempts, times)));
        drop(service.call(()).now_or_never().unwrap());
    }),
    ("service for any error", |retry, times| {
        let attempts = Cell::new(0);
        let mut service = retry.layer().clone_all().any_error().layer(service_fn(|()| serve(&attempts, times)));
        drop(service.call(()).now_or_never().unwrap());
    }),
];

fn serve(attempts: &Cell<u32>, fails: u32) -> future::Ready<Reply> {
    attempts.set(attempts.get() + 1);
    future::ready(if attempts.get() <= fails { failed(attempts.get()) } else { Ok(attempts.get()) })
}

/// Makes something of a builder.
type Build = fn(Builder<ByOutcome, NoHint, ManualClock>) -> Builder<ByOutcome, NoHint, ManualClock>;

const BUILDS: [(&str, Build); 5] = [
    ("no budget", |builder| builder),
    ("the default budget", |builder| builder.budget(Budget::default())),
    ("an empty budget", |builder| builder.budget(Budget::ratio(0.0).floor(0))),
    ("observed", |builder| builder.on_event(|_| {})),
    ("limited in time", |builder| builder.max_elapsed(support::SECOND)),
];

/// Runs `check` for each kind of retry and each way to call; with names that are literals, and that are shared.
fn each(check: impl Fn(&Manual, Call, &str)) {
    for (way, call) in CALLS {
        for (what, build) in BUILDS {
            for name in ["t".into(), Name::from(String::from("t"))] {
                let builder = Retry::builder(name).budget(Budget::unlimited()).backoff(Duration::ZERO);
                check(&build(builder.clock(ManualClock::new())).build(), call, &format!("{way}, {what}"));
            }
        }
    }
}

#[test]
fn the_allocator_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 100);
}

#[test]
fn a_call_that_succeeds_at_once_allocates_nothing() {
    each(|retry, call, row| assert_eq!(allocations(|| call(retry, 0)), 0, "{row}"));
}

#[test]
fn a_call_that_is_tried_again_allocates_nothing() {
    each(|retry, call, row| {
        for fails in 1..=4 {
            assert_eq!(allocations(|| call(retry, fails)), 0, "{row}, {fails} fail");
        }
    });
}

#[test]
fn a_retry_that_copies_a_request_allocates_nothing_but_the_copies() {
    let retry = quick().clock(ManualClock::new()).build();
    let attempts = Cell::new(0);
    let mut service = retry.layer().clone_all().layer(service_fn(|_: Box<u32>| serve(&attempts, u32::MAX)));
    let count = allocations(|| drop(service.call(Box::new(1)).now_or_never().unwrap()));
    assert_eq!(count, 300, "the request itself, and two copies");
}

// ===== the clock =====

/// Counts how often it is looked at.
#[derive(Clone)]
struct Watched(ManualClock, Arc<AtomicU32>);

impl Clock for Watched {
    fn now(&self) -> Instant {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.now()
    }
}

impl Timer for Watched {
    type Sleep = <ManualClock as Timer>::Sleep;

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        self.0.sleep_until(deadline)
    }
}

#[test]
fn a_call_that_succeeds_at_once_does_not_look_at_the_clock() {
    for budget in [Budget::unlimited(), Budget::default()] {
        for way in Way::ALL {
            let looks = Arc::new(AtomicU32::new(0));
            let clock = Watched(ManualClock::new(), looks.clone());
            let retry = Retry::builder("t").budget(budget.clone()).clock(clock).build();
            assert_eq!(support::run(way, &retry, Reply::Ok), (Ok(1), 1));
            // Who is told of the attempt is told the time.
            let wanted = u32::from(matches!(way, Way::ExecuteWith | Way::CallWith));
            assert_eq!(looks.load(Ordering::Relaxed), wanted, "{way:?}");
        }
    }
}

// ===== sizes =====

/// A future of a given size, aligned as most are.
struct Sized<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Future for Sized<WORDS> {
    type Output = Result<(), Error<io::Error>>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(()))
    }
}

/// The sizes of the futures of `execute`, `call` and the service over an inner one of so many words, by tokio's clock.
fn futures_over<const WORDS: usize>() -> [usize; 3] {
    let retry = quick().build();
    let inner = || Sized([0; WORDS]);
    let mut service = retry.layer().clone_all().layer(service_fn(|()| inner()));
    [size_of_val(&retry.execute(inner)), size_of_val(&retry.call(inner)), size_of_val(&service.call(()))]
}

#[test]
fn a_future_adds_a_bounded_number_of_bytes_to_the_inner_one() {
    let rows = [
        (0, futures_over::<0>()),
        (8, futures_over::<8>()),
        (16, futures_over::<16>()),
        (32, futures_over::<32>()),
        (100, futures_over::<100>()),
    ];
    for (words, sizes) in rows {
        let inner = words * size_of::<u64>();
        let plain = ADDED + inner.max(WAITING);
        let bounds = [plain, plain, plain + LENT];
        assert!(sizes.iter().zip(bounds).all(|(size, bound)| *size <= bound), "over {inner}: {sizes:?}, {bounds:?}");
    }
}

/// What the timer and what is paid for the next attempt take, in place of the attempt's future.
const WAITING: usize = 120;

/// What a service's call owns of its retry, beside what it would take to borrow it.
const LENT: usize = 104;

/// How far the call has come, the retry that it borrows, and the callee's last error.
const ADDED: usize = 104 + size_of::<Option<Error<io::Error>>>();

#[test]
fn the_types_that_users_hold_are_small() {
    let retry = quick().build();
    let layer = retry.layer();
    let rows = [
        ("Retry", size_of_val(&retry), 136),
        ("RetryLayer", size_of_val(&layer), 136),
        ("RetryService<()>", size_of_val(&layer.layer(())), 136),
        ("Budget", size_of::<Budget>(), 24),
        ("CloneAll", size_of::<CloneAll>(), 0),
        ("OwnRule", size_of::<OwnRule>(), 0),
        ("Attempt", size_of::<Attempt>(), 48),
        ("Event", size_of::<Event>(), 80),
    ];
    for (what, size, bound) in rows {
        assert!(size <= bound, "{what} is {size} bytes, at most {bound} were expected");
    }
}

#[test]
fn a_pending_call_allocates_nothing_but_what_the_timer_does() {
    let clock = ManualClock::new();
    let retry = quick().clock(clock).backoff(support::exactly(support::SECOND)).build();
    let noop = &mut Context::from_waker(noop_waker_ref());
    let count = allocations(|| {
        let mut call = std::pin::pin!(retry.execute(|| future::ready(Err::<u32, _>(Failed(1)))));
        assert!(call.as_mut().poll(noop).is_pending());
        assert!(call.as_mut().poll(noop).is_pending());
    });
    assert_eq!(count, 0);
}
