//! A rate limit as a subject of the suites that every policy passes.

use std::{
    fmt::Display,
    future::{self, Future},
    task::Context,
    time::Duration,
};

use crate::support::{Manual, manual};
use futures::{FutureExt, future::BoxFuture, task::noop_waker_ref};
use seawall_core::{Error, Rejection, time::ManualClock};
use seawall_policy::{QueueService, Respond};
use seawall_rate_limit::{Algorithm, Builder, Quota, RateLimitService, RateLimiter};
use seawall_testkit::{
    Boxed, FutureSize, Inner, Kinds, Observed, Rejecting, Run, Subject, Tally,
    call::{OfWords, flattened},
    kinds,
    reply::{Reply, flat},
    service::Callee,
    time::{SECOND, TICK, YEAR},
};
use tower::{Layer, Service, service_fn};

/// A way to make a call that is a future.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Execute,
    Call,
    Service,
}

/// A limiter, its clock, and how many calls it could admit at first.
#[derive(Clone)]
pub(crate) struct Limit {
    pub(crate) limiter: Manual,
    clock: ManualClock,
    full: u32,
}

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Gcra, Algorithm::SlidingWindow];

/// More calls at once than a test makes.
const PLENTY: Quota = Quota::per_hour(2_000);

impl Limit {
    /// The subject of a limiter that is new or spent.
    pub(crate) fn new((limiter, clock): (Manual, ManualClock)) -> Self {
        let full = limiter.available();
        Self { limiter, clock, full }
    }

    fn build(builder: Builder) -> Self {
        let clock = ManualClock::new();
        Self::new((builder.clock(clock.clone()).build(), clock))
    }

    /// A limiter that has admitted the only call of an hour.
    fn spent(algorithm: Algorithm) -> Self {
        let (limiter, clock) = manual(Quota::per_hour(1), algorithm);
        limiter.try_acquire().expect("the limiter is new");
        Self::new((limiter, clock))
    }
}

impl Subject for Limit {
    type Way = Way;
    type Guarded<S: Inner> = RateLimitService<S, ManualClock>;

    const WAYS: &'static [Way] = &[Way::Execute, Way::Call, Way::Service];

    const RUNS: &'static [(&'static str, Run<Self>)] = &[
        ("try_acquire", |it, reply| {
            it.limiter.try_acquire().map_err(Error::Rejected)?;
            reply
        }),
        ("execute_blocking", |it, reply| flat(it.limiter.execute_blocking(|| reply))),
        ("execute", |it, reply| flat(it.limiter.execute(|| future::ready(reply)).now_or_never().unwrap())),
        ("call", |it, reply| it.limiter.call(|| future::ready(reply)).now_or_never().unwrap()),
        ("service", |it, reply| {
            let mut service = it.limiter.layer().layer(service_fn(|reply: Reply| future::ready(reply)));
            assert!(service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready());
            service.call(reply).now_or_never().unwrap()
        }),
    ];

    const COUNTS_WHEN_ADMITTED: bool = true;

    fn admitting() -> Kinds<Self> {
        let mut admitting = Vec::new();
        for algorithm in ALGORITHMS {
            for max_wait in [None, Some(SECOND)] {
                let builder = RateLimiter::builder("subject", PLENTY).algorithm(algorithm);
                let builder = max_wait.into_iter().fold(builder, Builder::max_wait);
                admitting.push((format!("{algorithm:?}, waits for {max_wait:?}"), Self::build(builder)));
            }
        }
        admitting
    }

    fn extremes() -> Kinds<Self> {
        let all = Duration::MAX;
        let mut extremes = Vec::new();
        for algorithm in ALGORITHMS {
            let quotas = [
                ("a call each nanosecond", Quota::every(TICK)),
                ("a call a year", Quota::every(YEAR)),
                ("a call in all time", Quota::every(all)),
                ("the largest quota that a window remembers", Quota::new(1 << 24, all)),
            ];
            for (name, quota) in quotas {
                for wait in [None, Some(Duration::ZERO)] {
                    let builder = RateLimiter::builder("subject", quota).algorithm(algorithm);
                    let builder = wait.into_iter().fold(builder, Builder::max_wait);
                    extremes.push((format!("{name}, {algorithm:?}, waits for {wait:?}"), Self::build(builder)));
                }
            }
            let plenty = RateLimiter::builder("subject", PLENTY).algorithm(algorithm);
            extremes.push((format!("a wait of all time, {algorithm:?}"), Self::build(plenty.max_wait(all))));
        }
        let largest = Quota::per_second(u32::MAX).burst(u32::MAX);
        extremes.push((String::from("the largest burst"), Self::build(RateLimiter::builder("subject", largest))));
        extremes
    }

    fn footprints() -> Kinds<Self> {
        let mut all = Self::admitting();
        for algorithm in ALGORITHMS {
            let builder = RateLimiter::builder(String::from("t"), PLENTY).algorithm(algorithm);
            all.push((format!("{algorithm:?}, shared name"), Self::build(builder)));
        }
        all
    }

    fn start<'a, F>(&'a self, way: Way, operation: impl FnMut() -> F + 'a) -> Boxed<'a>
    where
        F: Future<Output = Reply> + 'a,
    {
        match way {
            Way::Execute => flattened(self.limiter.execute(operation)).boxed_local(),
            Way::Call => self.limiter.call(operation).boxed_local(),
            Way::Service => {
                let mut service = self.limiter.layer().layer(Callee::new(operation));
                assert!(service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready());
                service.call(()).boxed_local()
            }
        }
    }

    fn spawnable<F>(&self, way: Way, operation: impl FnMut() -> F + Send + 'static) -> BoxFuture<'static, Reply>
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        match way {
            Way::Execute => flattened(self.limiter.execute(operation)).boxed(),
            Way::Call => self.limiter.call(operation).boxed(),
            Way::Service => self.limiter.layer().layer(Callee::new(operation)).call(()).boxed(),
        }
    }

    fn guard<S: Inner>(&self, inner: S) -> Self::Guarded<S> {
        self.limiter.layer().layer(inner)
    }

    fn inner<S: Inner>(guarded: &Self::Guarded<S>) -> &S {
        guarded.get_ref()
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn assert_idle(&self) {
        assert_eq!(self.limiter.queued(), 0, "calls that wait");
    }

    fn assert_counted(&self, calls: Tally) {
        // However an admitted call ends, the limiter has spent its permit.
        let spent = calls.succeeded + calls.failed + calls.panicked + calls.abandoned;
        assert_eq!(self.full - self.limiter.available(), spent, "spent permits: {calls:?}");
    }

    fn future_sizes<const WORDS: usize>() -> Vec<FutureSize> {
        // A future that is not larger than a rejection has room for its rejection, or for its place in the queue.
        const REJECTION: usize = 72;
        // The state of the call, beside the inner future.
        const ADDED: usize = 16;
        let (limiter, _clock) = manual(PLENTY, Algorithm::Gcra);
        let inner = OfWords::<WORDS>::default;
        let mut service = limiter.layer().layer(service_fn(|()| inner()));
        let bound = REJECTION.max(OfWords::<WORDS>::SIZE + ADDED);
        vec![
            FutureSize { way: "execute", size: size_of_val(&limiter.execute(inner)), bound },
            FutureSize { way: "call", size: size_of_val(&limiter.call(inner)), bound },
            FutureSize { way: "service", size: size_of_val(&service.call(())), bound },
        ]
    }
}

impl Rejecting for Limit {
    type Responding<S: Inner> = QueueService<S, Manual, Respond<fn(Rejection) -> u32>>;

    fn rejecting() -> Kinds<Self> {
        kinds([("spent", Self::spent(Algorithm::Gcra)), ("spent window", Self::spent(Algorithm::SlidingWindow))])
    }

    fn rejected(&self) -> u64 {
        self.limiter.snapshot().rejected()
    }

    fn guard_with<S: Inner>(&self, respond: fn(Rejection) -> u32, inner: S) -> Self::Responding<S> {
        self.limiter.layer().on_reject(respond).layer(inner)
    }
}

impl Observed for Limit {
    fn eventful() -> Self {
        Self::spent(Algorithm::Gcra)
    }

    fn observe(self, observer: impl Fn(&dyn Display) + Send + Sync + 'static) -> Self {
        self.limiter.on_event(move |event| observer(event));
        self
    }

    fn cause(&self, way: Way) -> (Reply, usize) {
        let call = self.start(way, || future::ready(Reply::Ok(())));
        (call.now_or_never().expect("a spent limiter rejects at once"), 1)
    }
}
