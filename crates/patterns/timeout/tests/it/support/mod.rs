//! What several of these tests set up.

use std::{future::Future, time::Duration};

use seawall_core::{
    Error, Rejection, TimedOut,
    time::{ManualClock, Timer},
};
use seawall_timeout::{EventKind, Timeout, TimeoutLimit};
use tokio_test::task::{self, Spawn};
use tower::{Layer, Service};

pub(crate) use seawall_testkit::{
    Boxed,
    call::{OnDrop, hangs_until_dropped, steps, until_told},
    clock::ProbeClock as Probe,
    log::Log,
    panics::panic_message as panic_words,
    reply::{FAILED, Failed, Reply, flat},
    time::{MILLISECOND, SECOND, TICK, YEAR, ms, some_day},
};
use seawall_testkit::{call::flattened, service::Once};

pub(crate) type Manual = Timeout<Duration, ManualClock>;

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

/// The ways to make a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Execute,
    Call,
    Service,
}

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
            Self::Execute => Box::pin(flattened(timeout.execute(f))),
            Self::Call => Box::pin(timeout.call(f)),
            Self::Service => Box::pin(timeout.layer().layer(Once::new(f)).call(())),
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
