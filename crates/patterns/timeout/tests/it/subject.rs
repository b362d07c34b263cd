//! A timeout as a subject of the suites that every policy passes.

use std::{
    fmt::Display,
    future::{self, Future},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Context,
    time::Duration,
};

use crate::support::{Probe, Way};
use futures::{FutureExt, future::BoxFuture, task::noop_waker_ref};
use seawall_core::{
    Deadline, Rejection,
    time::{Timer, TokioClock},
};
use seawall_policy::Respond;
use seawall_testkit::{
    Boxed, FutureSize, Inner, Kinds, Observed, Rejecting, Run, Subject, Tally,
    call::{Census, OfWords, flattened},
    kinds,
    reply::{Reply, flat},
    service::Callee,
    time::{SECOND, TICK, YEAR},
};
use seawall_timeout::{Builder, Timeout, TimeoutService};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, service_fn};

/// A timeout and its clock, and how often its observer heard of a call that had no time.
#[derive(Clone)]
pub(crate) struct Limit {
    timeout: Timeout<Duration, Probe>,
    clock: Probe,
    heard: Arc<AtomicU64>,
}

impl Limit {
    fn build(builder: Builder<Duration>) -> Self {
        let (clock, heard) = (Probe::default(), Arc::<AtomicU64>::default());
        Self { timeout: builder.clock(clock.clone()).build(), clock, heard }
    }

    /// A timeout with an observer that counts the events.
    fn observed(builder: Builder<Duration>) -> Self {
        let (clock, heard) = (Probe::default(), Arc::<AtomicU64>::default());
        let count = heard.clone();
        let builder = builder.on_event(move |_| _ = count.fetch_add(1, Ordering::Relaxed));
        Self { timeout: builder.clock(clock.clone()).build(), clock, heard }
    }

    /// Serves a call by a service around one that gives `reply`.
    fn serve(&self, reply: Reply) -> Reply {
        let mut service = self.timeout.layer().layer(service_fn(|reply: Reply| future::ready(reply)));
        assert!(service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready());
        service.call(reply).now_or_never().unwrap()
    }
}

fn limited(limit: Duration) -> Builder<Duration> {
    Timeout::builder("subject", limit)
}

impl Subject for Limit {
    type Way = Way;
    type Guarded<S: Inner> = TimeoutService<S, Duration, Probe>;

    const WAYS: &'static [Way] = &Way::ALL;

    const RUNS: &'static [(&'static str, Run<Self>)] = &[
        ("execute", |it, reply| flat(it.timeout.execute(|| future::ready(reply)).now_or_never().unwrap())),
        ("execute_for", |it, reply| flat(it.timeout.execute_for(&(), || future::ready(reply)).now_or_never().unwrap())),
        ("call", |it, reply| it.timeout.call(|| future::ready(reply)).now_or_never().unwrap()),
        ("call in the scope of a deadline", |it, reply| {
            let scope = Deadline::after_by(YEAR, &it.clock);
            scope.scope(it.timeout.call(|| future::ready(reply))).now_or_never().unwrap()
        }),
        ("service", Self::serve),
    ];

    fn admitting() -> Kinds<Self> {
        kinds([
            ("not observed", Self::build(limited(SECOND))),
            ("observed", Self::observed(limited(SECOND))),
            ("a nanosecond", Self::observed(limited(TICK))),
            ("no limit", Self::observed(limited(Duration::MAX))),
        ])
    }

    fn extremes() -> Kinds<Self> {
        let mut extremes = Vec::new();
        // The longest time that an instant can say.
        let longest = Duration::from_nanos(u64::MAX);
        for now in [Duration::ZERO, TICK, longest - TICK, longest] {
            for limit in [TICK, YEAR, longest / 2, longest - TICK, longest, Duration::MAX] {
                let subject = Self::observed(limited(limit));
                subject.clock.set(now);
                extremes.push((format!("{limit:?} from {now:?}"), subject));
            }
        }
        extremes
    }

    fn footprints() -> Kinds<Self> {
        let mut all = Self::admitting();
        let shared = || Timeout::builder(String::from("t"), SECOND);
        all.extend(kinds([
            ("not observed, shared name", Self::build(shared())),
            ("observed, shared name", Self::observed(shared())),
        ]));
        all
    }

    fn start<'a, F>(&'a self, way: Way, operation: impl FnMut() -> F + 'a) -> Boxed<'a>
    where
        F: Future<Output = Reply> + 'a,
    {
        way.start(&self.timeout, operation)
    }

    fn spawnable<F>(&self, way: Way, operation: impl FnMut() -> F + Send + 'static) -> BoxFuture<'static, Reply>
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        match way {
            Way::Execute => flattened(self.timeout.execute(operation)).boxed(),
            Way::Call => self.timeout.call(operation).boxed(),
            Way::Service => self.timeout.layer().layer(Callee::new(operation)).call(()).boxed(),
        }
    }

    fn guard<S: Inner>(&self, inner: S) -> Self::Guarded<S> {
        self.timeout.layer().layer(inner)
    }

    fn inner<S: Inner>(guarded: &Self::Guarded<S>) -> &S {
        guarded.get_ref()
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn assert_idle(&self) {
        assert_eq!(self.clock.alive(), 0, "timers");
    }

    fn assert_counted(&self, _: Tally) {
        assert_eq!(Deadline::current_by(&self.clock), None, "the deadline of a call ends with each poll of the call");
        if !self.timeout.limit().is_zero() {
            assert_eq!(self.heard.load(Ordering::Relaxed), 0, "no call is reported that was not cut off");
        }
    }

    fn future_sizes<const WORDS: usize>() -> Vec<FutureSize> {
        // The terms of the call, beside the inner future and tokio's timer.
        const TERMS: usize = 88;
        let timeout = Timeout::new("t", SECOND);
        let inner = OfWords::<WORDS>::default;
        let mut service = timeout.layer().layer(service_fn(|()| inner()));
        let bound = OfWords::<WORDS>::SIZE + size_of::<<TokioClock as Timer>::Sleep>() + TERMS;
        vec![
            FutureSize { way: "execute", size: size_of_val(&timeout.execute(inner)), bound },
            FutureSize { way: "call", size: size_of_val(&timeout.call(inner)), bound },
            FutureSize { way: "service", size: size_of_val(&service.call(())), bound },
        ]
    }
}

impl Rejecting for Limit {
    type Responding<S: Inner> = TimeoutService<S, Duration, Probe, Respond<fn(Rejection) -> u32>>;

    fn rejecting() -> Kinds<Self> {
        kinds([
            ("a limit of zero", Self::observed(limited(Duration::ZERO))),
            ("a limit of zero, shared name", Self::observed(Timeout::builder(String::from("t"), Duration::ZERO))),
        ])
    }

    fn rejected(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    fn guard_with<S: Inner>(&self, respond: fn(Rejection) -> u32, inner: S) -> Self::Responding<S> {
        self.timeout.layer().on_reject(respond).layer(inner)
    }
}

impl Observed for Limit {
    fn eventful() -> Self {
        // So short that observers make many calls in the millisecond for which a call delivers the events of others.
        Self::build(limited(TICK))
    }

    fn observe(self, observer: impl Fn(&dyn Display) + Send + Sync + 'static) -> Self {
        Self { timeout: self.timeout.observed(move |event| observer(event)), ..self }
    }

    fn cause(&self, way: Way) -> (Reply, usize) {
        let census = Census::default();
        let mut call = task::spawn(self.start(way, || census.count(future::pending::<Reply>())));
        assert_pending!(call.poll());
        self.clock.advance(TICK);
        let reply = assert_ready!(call.poll());
        assert_eq!((census.begun(), census.dropped()), (1, 1), "the call is dropped at its limit");
        (reply, 1)
    }
}
