//! The [`Door`] as a subject of the suites that every policy passes, without a line and with a line.

use std::{
    future::{self, Future},
    mem,
    task::Context,
    time::Duration,
};

use crate::door::Door;
use futures::{FutureExt, future::BoxFuture, task::noop_waker_ref};
use seawall_core::{Rejection, time::ManualClock};
use seawall_policy::{GateService, Policy, Respond};
use seawall_testkit::{
    Boxed, FutureSize, Gated, Inner, Kinds, Rejecting, Run, Subject, Tally,
    call::{OfWords, flattened},
    kinds,
    reply::{Reply, flat},
    service::Once,
    time::SECOND,
};
use tower::{Layer, Service, service_fn};

/// The ways to make a call that is a future.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Execute,
    Call,
    Service,
}

/// A door in front of which no call waits.
#[derive(Clone)]
pub(crate) struct Plain {
    door: Door,
    places: usize,
}

/// A door with a line. Its service waits in `poll_ready`.
#[derive(Clone)]
pub(crate) struct WithLine {
    door: Door,
    clock: ManualClock,
}

const WAYS: &[Way] = &[Way::Execute, Way::Call, Way::Service];

fn start<'a, F>(door: &Door, way: Way, operation: impl FnMut() -> F + 'a) -> Boxed<'a>
where
    F: Future<Output = Reply> + 'a,
{
    match way {
        Way::Execute => flattened(door.execute(operation)).boxed_local(),
        Way::Call => door.call(operation).boxed_local(),
        Way::Service => {
            let mut service = door.layer().layer(Once::new(operation));
            assert!(service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready());
            service.call(()).boxed_local()
        }
    }
}

fn spawnable<F>(door: &Door, way: Way, operation: impl FnMut() -> F + Send + 'static) -> BoxFuture<'static, Reply>
where
    F: Future<Output = Reply> + Send + 'static,
{
    match way {
        Way::Execute => flattened(door.execute(operation)).boxed(),
        Way::Call => door.call(operation).boxed(),
        Way::Service => door.layer().layer(Once::new(operation)).call(()).boxed(),
    }
}

fn serve(door: &Door, reply: Reply) -> Reply {
    let mut service = door.layer().layer(service_fn(|reply: Reply| future::ready(reply)));
    assert!(service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready());
    service.call(reply).now_or_never().unwrap()
}

fn assert_counted(door: &Door, calls: Tally) {
    let counts = door.counts();
    let found = (counts.succeeded, counts.failed, counts.ignored, counts.abandoned);
    assert_eq!(found, (calls.succeeded, calls.failed + calls.panicked, 0, calls.abandoned), "{calls:?}");
}

fn future_sizes<const WORDS: usize>(door: &Door) -> Vec<FutureSize> {
    // A future that is not larger than a rejection has room for its rejection.
    const REJECTION: usize = 72;
    // The share of the door and the pass, beside the inner future.
    const ADDED: usize = 16;
    let inner = OfWords::<WORDS>::default;
    let mut service = door.layer().layer(service_fn(|()| inner()));
    let bound = REJECTION.max(OfWords::<WORDS>::SIZE + ADDED);
    vec![
        FutureSize { way: "execute", size: size_of_val(&door.execute(inner)), bound },
        FutureSize { way: "call", size: size_of_val(&door.call(inner)), bound },
        FutureSize { way: "service", size: size_of_val(&service.call(())), bound },
    ]
}

macro_rules! calls {
    () => {
        type Way = Way;
        type Guarded<S: Inner> = GateService<S, Door>;

        const WAYS: &'static [Way] = WAYS;

        const RUNS: &'static [(&'static str, Run<Self>)] = &[
            ("execute", |it, reply| flat(it.door.execute(|| future::ready(reply)).now_or_never().unwrap())),
            ("call", |it, reply| it.door.call(|| future::ready(reply)).now_or_never().unwrap()),
            ("execute_blocking", |it, reply| flat(it.door.execute_blocking(|| reply))),
            ("service", |it, reply| serve(&it.door, reply)),
        ];

        fn start<'a, F>(&'a self, way: Way, operation: impl FnMut() -> F + 'a) -> Boxed<'a>
        where
            F: Future<Output = Reply> + 'a,
        {
            start(&self.door, way, operation)
        }

        fn spawnable<F>(&self, way: Way, operation: impl FnMut() -> F + Send + 'static) -> BoxFuture<'static, Reply>
        where
            F: Future<Output = Reply> + Send + 'static,
        {
            spawnable(&self.door, way, operation)
        }

        fn inner<S: Inner>(guarded: &Self::Guarded<S>) -> &S {
            guarded.get_ref()
        }
    };
}

impl Plain {
    fn new(places: usize) -> Self {
        Self { door: Door::new(places), places }
    }
}

impl Subject for Plain {
    calls!();

    fn admitting() -> Kinds<Self> {
        kinds([("places for all", Self::new(usize::MAX)), ("two places", Self::new(2))])
    }

    fn extremes() -> Kinds<Self> {
        kinds([("as many places as there can be", Self::new(usize::MAX)), ("a single place", Self::new(1))])
    }

    fn guard<S: Inner>(&self, inner: S) -> Self::Guarded<S> {
        self.door.layer().layer(inner)
    }

    fn assert_idle(&self) {
        assert_eq!(self.door.taken_and_waiting(), (0, 0), "calls inside and waiting");
    }

    fn assert_counted(&self, calls: Tally) {
        assert_counted(&self.door, calls);
    }

    fn future_sizes<const WORDS: usize>() -> Vec<FutureSize> {
        future_sizes::<WORDS>(&Door::new(10))
    }
}

impl Rejecting for Plain {
    type Responding<S: Inner> = GateService<S, Door, Respond<fn(Rejection) -> u32>>;

    fn rejecting() -> Kinds<Self> {
        let full = Self::new(1);
        mem::forget(full.door.enter().unwrap());
        kinds([("no places", Self::new(0)), ("full", full)])
    }

    fn rejected(&self) -> u64 {
        self.door.counts().rejected.into()
    }

    fn guard_with<S: Inner>(&self, respond: fn(Rejection) -> u32, inner: S) -> Self::Responding<S> {
        self.door.layer().on_reject(respond).layer(inner)
    }
}

impl Gated for Plain {
    fn shut(&self) {
        self.door.set_places(0);
    }

    fn open(&self) {
        self.door.set_places(self.places);
    }
}

impl WithLine {
    fn new(places: usize, max_wait: Duration) -> Self {
        let clock = ManualClock::new();
        Self { door: Door::with_line(places, max_wait, &clock), clock }
    }
}

impl Subject for WithLine {
    calls!();

    fn admitting() -> Kinds<Self> {
        kinds([("a line", Self::new(2, SECOND))])
    }

    fn extremes() -> Kinds<Self> {
        kinds([
            ("a wait of no time", Self::new(1, Duration::ZERO)),
            ("a wait of all time", Self::new(usize::MAX, Duration::MAX)),
        ])
    }

    fn guard<S: Inner>(&self, inner: S) -> Self::Guarded<S> {
        self.door.queue_layer().waits_in_ready().layer(inner)
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn assert_idle(&self) {
        assert_eq!(self.door.taken_and_waiting(), (0, 0), "calls inside and waiting");
    }

    fn assert_counted(&self, calls: Tally) {
        // A place that `poll_ready` reserved and no call spent is abandoned too.
        let abandoned = self.door.counts().abandoned;
        assert!(abandoned >= calls.abandoned, "{abandoned} are abandoned: {calls:?}");
        assert_counted(&self.door, Tally { abandoned, ..calls });
    }

    fn future_sizes<const WORDS: usize>() -> Vec<FutureSize> {
        future_sizes::<WORDS>(&Door::with_line(10, SECOND, &ManualClock::new()))
    }
}
