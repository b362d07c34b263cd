use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use seawall_core::{
    Backoff, ErrIsFailure, Name, Outcome,
    breaker::{Breaker, BreakerConfig, Trip},
    lanes,
    observe::{Level, Observers},
    time::{Clock, DefaultClock},
};

use crate::{CircuitBreaker, Event, EventKind, inner::BreakerInner, parking::CircuitWaiters};

/// A builder of a [`CircuitBreaker`]. [`CircuitBreaker::builder`] makes it.
///
/// A method panics if its number is out of range, and names the field, the value and the range. So [`build`](Self::build) cannot
/// fail.
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder<C = ErrIsFailure, K = DefaultClock> {
    name: Name,
    config: BreakerConfig,
    classify: C,
    clock: K,
    outbox: Observers<EventKind>,
}

impl Builder {
    pub(crate) fn new(name: Name) -> Self {
        let config = BreakerConfig::new().seed(RandomState::new().build_hasher().finish()).lanes(lanes());
        Self { name, config, classify: ErrIsFailure, clock: DefaultClock::default(), outbox: Observers::new() }
    }
}

impl<C, K> Builder<C, K> {
    /// Adds a rule. Each rule can open the circuit. Default, without a rule: half of the calls in the last 10 s failed, from 20
    /// calls on. If several rules open the circuit with the same call, events and rejections name the rule that was added first.
    ///
    /// # Panics
    ///
    /// On the 31st rule.
    #[track_caller]
    pub fn trip(self, trip: impl Into<Trip>) -> Self {
        Self { config: self.config.trip(trip), ..self }
    }

    /// How long an open circuit rejects calls: a duration, or a [`Backoff`] that grows each time a probe fails and starts again
    /// when the circuit has closed. Default: 5 s.
    ///
    /// A duration is the longest time: the circuit stays open for nine tenths of it and up to a tenth more, at random, so that
    /// not all instances probe the callee at one moment. `Backoff::constant(time).jitter(Jitter::None)` is exact. A growing
    /// backoff gets [`Jitter::Equal`](seawall_core::Jitter::Equal) unless it says otherwise.
    pub fn open_for(self, open_for: impl Into<Backoff>) -> Self {
        Self { config: self.config.open_for(open_for), ..self }
    }

    /// Sets how many calls a half-open circuit admits, from 1 to 255. The same number of successes closes it. Default: 1.
    ///
    /// # Panics
    ///
    /// If `probes` is outside this range.
    #[track_caller]
    pub fn probes(self, probes: u32) -> Self {
        Self { config: self.config.probes(probes), ..self }
    }

    /// Judges the probes by rate after all have ended: the circuit opens again if at least this share failed. Default: a single
    /// failed probe opens the circuit at once.
    ///
    /// # Panics
    ///
    /// Unless `rate` is above 0 and at most 1.
    #[track_caller]
    pub fn reopen_at(self, rate: f64) -> Self {
        Self { config: self.config.reopen_at(rate), ..self }
    }

    /// Sets how long probes may run before they lose their places, so that no circuit stays half-open for ever. Choose a time that
    /// is longer than a call may take. Default: 30 s.
    pub fn probe_lease(self, lease: Duration) -> Self {
        Self { config: self.config.probe_lease(lease), ..self }
    }

    /// Sets how to count a call that was dropped before it ended. Default: [`Outcome::Ignored`].
    pub fn abandoned(self, outcome: Outcome) -> Self {
        Self { config: self.config.abandoned(outcome), ..self }
    }

    /// Counts a call as a failure if it was dropped after it had run for `duration` or longer. It costs a clock read per call.
    ///
    /// Default: never, because a breaker cannot know how long a call may take, and a caller that gives up early says nothing about
    /// the callee. A timeout inside the breaker makes hanging calls count; [`Stack::check`] names a breaker without either.
    ///
    /// [`Stack::check`]: https://docs.rs/seawall/latest/seawall/struct.Stack.html#method.check
    pub fn abandoned_after(self, duration: Duration) -> Self {
        Self { config: self.config.abandoned_after(duration), ..self }
    }

    /// Sets the seed of the open period's jitter. Default: a random seed.
    pub fn seed(self, seed: u64) -> Self {
        Self { config: self.config.seed(seed), ..self }
    }

    /// Sets how a result counts: any `Fn(&Result<T, E>) -> Outcome`, or a type of your own. Default: [`ErrIsFailure`], which counts
    /// each `Err` as a failure, except the rejections of policies inside the call.
    ///
    /// A call that the caller's own deadline cut off is abandoned, with each classifier.
    pub fn classify<D>(self, classify: D) -> Builder<D, K> {
        Builder { name: self.name, config: self.config, classify, clock: self.clock, outbox: self.outbox }
    }

    /// Reports all events to `observer`, as [`CircuitBreaker::on_event`] does.
    pub fn on_event(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event_from(Level::Debug, observer)
    }

    /// Reports events from the level `least` on to `observer`, as [`CircuitBreaker::on_event_from`] does.
    pub fn on_event_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.outbox.observe(least, observer, || 0);
        self
    }

    /// Sets in how many lanes the threads count, from 1 to 64. A number out of range counts as the nearest. Default: four per core,
    /// from 8 to 32.
    ///
    /// With many lanes the threads do not wait for each other. With one lane a breaker with the default rule holds less than
    /// 1 KB, and with eight lanes 5 KB. Choose one lane for breakers that you make per key or per user. Threads that call one
    /// such breaker at the same time then wait for one cache line.
    pub fn lanes(self, lanes: usize) -> Self {
        Self { config: self.config.lanes(lanes), ..self }
    }

    /// Sets the clock. Default: tokio's clock, which obeys paused time. Without the feature `tokio` it is the system's clock.
    pub fn clock<L>(self, clock: L) -> Builder<C, L> {
        Builder { name: self.name, config: self.config, classify: self.classify, clock, outbox: self.outbox }
    }

    /// Builds the breaker, with a closed circuit.
    pub fn build(self) -> CircuitBreaker<C, K>
    where
        K: Clock,
    {
        let Self { name, config, classify, clock, outbox } = self;
        let lanes = config.in_lanes();
        let breaker = Breaker::new(config).since_now(clock.now());
        let inner = BreakerInner { name, breaker, classify, clock, outbox, parking: CircuitWaiters::default() };
        CircuitBreaker::from_inner(inner, lanes)
    }
}

impl<C, K> fmt::Debug for Builder<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("name", &self.name).field("config", &self.config).finish_non_exhaustive()
    }
}
