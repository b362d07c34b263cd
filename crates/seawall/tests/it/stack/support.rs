//! The shared set-up of these tests.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::{self, Future},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use seawall::{Budget, CircuitBreaker, Error, Rejection, Retry, Trip, retry};
pub(crate) use seawall_testkit::time::exactly;
use tokio::time::{self, Instant};
use tower::Service;

pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The error of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

/// The result of a call through a stack: the number of the call that answered.
pub(crate) type Reply = Result<u32, Error<Failed>>;

pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;

// ===== the callee =====

/// The callee's reaction to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    /// After so many milliseconds.
    Answers(u64),
    /// After so many milliseconds.
    Fails(u64),
    Hangs,
}

/// A callee with a script, shared by its clones. The script's last line is valid for all further calls.
#[derive(Debug, Clone)]
pub(crate) struct Callee(Rc<Calls>);

#[derive(Debug)]
struct Calls {
    script: RefCell<VecDeque<Does>>,
    /// When each call came, counted from when the callee was made.
    came: RefCell<Vec<Duration>>,
    since: Instant,
    in_flight: Cell<usize>,
}

struct InFlight(Rc<Calls>);

impl Callee {
    pub(crate) fn new(script: impl IntoIterator<Item = Does>) -> Self {
        let script = RefCell::new(script.into_iter().collect());
        Self(Rc::new(Calls { script, came: RefCell::default(), since: Instant::now(), in_flight: Cell::new(0) }))
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.came.borrow().len()
    }

    /// When each call came, in milliseconds.
    pub(crate) fn came(&self) -> Vec<u128> {
        self.0.came.borrow().iter().map(Duration::as_millis).collect()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.0.in_flight.get()
    }

    pub(crate) fn send(&self) -> Boxed<Result<u32, Failed>> {
        let Calls { script, came, since, in_flight } = &*self.0;
        came.borrow_mut().push(since.elapsed());
        in_flight.set(in_flight.get() + 1);
        let (number, in_flight) = (came.borrow().len() as u32, InFlight(self.0.clone()));
        let mut script = script.borrow_mut();
        let does = if script.len() > 1 { script.pop_front() } else { script.front().copied() }.unwrap();
        Box::pin(async move {
            let _in_flight = in_flight;
            match does {
                Does::Hangs => future::pending().await,
                Does::Answers(0) | Does::Fails(0) => {}
                Does::Answers(millis) | Does::Fails(millis) => time::sleep(Duration::from_millis(millis)).await,
            }
            if let Does::Fails(_) = does { Err(Failed) } else { Ok(number) }
        })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get() - 1);
    }
}

impl<R> Service<R> for Callee {
    type Response = u32;
    type Error = Failed;
    type Future = Boxed<Result<u32, Failed>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: R) -> Self::Future {
        self.send()
    }
}

// ===== calls =====

/// The two ways to make a call through a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Plain,
    Service,
}

impl Way {
    pub(crate) const BOTH: [Self; 2] = [Self::Plain, Self::Service];
}

/// Makes a call. A macro, because the bounds of a function for any stack would be longer than all tests.
macro_rules! send {
    ($way:expr, $stack:expr, $callee:expr) => {{
        let (stack, callee) = ($stack.clone(), $callee.clone());
        let way: $crate::stack::support::Way = $way;
        let sent: $crate::stack::support::Boxed<$crate::stack::support::Reply> = Box::pin(async move {
            match way {
                $crate::stack::support::Way::Plain => stack.execute(|| callee.send()).await,
                $crate::stack::support::Way::Service => {
                    tower::ServiceExt::oneshot(tower::Layer::layer(&stack.layer().clone_all(), callee), ()).await
                }
            }
        });
        sent
    }};
}
pub(crate) use send;

/// Returns a reply in words.
pub(crate) fn words(reply: &Reply) -> &'static str {
    match reply {
        Ok(_) => "answered",
        Err(Error::Inner(Failed)) => "failed",
        Err(Error::Rejected(Rejection::TimedOut(timed_out))) if timed_out.is_by_deadline() => "out of time",
        Err(Error::Rejected(rejection)) => rejection.kind(),
    }
}

/// Waits for a call, for at most a day.
pub(crate) async fn some_day<F: Future>(future: F) -> F::Output {
    time::timeout(Duration::from_secs(86_400), future).await.expect("it ends some day")
}

// ===== policies =====

/// Three attempts, a second between them, without a budget.
pub(crate) fn three() -> retry::Builder {
    Retry::builder("three").backoff(exactly(SECOND)).budget(Budget::unlimited()).max_rejection_wait(60 * SECOND)
}

/// A circuit that opens for five seconds after `failures` failures.
pub(crate) fn trips_at(failures: u32) -> CircuitBreaker {
    CircuitBreaker::builder("breaker").trip(Trip::consecutive(failures)).open_for(exactly(5 * SECOND)).build()
}

/// A circuit that is open from now on, for five seconds.
pub(crate) fn open() -> CircuitBreaker {
    let breaker = trips_at(1);
    breaker.try_acquire().unwrap().failure();
    breaker
}
