//! What several of these tests set up.

use std::future::Future;

use futures::FutureExt;
use seawall_bulkhead::{Builder, Bulkhead, Event, EventKind, Reason};
use seawall_core::{
    Error, Rejection,
    time::{Clock, ManualClock, Timer},
};
use tokio_test::task::{self, Spawn};
use tower::{Layer, ServiceExt};

use seawall_testkit::{call::flattened, service::Callee};

pub(crate) use seawall_testkit::{
    Boxed,
    call::{steps, until_told},
    chance::Chance,
    log::Log,
    panics::panic_message as panic_words,
    reply::{FAILED, Failed, Reply, flat},
    time::{MILLISECOND, SECOND, TICK, YEAR, some_day},
};

pub(crate) type Manual = Bulkhead<ManualClock>;

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

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Execute, Self::Call, Self::Acquire, Self::Service];

    /// Makes a call. The last two ask with their first poll only.
    pub(crate) fn start<'a, K, F>(self, bulkhead: &Bulkhead<K>, f: impl FnOnce() -> F + 'a) -> Boxed<'a>
    where
        K: Timer + Send + Sync + 'static,
        F: Future<Output = Reply> + 'a,
    {
        match self {
            Self::Execute => flattened(bulkhead.execute(f)).boxed_local(),
            Self::Call => bulkhead.call(f).boxed_local(),
            Self::Acquire => {
                let bulkhead = bulkhead.clone();
                let call = async move {
                    let _permit = bulkhead.acquire().await.map_err(Error::Rejected)?;
                    f().await
                };
                call.boxed_local()
            }
            Self::Service => {
                let mut once = Some(f);
                let callee = Callee::new(move || once.take().expect("the service is called once")());
                bulkhead.layer().layer(callee).oneshot(()).boxed_local()
            }
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
