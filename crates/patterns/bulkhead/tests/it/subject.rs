//! A bulkhead as a subject of the suites that every policy passes.

use std::{
    fmt::Display,
    future::{self, Future},
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
    task::Context,
    time::Duration,
};

use crate::{
    modes::{InCall, Mode},
    support::{Manual, Way, plain},
};
use futures::{FutureExt, future::BoxFuture, task::noop_waker_ref};
use seawall_bulkhead::{Builder, Bulkhead, Order, OwnedPermit};
use seawall_core::{Error, Rejection, time::ManualClock};
use seawall_testkit::{
    Boxed, FutureSize, Gated, Inner, Kinds, Observed, Rejecting, Run, Subject, Tally,
    call::{OfWords, flattened},
    kinds,
    reply::{Reply, flat},
    service::Callee,
    time::{SECOND, TICK},
};
use tower::{Layer, ServiceExt};

/// A bulkhead, its clock, and what keeps calls out. `M` is the mode of its services.
#[derive(Clone)]
pub(crate) struct Slots<M = InCall> {
    bulkhead: Manual,
    clock: ManualClock,
    taken: Arc<Mutex<Taken>>,
    mode: PhantomData<M>,
}

/// What the subject itself takes of the bulkhead. The waits are dropped first, so that no slot goes to them.
#[derive(Default)]
struct Taken {
    waits: Vec<BoxFuture<'static, ()>>,
    permit: Option<OwnedPermit<ManualClock>>,
}

/// Enough for the two calls that a test makes at once.
const SLOTS: usize = 2;

/// The setting of a bulkhead, and its name.
type Setting = (&'static str, fn(Builder) -> Builder);

/// No queue, and the kinds of queue.
const QUEUES: [Setting; 3] = [
    ("no queue", |builder| builder),
    ("a queue", |builder| builder.max_queued(2)),
    ("a queue with a longest wait", |builder| builder.max_queued(2).max_wait(SECOND)),
];

impl<M: Mode> Slots<M> {
    fn build(builder: Builder) -> Self {
        let clock = ManualClock::new();
        let bulkhead = builder.clock(clock.clone()).build();
        Self { bulkhead, clock, taken: Arc::default(), mode: PhantomData }
    }

    /// A bulkhead of each setting, after `change`.
    fn of_each(settings: &[Setting], change: impl Fn(&Self)) -> Kinds<Self> {
        let subjects = settings.iter().map(|(name, set)| {
            let subject = Self::build(set(Bulkhead::builder("subject", SLOTS)));
            change(&subject);
            ((*name).to_owned(), subject)
        });
        subjects.collect()
    }

    /// Takes all slots, and all places of the queue.
    fn fill(&self) {
        let (bulkhead, mut taken) = (&self.bulkhead, self.taken.lock().unwrap_or_else(PoisonError::into_inner));
        let free = u32::try_from(bulkhead.available()).expect("the subjects have few slots");
        taken.permit = Some(bulkhead.try_acquire_n(free).expect("the slots are free").into_owned());
        for _ in 0..bulkhead.max_queued() {
            let waits = bulkhead.clone();
            let mut wait = async move { drop(waits.acquire().await) }.boxed();
            assert!(wait.poll_unpin(&mut Context::from_waker(noop_waker_ref())).is_pending(), "the slots are taken");
            taken.waits.push(wait);
        }
    }

    /// How many slots and places the subject itself has taken.
    fn taken(&self) -> (usize, usize) {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = taken.permit.as_ref().map_or(0, |permit| permit.cost() as usize);
        (slots, taken.waits.len())
    }
}

impl<M: Mode> Subject for Slots<M> {
    type Way = Way;
    type Guarded<S: Inner> = M::Guarded<S>;

    const WAYS: &'static [Way] = &Way::ALL;

    const RUNS: &'static [(&'static str, Run<Self>)] = &[
        ("execute", |it, reply| flat(it.bulkhead.execute(|| future::ready(reply)).now_or_never().unwrap())),
        ("call", |it, reply| it.bulkhead.call(|| future::ready(reply)).now_or_never().unwrap()),
        ("execute_blocking", |it, reply| flat(it.bulkhead.execute_blocking(|| reply))),
        ("try_acquire", |it, reply| {
            let _permit = it.bulkhead.try_acquire().map_err(Error::Rejected)?;
            reply
        }),
        ("into_owned", |it, reply| {
            let _permit = it.bulkhead.try_acquire_n(SLOTS as u32).map_err(Error::Rejected)?.into_owned();
            reply
        }),
        ("acquire", |it, reply| {
            let _permit = it.bulkhead.acquire().now_or_never().unwrap().map_err(Error::Rejected)?;
            reply
        }),
        ("service", |it, reply| M::serve(&it.bulkhead, reply)),
    ];

    fn admitting() -> Kinds<Self> {
        Self::of_each(&QUEUES, |_| ())
    }

    fn extremes() -> Kinds<Self> {
        let mut extremes = Vec::new();
        for slots in [1, u32::MAX as usize, usize::MAX] {
            for order in [Order::Fifo, Order::Lifo] {
                for wait in [Duration::ZERO, TICK, Duration::MAX] {
                    let builder = Bulkhead::builder("subject", slots).max_queued(usize::MAX).max_wait(wait);
                    extremes.push((
                        format!("{slots} slots, {order:?}, waits for {wait:?}"),
                        Self::build(builder.order(order)),
                    ));
                }
            }
        }
        extremes
    }

    fn footprints() -> Kinds<Self> {
        let mut all = Self::admitting();
        for (name, set) in QUEUES {
            let builder = Bulkhead::builder(String::from("t"), SLOTS);
            all.push((format!("{name}, shared name"), Self::build(set(builder))));
        }
        all
    }

    fn start<'a, F>(&'a self, way: Way, operation: impl FnMut() -> F + 'a) -> Boxed<'a>
    where
        F: Future<Output = Reply> + 'a,
    {
        way.start(&self.bulkhead, operation)
    }

    fn spawnable<F>(&self, way: Way, mut operation: impl FnMut() -> F + Send + 'static) -> BoxFuture<'static, Reply>
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        match way {
            Way::Execute => flattened(self.bulkhead.execute(operation)).boxed(),
            Way::Call => self.bulkhead.call(operation).boxed(),
            Way::Acquire => {
                let bulkhead = self.bulkhead.clone();
                let call = async move {
                    let _permit = bulkhead.acquire().await.map_err(Error::Rejected)?;
                    operation().await
                };
                call.boxed()
            }
            Way::Service => self.bulkhead.layer().layer(Callee::new(operation)).oneshot(()).boxed(),
        }
    }

    fn asks_when_made(way: Way) -> bool {
        matches!(way, Way::Execute | Way::Call)
    }

    fn guard<S: Inner>(&self, inner: S) -> Self::Guarded<S> {
        M::guard(&self.bulkhead, inner)
    }

    fn inner<S: Inner>(guarded: &Self::Guarded<S>) -> &S {
        M::inner(guarded)
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn assert_idle(&self) {
        let (bulkhead, (slots, places)) = (&self.bulkhead, self.taken());
        let found = (bulkhead.in_flight(), bulkhead.queued(), bulkhead.available());
        assert_eq!(found, (slots, places, bulkhead.max_concurrent() - slots), "in flight, queued, available");
    }

    fn assert_in_flight(&self, calls: u32) {
        let (slots, places) = self.taken();
        let found = (self.bulkhead.in_flight(), self.bulkhead.queued());
        assert_eq!(found, (slots + calls as usize, places), "in flight, queued");
    }

    fn assert_counted(&self, _: Tally) {
        // No call has given back what others have taken.
        let (slots, places) = self.taken();
        assert!(self.bulkhead.in_flight() >= slots && self.bulkhead.queued() == places);
    }

    fn future_sizes<const WORDS: usize>() -> Vec<FutureSize> {
        // A future that is not larger than a rejection has room for its rejection.
        const REJECTION: usize = 72;
        // The share of the bulkhead and the cost, beside the inner future.
        const ADDED: usize = 16;
        let bulkhead = plain(SLOTS).build();
        let inner = OfWords::<WORDS>::default;
        let bound = REJECTION.max(OfWords::<WORDS>::SIZE + ADDED);
        vec![
            FutureSize { way: "execute", size: size_of_val(&bulkhead.execute(inner)), bound },
            FutureSize { way: "call", size: size_of_val(&bulkhead.call(inner)), bound },
            FutureSize { way: "service", size: M::future_size(&bulkhead, inner), bound },
        ]
    }
}

impl<M: Mode> Rejecting for Slots<M> {
    type Responding<S: Inner> = M::Responding<S>;

    fn rejecting() -> Kinds<Self> {
        let mut rejecting = kinds([("no slots", Self::build(Bulkhead::builder("subject", 0)))]);
        // A full queue rejects a call in its first poll, which is tested elsewhere.
        rejecting.extend(Self::of_each(&QUEUES[..1], Self::fill));
        for (name, subject) in Self::footprints() {
            subject.bulkhead.close();
            rejecting.push((format!("{name}, closed"), subject));
        }
        rejecting
    }

    fn rejected(&self) -> u64 {
        self.bulkhead.snapshot().rejected()
    }

    fn guard_with<S: Inner>(&self, respond: fn(Rejection) -> u32, inner: S) -> Self::Responding<S> {
        M::guard_with(&self.bulkhead, respond, inner)
    }
}

impl<M: Mode> Gated for Slots<M> {
    const ASKS_AGAIN: bool = M::ASKS_AGAIN;

    fn gated() -> Kinds<Self> {
        // If calls wait in their futures, a full queue rejects a call in its first poll.
        Self::of_each(if M::ASKS_AGAIN { &QUEUES[..1] } else { &QUEUES }, |_| ())
    }

    fn shut(&self) {
        self.fill();
    }

    fn open(&self) {
        let taken = std::mem::take(&mut *self.taken.lock().unwrap_or_else(PoisonError::into_inner));
        drop(taken);
    }
}

impl<M: Mode> Observed for Slots<M> {
    fn eventful() -> Self {
        let subject = Self::build(Bulkhead::builder("subject", SLOTS));
        subject.fill();
        subject
    }

    fn observe(self, observer: impl Fn(&dyn Display) + Send + Sync + 'static) -> Self {
        self.bulkhead.on_event(move |event| observer(event));
        self
    }

    fn cause(&self, way: Way) -> (Reply, usize) {
        let call = self.start(way, || future::ready(Reply::Ok(())));
        (call.now_or_never().expect("a full bulkhead without a queue rejects at once"), 1)
    }
}
