//! The loop around a call, and the look at what comes of it.

use std::future::poll_fn;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tower::Service;

use super::{Answer, Refusal, Run};

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

    /// A call made between the permit that a future gives and its end.
    #[inline(always)]
    pub fn permit<A: Answer, P, E>(&mut self, mut permit: Pin<&mut impl Future<Output = Result<P, E>>>, request: u64) {
        let granted = match permit.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(granted) => granted,
            Poll::Pending => wait(permit),
        };
        match &granted {
            Ok(_permit) => self.result::<A, _>(|| A::answer(request)),
            Err(error) => self.refusal(error),
        }
    }

    /// What came in place of leave to make a call.
    #[inline(always)]
    pub fn refusal<E>(&mut self, refusal: &E) {
        black_box(refusal);
        self.refused += 1;
    }

    /// The result of a future that is awaited.
    #[inline(always)]
    pub async fn awaited<E: Refusal>(&mut self, future: impl Future<Output = Result<u64, E>>) {
        self.look(&future.await);
    }

    /// The result of a service: made ready, called, and awaited.
    #[inline(always)]
    pub async fn awaited_service<S>(&mut self, service: &mut S, request: u64)
    where
        S: Service<u64, Response = u64, Error: Refusal>,
    {
        poll_fn(|cx| service.poll_ready(cx)).await.ok().expect("no contender's readiness fails");
        self.look(&service.call(request).await);
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
    Box::new(move |calls| all_served(repeat(&mut call, calls)))
}

/// So many calls, one after the other, which must all get through.
pub(super) async fn serve_awaited(call: &mut impl AsyncFnMut(u64, &mut Seen), calls: u64) {
    let mut seen = Seen::default();
    for request in 0..calls {
        call(request, &mut seen).await;
    }
    all_served(seen.refused);
}

fn all_served(refused: u64) {
    assert_eq!(refused, 0, "a call was refused that should be served");
}

/// A body whose calls must all be refused. First come as many as it takes to open a breaker, or to use up a quota.
pub fn refused(mut call: impl FnMut(u64, &mut Seen) + Send + 'static) -> Run {
    let mut seen = Seen::default();
    for _ in 0..ENOUGH {
        call(1, &mut seen);
    }
    Box::new(move |calls| {
        let refused = repeat(&mut call, calls);
        assert_eq!(refused, calls, "a call was served that should be refused");
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

const ENOUGH: u32 = 100;
