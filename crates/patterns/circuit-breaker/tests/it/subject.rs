//! A circuit breaker as a subject of the suites that every policy passes.

use std::{
    fmt::Display,
    future::{self, Future},
    task::Context,
    time::Duration,
};

use crate::support::{Manual, OPEN_FOR, Way, counted, steer};
use futures::{FutureExt, future::BoxFuture, task::noop_waker_ref};
use seawall_circuit_breaker::{Builder, CircuitBreaker, CircuitBreakerService};
use seawall_core::{
    ErrIsFailure, Error, Outcome, Rejection, Window,
    breaker::{RateTrip, State, Trip},
    time::ManualClock,
};
use seawall_policy::Respond;
use seawall_testkit::time::exactly;
use seawall_testkit::{
    Boxed, FutureSize, Gated, Inner, Kinds, Observed, Rejecting, Run, Subject, Tally, call::OfWords, call::flattened,
    kinds, reply::flat, service::Once,
};
use seawall_testkit::{
    reply::{FAILED, Reply},
    time::TICK,
};
use tower::{Layer, Service, service_fn};

/// A breaker and its clock. Its first rule counts calls, and never opens the circuit.
#[derive(Clone)]
pub(crate) struct Breaker {
    pub(crate) breaker: Manual,
    pub(crate) clock: ManualClock,
}

impl Breaker {
    fn build(builder: impl FnOnce(Builder<ErrIsFailure, ManualClock>) -> Builder<ErrIsFailure, ManualClock>) -> Self {
        let clock = ManualClock::new();
        Self { breaker: builder(CircuitBreaker::builder("subject").clock(clock.clone())).build(), clock }
    }

    /// A breaker that counts calls in that window, and opens the circuit after five failures in a row.
    fn closed(window: Window) -> Self {
        Self::build(|builder| builder.trip(counting(window)).trip(Trip::consecutive(5)).open_for(exactly(OPEN_FOR)))
    }

    /// A half-open breaker with places for more probes than a test makes.
    fn half_open() -> Self {
        let subject = Self::build(|builder| {
            let rules = builder.trip(counting(Window::calls(10_000))).trip(Trip::consecutive(1));
            rules.open_for(exactly(OPEN_FOR)).probes(255).reopen_at(1.0)
        });
        steer(&subject.breaker, &subject.clock, State::HalfOpen);
        subject
    }

    /// A breaker in that state, without a free place for a probe. A dropped call would count as a failure.
    fn rejecting_in(state: State) -> Self {
        let subject = Self::build(|builder| {
            let rules = builder.trip(counting(Window::calls(10_000))).trip(Trip::consecutive(1));
            rules.open_for(exactly(OPEN_FOR)).probe_lease(Duration::MAX).abandoned(Outcome::Failure)
        });
        steer(&subject.breaker, &subject.clock, state);
        if state == State::HalfOpen {
            // This probe never ends, so its place stays taken.
            std::mem::forget(subject.breaker.try_acquire().expect("a place is free"));
        }
        subject
    }
}

/// A rule that counts calls and judges none, because a test makes fewer calls.
fn counting(window: Window) -> RateTrip {
    Trip::failure_rate(1.0).over(window).min_calls(10_000)
}

/// A rule for each kind of window. None of them opens the circuit.
pub(crate) fn rules() -> [Trip; 5] {
    let never = u32::MAX;
    [
        Trip::consecutive(never),
        Trip::failure_rate(1.0).over(Window::calls(1_000_000)).min_calls(never).into(),
        Trip::failure_rate(1.0).over(Window::time(2 * OPEN_FOR)).min_calls(never).into(),
        Trip::slow_rate(1.0, TICK).over(Window::calls(1_000_000)).min_calls(never).into(),
        Trip::when(|_| false).min_calls(1).into(),
    ]
}

impl Subject for Breaker {
    type Way = Way;
    type Guarded<S: Inner> = CircuitBreakerService<S, ErrIsFailure, ManualClock>;

    const WAYS: &'static [Way] = &Way::ALL;

    const RUNS: &'static [(&'static str, Run<Self>)] = &[
        ("execute", |it, reply| flat(it.breaker.execute(|| future::ready(reply)).now_or_never().unwrap())),
        ("call", |it, reply| it.breaker.call(|| future::ready(reply)).now_or_never().unwrap()),
        ("execute_blocking", |it, reply| flat(it.breaker.execute_blocking(|| reply))),
        ("permit", |it, reply| {
            let permit = it.breaker.try_acquire().map_err(Error::Rejected)?;
            permit.record(&reply);
            reply
        }),
        ("service", |it, reply| {
            let mut service = it.breaker.layer().layer(service_fn(|reply: Reply| future::ready(reply)));
            assert!(service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready());
            service.call(reply).now_or_never().unwrap()
        }),
    ];

    fn admitting() -> Kinds<Self> {
        kinds([
            ("closed, count window", Self::closed(Window::calls(10_000))),
            ("closed, time window", Self::closed(Window::time(Duration::MAX))),
            ("half-open", Self::half_open()),
        ])
    }

    fn extremes() -> Kinds<Self> {
        let rules: [(&str, Trip); 8] = [
            ("the shortest window", Trip::failure_rate(1.0).over(Window::time(Duration::from_millis(1))).into()),
            ("a window of all time", Trip::failure_rate(1.0).over(Window::time(Duration::MAX)).into()),
            ("a window of a single call", Trip::failure_rate(1.0).over(Window::calls(1)).min_calls(1).into()),
            ("a sample never reached", Trip::failure_rate(0.1).min_calls(u32::MAX).into()),
            ("slow from no time on", Trip::slow_rate(1.0, Duration::ZERO).over(Window::calls(10)).into()),
            ("slow from all time on", Trip::slow_rate(1.0, Duration::MAX).over(Window::calls(10)).into()),
            ("the longest run", Trip::consecutive(u32::MAX)),
            ("the shortest run", Trip::consecutive(1)),
        ];
        let mut extremes = Vec::new();
        for (name, rule) in rules {
            for open_for in [Duration::ZERO, TICK, Duration::MAX] {
                let build = |builder: Builder<_, _>| {
                    let builder = builder.trip(rule.clone()).open_for(exactly(open_for));
                    builder.probes(255).probe_lease(open_for).abandoned_after(open_for)
                };
                extremes.push((format!("{name}, open for {open_for:?}"), Self::build(build)));
            }
        }
        extremes
    }

    fn footprints() -> Kinds<Self> {
        let mut all = Vec::new();
        for rule in rules() {
            for builder in [CircuitBreaker::builder("t"), CircuitBreaker::builder(String::from("t"))] {
                let (name, clock) = (format!("{rule:?}"), ManualClock::new());
                let breaker = builder.clock(clock.clone()).trip(rule.clone()).build();
                all.push((name, Self { breaker, clock }));
            }
        }
        all
    }

    fn start<'a, F>(&'a self, way: Way, operation: impl FnMut() -> F + 'a) -> Boxed<'a>
    where
        F: Future<Output = Reply> + 'a,
    {
        way.start(&self.breaker, operation)
    }

    fn spawnable<F>(&self, way: Way, operation: impl FnMut() -> F + Send + 'static) -> BoxFuture<'static, Reply>
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        match way {
            Way::Execute => flattened(self.breaker.execute(operation)).boxed(),
            Way::Call => self.breaker.call(operation).boxed(),
            Way::Service => self.breaker.layer().layer(Once::new(operation)).call(()).boxed(),
        }
    }

    fn guard<S: Inner>(&self, inner: S) -> Self::Guarded<S> {
        self.breaker.layer().layer(inner)
    }

    fn inner<S: Inner>(guarded: &Self::Guarded<S>) -> &S {
        guarded.get_ref()
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn assert_idle(&self) {
        assert_eq!(self.breaker.snapshot().undecided_probes(), 0);
    }

    fn assert_in_flight(&self, calls: u32) {
        // A circuit in another state does not know how many calls are in flight.
        let calls = if self.breaker.state() == State::HalfOpen { calls } else { 0 };
        assert_eq!(self.breaker.snapshot().undecided_probes(), calls, "probes in flight");
    }

    fn assert_counted(&self, calls: Tally) {
        // The rules of a half-open circuit count nothing.
        let calls = if self.breaker.state() == State::HalfOpen { Tally::default() } else { calls };
        let failures = calls.failed + calls.panicked;
        let all = calls.succeeded + failures;
        assert_eq!(counted(&self.breaker), (u64::from(all), u64::from(failures)), "calls and failures: {calls:?}");
    }

    fn future_sizes<const WORDS: usize>() -> Vec<FutureSize> {
        // A future that is not larger than a rejection has room for its rejection.
        const REJECTION: usize = 72;
        // The share of the breaker and the pass, beside the inner future.
        const ADDED: usize = 24;
        let breaker = CircuitBreaker::new("t");
        let inner = OfWords::<WORDS>::default;
        let mut service = breaker.layer().layer(service_fn(|()| inner()));
        let bound = REJECTION.max(OfWords::<WORDS>::SIZE + ADDED);
        vec![
            FutureSize { way: "execute", size: size_of_val(&breaker.execute(inner)), bound },
            FutureSize { way: "call", size: size_of_val(&breaker.call(inner)), bound },
            FutureSize { way: "service", size: size_of_val(&service.call(())), bound },
        ]
    }
}

impl Rejecting for Breaker {
    type Responding<S: Inner> = CircuitBreakerService<S, ErrIsFailure, ManualClock, Respond<fn(Rejection) -> u32>>;

    fn rejecting() -> Kinds<Self> {
        kinds([
            ("open", Self::rejecting_in(State::Open)),
            ("half-open, all places taken", Self::rejecting_in(State::HalfOpen)),
            ("forced open", Self::rejecting_in(State::ForcedOpen)),
        ])
    }

    fn rejected(&self) -> u64 {
        self.breaker.snapshot().rejected()
    }

    fn guard_with<S: Inner>(&self, respond: fn(Rejection) -> u32, inner: S) -> Self::Responding<S> {
        self.breaker.layer().on_reject(respond).layer(inner)
    }
}

impl Gated for Breaker {
    fn shut(&self) {
        while let Ok(permit) = self.breaker.try_acquire() {
            permit.failure();
        }
    }

    fn open(&self) {
        self.breaker.reset();
    }
}

impl Observed for Breaker {
    fn eventful() -> Self {
        Self::rejecting_in(State::Open)
    }

    fn observe(self, observer: impl Fn(&dyn Display) + Send + Sync + 'static) -> Self {
        self.breaker.on_event(move |event| observer(event));
        self
    }

    fn cause(&self, way: Way) -> (Reply, usize) {
        (self.start(way, || future::ready(FAILED)).now_or_never().expect("an open circuit rejects at once"), 1)
    }
}
