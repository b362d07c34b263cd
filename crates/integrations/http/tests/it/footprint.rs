//! What bodies cost in memory: none for a held one, and for a replayed one never more than the cap.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    future, hint, io,
    mem::{size_of, size_of_val},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{FutureExt, task::noop_waker_ref};
use http::Response;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Empty, Full};
use seawall::{Bulkhead, CircuitBreaker, Error};
use seawall_http::{ReplayBody, hold_body};
use tower::{Layer, Service, ServiceExt, service_fn};

// ===== allocations =====

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: all work is the system allocator's; the counters are plain cells of the thread that allocate nothing themselves.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        LIVE.set(LIVE.get() + layout.size() as isize);
        PEAK.set(PEAK.get().max(LIVE.get()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // Below zero where it came from another thread.
        LIVE.set(LIVE.get() - layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often this thread allocates in `f`.
fn allocations<T>(f: impl FnOnce() -> T) -> usize {
    let before = ALLOCATIONS.get();
    hint::black_box(f());
    ALLOCATIONS.get() - before
}

/// How much more than at its beginning was allocated at once in `f`.
fn peak<T>(f: impl FnOnce() -> T) -> isize {
    let before = LIVE.get();
    PEAK.set(before);
    drop(hint::black_box(f()));
    PEAK.get() - before
}

#[test]
fn the_allocator_counts() {
    assert_eq!(allocations(|| drop(hint::black_box(Box::new(1)))), 1);
    assert_eq!(peak(|| (drop(hint::black_box(vec![0_u8; 1000])), hint::black_box(vec![0_u8; 100]))), 1000);
}

/// So many pieces of the same size, of memory that is nobody's; it may say how much that is.
struct Pieces {
    left: usize,
    size: usize,
    says: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        static SOURCE: [u8; 100_000] = [7; 100_000];
        let Some(left) = self.left.checked_sub(1) else { return Poll::Ready(None) };
        self.left = left;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&SOURCE[..self.size])))))
    }

    fn size_hint(&self) -> SizeHint {
        if self.says { SizeHint::with_exact((self.left * self.size) as u64) } else { SizeHint::new() }
    }
}

/// One that says that it is empty, and is not.
struct SaysWrong(Pieces);

impl Body for SaysWrong {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}

/// Reads it to its end; how much that is.
fn drain<B>(body: &mut B) -> usize
where
    B: Body<Data = Bytes, Error: std::fmt::Debug> + Unpin,
{
    let mut size = 0;
    while let Poll::Ready(Some(frame)) = Pin::new(&mut *body).poll_frame(&mut Context::from_waker(noop_waker_ref())) {
        size += frame.unwrap().data_ref().map_or(0, Bytes::len);
    }
    size
}

#[test]
fn a_held_body_allocates_nothing() {
    let (bulkhead, breaker) = (Bulkhead::new("t", 1), CircuitBreaker::new("t"));
    let inner = || {
        service_fn(|()| {
            future::ready(Ok::<_, Error<io::Error>>(Response::new(Pieces { left: 3, size: 10, says: true })))
        })
    };
    let mut service = hold_body(bulkhead.layer()).layer(hold_body(breaker.layer()).layer(inner()));
    let mut call = || {
        let response = service.ready().now_or_never().unwrap().unwrap().call(()).now_or_never().unwrap().unwrap();
        assert!(response.body().is_held() && response.body().get_ref().is_held());
        drain(&mut response.into_body())
    };
    assert_eq!(call(), 30);
    // The head of a response has a list of fields, which is empty; the breaker may set up what is for all calls.
    assert_eq!(allocations(call), 0);
}

#[test]
fn a_replayed_body_allocates_nothing_where_it_is_empty_and_little_where_it_is_small() {
    assert_eq!(allocations(|| ReplayBody::new(Empty::<Bytes>::new(), 100).try_clone().unwrap()), 0);
    let small = || ReplayBody::new(Full::new(Bytes::from_static(b"abc")), 100);
    assert_eq!(allocations(small), 2, "what is shared, and the body");
    assert_eq!(allocations(|| small().try_clone()), 2);
    assert_eq!(
        allocations(|| ReplayBody::new(Pieces { left: 9, size: 9, says: true }, 80)),
        1,
        "a body that is not kept"
    );
    let once = allocations(|| {
        let mut body = small();
        let copy = body.try_clone();
        drain(&mut body);
        copy
    });
    assert_eq!(once, 3, "and what is kept");
    let alone = allocations(|| drain(&mut small()));
    assert_eq!(alone, 2, "nothing is kept for nobody");
}

#[test]
fn what_is_kept_is_never_more_than_the_cap() {
    const CAP: usize = 64 * 1024;
    // The shared part, the list of pieces, and what a piece's reference count takes.
    const BESIDE: usize = 2048;
    for says in [false, true] {
        for size in [1, 7, 100, 4096, 5000, CAP / 2, CAP - 1, CAP] {
            for (left, is_kept) in [(CAP / size, true), (CAP / size + 1, false)] {
                let room = peak(|| {
                    let mut body = ReplayBody::new(Pieces { left, size, says }, CAP);
                    let copy = body.try_clone();
                    assert_eq!(drain(&mut body), left * size);
                    let mut copy = copy.filter(ReplayBody::is_whole);
                    assert_eq!(copy.is_some(), is_kept, "{left} of {size}");
                    if let Some(copy) = &mut copy {
                        assert_eq!(drain(copy), left * size);
                    }
                });
                assert!(room as usize <= CAP + BESIDE, "{left} of {size}: {room}");
            }
        }
    }
    // It says that nothing follows, each time.
    let says_wrong = peak(|| {
        let mut body = ReplayBody::new(SaysWrong(Pieces { left: CAP, size: 1, says: false }), CAP);
        let copy = body.try_clone();
        drain(&mut body);
        assert!(copy.is_some_and(|copy| copy.is_whole()));
    });
    assert!(says_wrong as usize <= CAP + BESIDE, "{says_wrong}");
    let small = peak(|| {
        let mut body = ReplayBody::new(Pieces { left: 2, size: 10, says: true }, CAP);
        let copy = body.try_clone();
        drain(&mut body);
        copy
    });
    assert!(small <= 600, "{small}: no more than is needed is asked for where the size is known");
}

// ===== sizes =====

#[test]
fn what_is_added_is_small() {
    let bulkhead = Bulkhead::new("t", 10);
    let held = |body: Full<Bytes>| {
        let inner = service_fn(move |()| future::ready(Ok::<_, Error<io::Error>>(Response::new(body.clone()))));
        let mut service = hold_body(bulkhead.layer()).layer(inner);
        service.call(()).now_or_never().unwrap().unwrap().into_body()
    };
    assert!(size_of_val(&held(Full::default())) <= size_of::<Full<Bytes>>() + 40);
    assert!(size_of::<ReplayBody<Full<Bytes>>>() <= 72, "{}", size_of::<ReplayBody<Full<Bytes>>>());
}
