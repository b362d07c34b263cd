//! Who is measured: each breaker behind the same body, "make this call `n` times".
//!
//! A contender makes one body per thread, over one breaker. The inner operation answers at once and is the same
//! for all; what a body measures is thus the breaker.

use std::fmt;
use std::future::{Ready, poll_fn, ready};
use std::hint::black_box;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tower::Service;

pub mod bare;
pub mod failsafe;
pub mod machine;
pub mod recloser;
pub mod seatbelt;
pub mod seawall;
pub mod tower_resilience;

/// Runs a body the given number of times. The loop is inside, so the one dynamic call is paid per batch.
pub type Run = Box<dyn FnMut(u64) + Send>;

/// Makes that many bodies over one new breaker, a body for each thread.
pub type Make = Box<dyn Fn(usize) -> Vec<Run>>;

/// What the inner operation answers.
pub trait Answer: Copy + fmt::Debug + Send + Sync + 'static {
    /// Whether the guarded result is moved once more before it is looked at, as by a function that returns it.
    const MOVED: bool = false;

    /// The answer to this request. The request decides, so that it does not matter which clone of a service is asked.
    fn answer(request: u64) -> Result<u64, Fault>;
}

/// Every call succeeds.
#[derive(Clone, Copy, Debug)]
pub struct AlwaysOk;

impl Answer for AlwaysOk {
    fn answer(request: u64) -> Result<u64, Fault> {
        // A comparison that the compiler cannot see through: the result is not known beforehand, and as it is in
        // registers nobody waits for a store to reach a load of another width, which costs 8 ns.
        if black_box(request) == NEVER { Err(Fault::Failed) } else { Ok(request) }
    }
}

/// Every call succeeds, and its result is moved on: what the size of an error type costs calls that succeed.
#[derive(Clone, Copy, Debug)]
pub struct AlwaysOkMoved;

impl Answer for AlwaysOkMoved {
    const MOVED: bool = true;

    fn answer(request: u64) -> Result<u64, Fault> {
        AlwaysOk::answer(request)
    }
}

/// Odd requests fail.
#[derive(Clone, Copy, Debug)]
pub struct OddFails;

impl Answer for OddFails {
    fn answer(request: u64) -> Result<u64, Fault> {
        if black_box(request) % 2 == 0 { Ok(request) } else { Err(Fault::Failed) }
    }
}

/// An error of the inner operation; or a refusal, of those peers whose error type is that of the operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The operation was made, and failed.
    Failed,
    /// The operation was not made.
    Refused,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Failed => "failed",
            Fault::Refused => "refused",
        })
    }
}

impl std::error::Error for Fault {}

/// An error that can tell a refusal from a failure.
pub trait Refusal {
    /// Whether the breaker refused the call.
    fn refused(&self) -> bool;
}

impl Refusal for Fault {
    fn refused(&self) -> bool {
        *self == Fault::Refused
    }
}

/// The inner operation as a tower service: always ready, its futures too.
#[derive(Debug)]
pub struct Echo<A>(PhantomData<A>);

impl<A> Echo<A> {
    /// The service.
    #[must_use]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<A> Default for Echo<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> Clone for Echo<A> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<A: Answer> Service<u64> for Echo<A> {
    type Response = u64;
    type Error = Fault;
    type Future = Ready<Result<u64, Fault>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        ready(A::answer(request))
    }
}

/// Looks at the results of a batch: in place, unless the [`Answer`] says otherwise, as to move a result costs the more
/// the larger its error type is.
#[derive(Debug, Default)]
pub struct Seen {
    refused: u64,
}

impl Seen {
    /// The result of a plain call.
    #[inline(always)]
    pub fn result<A: Answer, E: Refusal>(&mut self, call: impl FnOnce() -> Result<u64, E>) {
        if A::MOVED {
            self.look(&black_box(call()));
        } else {
            self.look(&call());
        }
    }

    /// The result of a future, which is polled by hand: it is ready at once, and needs no runtime. It comes pinned where
    /// it was made, as to move it would be a cost of the harness.
    #[inline(always)]
    pub fn future<A: Answer, E: Refusal>(&mut self, mut future: Pin<&mut impl Future<Output = Result<u64, E>>>) {
        let poll = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if A::MOVED {
            match poll {
                Poll::Ready(result) => self.look(&black_box(result)),
                Poll::Pending => self.look(&wait(future)),
            }
        } else {
            match &poll {
                Poll::Ready(result) => self.look(result),
                Poll::Pending => self.look(&wait(future)),
            }
        }
    }

    #[inline(always)]
    fn look<E: Refusal>(&mut self, result: &Result<u64, E>) {
        self.refused += u64::from(matches!(black_box(result), Err(error) if error.refused()));
    }

    /// The result of a service: made ready, and called.
    #[inline(always)]
    pub fn service<A: Answer, S>(&mut self, service: &mut S, request: u64)
    where
        S: Service<u64, Response = u64, Error: Refusal>,
    {
        match &service.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => self.future::<A, _>(pin!(service.call(request))),
            Poll::Ready(Err(_)) => unreachable!("no contender's readiness fails"),
            Poll::Pending => {
                wait(pin!(poll_fn(|cx| service.poll_ready(cx)))).ok().expect("no contender's readiness fails");
                self.future::<A, _>(pin!(service.call(request)));
            }
        }
    }
}

/// A body whose calls must all get through to the operation.
pub fn served(mut call: impl FnMut(u64, &mut Seen) + Send + 'static) -> Run {
    Box::new(move |calls| {
        let refused = repeat(&mut call, calls);
        assert_eq!(refused, 0, "a breaker opened while it was measured");
    })
}

/// A body whose calls must all be refused. As many fail first as it takes to open the breaker.
pub fn refused(mut call: impl FnMut(u64, &mut Seen) + Send + 'static) -> Run {
    let mut seen = Seen::default();
    for _ in 0..ENOUGH_TO_OPEN {
        call(1, &mut seen);
    }
    Box::new(move |calls| {
        let refused = repeat(&mut call, calls);
        assert_eq!(refused, calls, "a breaker was not open while it was measured");
    })
}

/// How many of the calls were refused.
#[inline(always)]
fn repeat(call: &mut impl FnMut(u64, &mut Seen), calls: u64) -> u64 {
    let mut seen = Seen::default();
    for request in 0..calls {
        call(request, &mut seen);
    }
    seen.refused
}

/// Two threads at an asynchronous mutex: the one that comes second has to wait.
#[cold]
fn wait<F: Future>(mut future: Pin<&mut F>) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

const ENOUGH_TO_OPEN: u32 = 100;

/// No loop gets that far.
const NEVER: u64 = u64::MAX;
