//! What several of these tests set up.

mod probe;

use std::{
    any::Any,
    future::{self, Future},
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt, channel::oneshot};
use seawall_core::{
    Error, Rejection, TimedOut,
    time::{ManualClock, Timer},
};
use seawall_timeout::{EventKind, Timeout, TimeoutLimit};
use tokio_test::task::{self, Spawn};
use tower::{Layer, Service};

pub(crate) use probe::Probe;

pub(crate) type Manual = Timeout<Duration, ManualClock>;

pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const TICK: Duration = Duration::from_nanos(1);
pub(crate) const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The error of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

/// What the calls of these tests come to.
pub(crate) type Reply = Result<(), Error<Failed>>;

/// This is a call that ran; one that was cut off is `Err(Error::Rejected(_))`.
pub(crate) const FAILED: Reply = Err(Error::Inner(Failed));

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

// ===== timeouts =====

/// A timeout whose clock stands still, and that clock.
pub(crate) fn manual(limit: Duration) -> (Manual, ManualClock) {
    let clock = ManualClock::new();
    (Timeout::builder("manual", limit).clock(clock.clone()).build(), clock)
}

/// A timeout that goes by `probe`.
pub(crate) fn probed(limit: Duration) -> (Timeout<Duration, Probe>, Probe) {
    let probe = Probe::default();
    (Timeout::builder("probed", limit).clock(probe.clone()).build(), probe)
}

/// A log of what an observer saw.
pub(crate) type Log<T> = Arc<Mutex<Vec<T>>>;

/// A timeout that logs what it tells of.
pub(crate) fn logged(limit: Duration) -> (Manual, ManualClock, Log<TimedOut>) {
    let (clock, log) = (ManualClock::new(), Log::default());
    let seen = log.clone();
    let builder = Timeout::builder("logged", limit).clock(clock.clone()).on_event(move |event| {
        assert_eq!(event.policy(), "logged");
        match event.kind() {
            EventKind::TimedOut(timed_out) => seen.lock().unwrap().push(timed_out.clone()),
            other => panic!("{other:?}"),
        }
    });
    (builder.build(), clock, log)
}

// ===== rejections =====

pub(crate) fn timed_out(rejection: &Rejection) -> &TimedOut {
    match rejection {
        Rejection::TimedOut(timed_out) => timed_out,
        other => panic!("{other}"),
    }
}

/// How a call was cut off; `None` if it ended by itself.
pub(crate) fn cut_off<T, E>(reply: &Result<T, Error<E>>) -> Option<&TimedOut> {
    match reply {
        Err(Error::Rejected(rejection)) => Some(timed_out(rejection)),
        _ => None,
    }
}

/// What a rejection says: the limit, how long the call ran, and whether a deadline cut it off.
pub(crate) fn words<T, E>(reply: &Result<T, Error<E>>) -> Option<(Duration, Duration, bool)> {
    cut_off(reply).map(|cut| (cut.limit(), cut.elapsed(), cut.is_by_deadline()))
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

/// Does `f` when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A call that hangs, and does `f` when it is dropped.
pub(crate) fn hangs_until_dropped(f: impl FnMut()) -> impl Future<Output = Reply> {
    let dropped = OnDrop(f);
    async move {
        let _dropped = dropped;
        future::pending().await
    }
}

/// The ways to make a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Execute,
    Call,
    Service,
}

pub(crate) type Boxed<'a> = Pin<Box<dyn Future<Output = Reply> + 'a>>;

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Execute, Self::Call, Self::Service];

    /// Makes a call; `f` runs in here.
    pub(crate) fn start<'a, L, K, F>(self, timeout: &Timeout<L, K>, f: impl FnOnce() -> F) -> Boxed<'a>
    where
        L: TimeoutLimit<()> + Clone,
        L::LatencySink: 'a,
        K: Timer + Clone + 'a,
        F: Future<Output = Reply> + 'a,
    {
        match self {
            Self::Execute => {
                // Not by `map`, which drops the future when it ends: it must live on to show what it holds.
                let mut call = Box::pin(timeout.execute(f));
                Box::pin(future::poll_fn(move |cx| call.as_mut().poll(cx).map(flat)))
            }
            Self::Call => Box::pin(timeout.call(f)),
            Self::Service => Box::pin(timeout.layer().layer(Once(Some(f))).call(())),
        }
    }

    /// Makes a call, and polls it once.
    pub(crate) fn begin<'a, L, K, F>(self, timeout: &Timeout<L, K>, f: impl FnOnce() -> F) -> Spawn<Boxed<'a>>
    where
        L: TimeoutLimit<()> + Clone,
        L::LatencySink: 'a,
        K: Timer + Clone + 'a,
        F: Future<Output = Reply> + 'a,
    {
        let mut call = task::spawn(self.start(timeout, f));
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

/// A service that takes one request.
struct Once<F>(Option<F>);

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

// ===== panics =====

/// The words with which `f` panics; `None` if it does not.
pub(crate) fn panic_words<T>(f: impl FnOnce() -> T) -> Option<String> {
    panic::catch_unwind(AssertUnwindSafe(f)).err().map(spoken)
}

fn spoken(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(words) => *words,
        Err(payload) => payload.downcast_ref::<&str>().map_or("something else", |words| words).to_owned(),
    }
}
