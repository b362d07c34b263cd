//! What several of these tests set up.

use std::{
    any::Any,
    cell::Cell,
    future::{self, Future},
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt, channel::oneshot};
use seawall_bulkhead::{Builder, Bulkhead, Event, EventKind, Reason};
use seawall_core::{
    Error, Rejection,
    time::{Clock, ManualClock, Timer},
};
use tokio_test::task::{self, Spawn};
use tower::{Layer, Service, ServiceExt};

pub(crate) type Manual = Bulkhead<ManualClock>;

pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const TICK: Duration = Duration::from_nanos(1);
pub(crate) const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The error of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

/// What the calls of these tests come to.
pub(crate) type Reply = Result<(), Error<Failed>>;

/// A refusal is `Err(Error::Rejected(_))`, this is a call that ran.
pub(crate) const FAILED: Reply = Err(Error::Inner(Failed));

// ===== bulkheads =====

/// With so many slots, and no queue.
pub(crate) fn plain(slots: usize) -> Builder<ManualClock> {
    Bulkhead::builder("plain", slots).clock(ManualClock::new())
}

/// With so many slots, and a queue for all who come.
pub(crate) fn queued(slots: usize) -> Builder<ManualClock> {
    Bulkhead::builder("queued", slots).clock(ManualClock::new()).max_queued(usize::MAX)
}

/// That nothing of it is taken, and nobody waits.
#[track_caller]
pub(crate) fn assert_idle<K: Clock>(bulkhead: &Bulkhead<K>) {
    let found = (bulkhead.in_flight(), bulkhead.queued(), bulkhead.available());
    assert_eq!(found, (0, 0, bulkhead.max_concurrent()), "in flight, queued, available");
}

/// A log of what an observer saw.
pub(crate) type Log<T> = Arc<Mutex<Vec<T>>>;

/// Logs what `f` makes of the bulkhead's events.
pub(crate) fn log<K: Clock, T: Send + 'static>(
    bulkhead: &Bulkhead<K>,
    f: impl Fn(&Event) -> Option<T> + Send + Sync + 'static,
) -> Log<T> {
    let log = Log::default();
    let seen = log.clone();
    bulkhead.on_event(move |event| {
        let logged = f(event);
        seen.lock().unwrap().extend(logged);
    });
    log
}

/// Logs why calls are refused.
pub(crate) fn log_refusals<K: Clock>(bulkhead: &Bulkhead<K>) -> Log<Reason> {
    log(bulkhead, |event| match event.kind() {
        EventKind::Rejected(rejection) => Some(reason(rejection)),
        _ => None,
    })
}

// ===== refusals =====

pub(crate) fn reason(rejection: &Rejection) -> Reason {
    match rejection {
        Rejection::BulkheadFull(full) => full.reason(),
        other => panic!("{other}"),
    }
}

/// Why a call was refused; `None` if it ran.
pub(crate) fn refused<T, E>(reply: &Result<T, Error<E>>) -> Option<Reason> {
    match reply {
        Err(Error::Rejected(rejection)) => Some(reason(rejection)),
        _ => None,
    }
}

// ===== calls =====

/// Is pending for so many polls, and ends with `end` in the one after.
pub(crate) fn steps<T>(pending: u32, end: impl FnOnce() -> T) -> impl Future<Output = T> {
    let (mut left, mut end) = (pending, Some(end));
    future::poll_fn(move |_| match left.checked_sub(1) {
        Some(fewer) => {
            left = fewer;
            Poll::Pending
        }
        None => Poll::Ready(end.take().expect("it is polled after its end")()),
    })
}

/// A call that ends when it is told to; it is told by a sender that is dropped, too.
pub(crate) fn until_told() -> (oneshot::Sender<()>, impl Future<Output = Reply> + Send + 'static) {
    let (tell, told) = oneshot::channel();
    (tell, told.map(|_| Ok(())))
}

/// The ways to make a call that is a future, and may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Execute,
    Call,
    /// A permit, and the call while it is held.
    Acquire,
    /// A service, made ready and called.
    Service,
}

pub(crate) type Boxed<'a> = Pin<Box<dyn Future<Output = Reply> + 'a>>;

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Execute, Self::Call, Self::Acquire, Self::Service];

    /// Makes a call. The last two ask with their first poll only.
    pub(crate) fn start<'a, K, F>(self, bulkhead: &Bulkhead<K>, f: impl FnOnce() -> F + 'a) -> Boxed<'a>
    where
        K: Timer + Send + Sync + 'static,
        F: Future<Output = Reply> + 'a,
    {
        match self {
            Self::Execute => bulkhead.execute(f).map(flat).boxed_local(),
            Self::Call => bulkhead.call(f).boxed_local(),
            Self::Acquire => {
                let bulkhead = bulkhead.clone();
                let call = async move {
                    let _permit = bulkhead.acquire().await.map_err(Error::Rejected)?;
                    f().await
                };
                call.boxed_local()
            }
            Self::Service => bulkhead.layer().layer(Once(Rc::new(Cell::new(Some(f))))).oneshot(()).boxed_local(),
        }
    }

    /// Makes a call, and polls it once.
    pub(crate) fn begin<'a, K, F>(self, bulkhead: &Bulkhead<K>, f: impl FnOnce() -> F + 'a) -> Spawn<Boxed<'a>>
    where
        K: Timer + Send + Sync + 'static,
        F: Future<Output = Reply> + 'a,
    {
        let mut call = task::spawn(self.start(bulkhead, f));
        assert!(call.poll().is_pending(), "{self:?}");
        call
    }
}

/// As `execute` answers, without the second layer.
pub(crate) fn flat(reply: Result<(), Error<Error<Failed>>>) -> Reply {
    match reply {
        Err(Error::Inner(error)) => Err(error),
        Err(Error::Rejected(rejection)) => Err(Error::Rejected(rejection)),
        Ok(()) => Ok(()),
    }
}

/// A service that takes one request, by any of its clones.
struct Once<F>(Rc<Cell<Option<F>>>);

impl<F> Clone for Once<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: FnOnce() -> T, T: Future<Output = Reply>> Service<()> for Once<F> {
    type Response = ();
    type Error = Error<Failed>;
    type Future = T;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Reply> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> T {
        self.0.take().expect("it is called once")()
    }
}

/// What `future` comes to. With time that is paused, one that would wait for ever fails instead.
pub(crate) async fn some_day<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(YEAR, future).await.expect("it goes on")
}

// ===== chance =====

/// The generator of Knuth's MMIX; its upper bits are the good ones.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

// ===== panics =====

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
