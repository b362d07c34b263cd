//! A retry as a subject of the suites that every policy passes.

use std::{
    fmt::Display,
    future::{self, Future},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::Context,
    time::Duration,
};

use crate::support::{Way, exactly, free, quick};
use futures::{FutureExt, future::BoxFuture, task::noop_waker_ref};
use seawall_core::{Budget, Error, Name};
use seawall_retry::{Builder, ByOutcome, CloneAll, Event, EventKind, NoHint, Plan, Retry, RetryService};
use seawall_testkit::{
    Boxed, FutureSize, Inner, Kinds, Observed, Run, Subject, Tally,
    call::OfWords,
    clock::LeapingClock,
    kinds,
    reply::{FAILED, Failed, Reply},
    service::Callee,
    time::{SECOND, YEAR},
};
use tower::{Layer, Service, ServiceExt, service_fn};

pub(crate) type Leaping = Retry<Plan, LeapingClock>;

type Unbuilt = Builder<ByOutcome, NoHint, LeapingClock>;
type Change = fn(Unbuilt) -> Unbuilt;

/// Makes up to three attempts, without a wait between them. Its budget gets no deposit, and pays for each attempt after the
/// first with what the test has saved.
#[derive(Clone)]
pub(crate) struct Retried {
    pub(crate) retry: Leaping,
    clock: LeapingClock,
    /// What an observer has heard; `None` if the retry has no observer.
    heard: Option<Arc<Heard>>,
}

/// How many events of each kind an observer has heard.
#[derive(Default)]
struct Heard {
    retrying: AtomicU32,
    recovered: AtomicU32,
    gave_up: AtomicU32,
}

const SAVED: u32 = 90;

impl Retried {
    fn build(change: impl FnOnce(Unbuilt) -> Unbuilt) -> Self {
        let clock = LeapingClock::default();
        Self { retry: change(quick().clock(clock.clone()).budget(saved())).build(), clock, heard: None }
    }

    /// A retry with an observer that counts the events.
    fn observed() -> Self {
        let heard = Arc::new(Heard::default());
        let hears = heard.clone();
        Self { heard: Some(heard), ..Self::build(|builder| builder.on_event(move |event| hears.hear(event))) }
    }
}

impl Heard {
    fn hear(&self, event: &Event) {
        let count = match event.kind() {
            EventKind::Retrying { .. } => &self.retrying,
            EventKind::Recovered { .. } => &self.recovered,
            _ => &self.gave_up,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Attempts that were scheduled, calls that recovered, and calls that gave up.
    fn counts(&self) -> (u32, u32, u32) {
        let [retrying, recovered, gave_up] =
            [&self.retrying, &self.recovered, &self.gave_up].map(|count| count.load(Ordering::Relaxed));
        (retrying, recovered, gave_up)
    }
}

/// A budget that gets nothing but what a call gives back.
fn saved() -> Budget {
    let budget = Budget::ratio(0.0).floor(0).burst(SAVED);
    (0..SAVED).for_each(|_| budget.refund());
    budget
}

/// Returns the result of each attempt of a call.
fn serve(reply: Reply) -> impl FnMut() -> future::Ready<Reply> + Clone {
    move || future::ready(reply.clone())
}

impl Subject for Retried {
    type Way = Way;
    type Guarded<S: Inner> = RetryService<S, Plan, LeapingClock, CloneAll>;

    const WAYS: &'static [Way] = &Way::ALL;

    const RUNS: &'static [(&'static str, Run<Self>)] = &[
        ("execute", |it, reply| it.retry.execute(serve(reply)).now_or_never().unwrap()),
        ("execute_with", |it, reply| it.retry.execute_with(|_| future::ready(reply.clone())).now_or_never().unwrap()),
        ("call", |it, reply| it.retry.call(serve(reply)).now_or_never().unwrap()),
        ("call_with", |it, reply| it.retry.call_with(|_| future::ready(reply.clone())).now_or_never().unwrap()),
        ("execute_blocking", |it, reply| it.retry.execute_blocking(|| reply.clone())),
        ("service", |it, reply| {
            let mut service = it.retry.layer().clone_all().layer(service_fn(|reply: Reply| future::ready(reply)));
            assert!(service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready());
            service.call(reply).now_or_never().unwrap()
        }),
        ("service for any error", |it, reply| {
            let mut service =
                it.retry.layer().clone_all().any_error().layer(service_fn(|reply: Reply| future::ready(reply)));
            assert!(service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready());
            service.call(reply).now_or_never().unwrap()
        }),
    ];

    fn admitting() -> Kinds<Self> {
        kinds([("not observed", Self::build(|builder| builder)), ("observed", Self::observed())])
    }

    fn extremes() -> Kinds<Self> {
        let max = Duration::MAX;
        kinds([
            ("a single attempt", Self::build(|builder| builder.max_attempts(1))),
            ("as many attempts as there can be", Self::build(|builder| builder.max_attempts(u32::MAX))),
            ("a year between attempts", Self::build(|builder| builder.backoff(exactly(YEAR)))),
            ("a wait of all time", Self::build(|builder| builder.backoff(exactly(max)))),
            ("no time for a call", Self::build(|builder| builder.max_elapsed(Duration::ZERO))),
            ("all time for a call", Self::build(|builder| builder.max_elapsed(max).backoff(exactly(SECOND)))),
            ("an attempt that needs all time", Self::build(|builder| builder.min_useful(max))),
            ("an empty budget", Self::build(|builder| builder.budget(Budget::ratio(0.0).floor(0)))),
            ("the largest floor", Self::build(|builder| builder.budget(Budget::ratio(0.0).floor(u32::MAX)))),
        ])
    }

    fn footprints() -> Kinds<Self> {
        let builds: [(&str, Change); 5] = [
            ("no budget", |builder| builder.budget(Budget::unlimited())),
            ("the default budget", |builder| builder.budget(Budget::default())),
            ("an empty budget", |builder| builder.budget(Budget::ratio(0.0).floor(0))),
            ("observed", |builder| builder.budget(Budget::unlimited()).on_event(|_| {})),
            ("limited in time", |builder| builder.budget(Budget::unlimited()).max_elapsed(SECOND)),
        ];
        let mut all = Vec::new();
        for (kind, change) in builds {
            for name in ["t".into(), Name::from(String::from("t"))] {
                let (kind, clock) = (format!("{kind}, {name:?}"), LeapingClock::default());
                let builder = Retry::builder(name).backoff(Duration::ZERO).clock(clock.clone());
                all.push((kind, Self { retry: change(builder).build(), clock, heard: None }));
            }
        }
        all
    }

    fn start<'a, F>(&'a self, way: Way, operation: impl FnMut() -> F + 'a) -> Boxed<'a>
    where
        F: Future<Output = Reply> + 'a,
    {
        way.start(&self.retry, operation)
    }

    fn spawnable<F>(&self, way: Way, mut operation: impl FnMut() -> F + Send + 'static) -> BoxFuture<'static, Reply>
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let retry = self.retry.clone();
        match way {
            Way::Execute => async move { retry.execute(operation).await }.boxed(),
            Way::ExecuteWith => async move { retry.execute_with(|_| operation()).await }.boxed(),
            Way::Call => async move { retry.call(operation).await }.boxed(),
            Way::CallWith => async move { retry.call_with(|_| operation()).await }.boxed(),
            Way::Service => retry.layer().clone_all().layer(Callee::new(operation)).oneshot(()).boxed(),
            Way::AnyErrorService => {
                retry.layer().clone_all().any_error().layer(Callee::new(operation)).oneshot(()).boxed()
            }
        }
    }

    fn asks_when_made(way: Way) -> bool {
        !matches!(way, Way::Service | Way::AnyErrorService)
    }

    fn guard<S: Inner>(&self, inner: S) -> Self::Guarded<S> {
        self.retry.layer().clone_all().layer(inner)
    }

    fn inner<S: Inner>(guarded: &Self::Guarded<S>) -> &S {
        guarded.get_ref()
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn assert_idle(&self) {
        // No wait is dropped in these tests, so the budget has paid for each attempt that an observer has heard of.
        if let Some(heard) = &self.heard {
            let (retrying, _, _) = heard.counts();
            assert_eq!(self.retry.budget().balance(), f64::from(SAVED - retrying), "attempts: {retrying}");
        }
    }

    fn assert_in_flight(&self, _: u32) {
        self.assert_idle();
    }

    fn assert_counted(&self, calls: Tally) {
        // A call that fails makes two attempts after the first. Each other call makes none.
        let retries = 2 * calls.failed;
        assert_eq!(self.retry.budget().balance(), f64::from(SAVED - retries), "{calls:?}");
        if let Some(heard) = &self.heard {
            assert_eq!(heard.counts(), (retries, 0, calls.failed), "attempts, recoveries, and ends: {calls:?}");
        }
    }

    fn future_sizes<const WORDS: usize>() -> Vec<FutureSize> {
        // In the room of the attempt's future: the timer, and what is paid for the next attempt.
        const WAITING: usize = 120;
        // How far the call has come, the borrowed retry, and the last error of the callee.
        const ADDED: usize = 104 + size_of::<Option<Error<Failed>>>();
        // What a service's call owns of its retry, beside the room of a borrow.
        const OWNED: usize = 104;
        let retry = free().backoff(Duration::ZERO).build();
        let inner = OfWords::<WORDS>::default;
        let mut service = retry.layer().clone_all().layer(service_fn(|()| inner()));
        let bound = ADDED + OfWords::<WORDS>::SIZE.max(WAITING);
        vec![
            FutureSize { way: "execute", size: size_of_val(&retry.execute(inner)), bound },
            FutureSize { way: "call", size: size_of_val(&retry.call(inner)), bound },
            FutureSize { way: "service", size: size_of_val(&service.call(())), bound: bound + OWNED },
        ]
    }
}

impl Observed for Retried {
    fn eventful() -> Self {
        Self::observed()
    }

    fn observe(self, observer: impl Fn(&dyn Display) + Send + Sync + 'static) -> Self {
        Self { retry: self.retry.observed(move |event| observer(event)), ..self }
    }

    fn cause(&self, way: Way) -> (Reply, usize) {
        let reply = self.start(way, serve(FAILED)).now_or_never();
        // Two attempts after the first, and the end.
        (reply.expect("a call without waits ends in its first poll"), 3)
    }
}
