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

/// Builds a [`CircuitBreaker`]; from [`CircuitBreaker::builder`].
///
/// No wrong value can be given: a method that takes a number names the field, the value and the range when it panics.
/// So [`build`](Self::build) cannot fail.
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
    /// Adds a rule; any of them opens the circuit. Default, where none is added: half of the calls failed within the
    /// last 10 s, from 20 calls on. Where several trip on one call, the one given first is named.
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

    /// How many calls a half-open circuit lets in, from 1 to 255; as many successes close it. Default: 1.
    ///
    /// # Panics
    ///
    /// If `probes` is outside of that range.
    #[track_caller]
    pub fn probes(self, probes: u32) -> Self {
        Self { config: self.config.probes(probes), ..self }
    }

    /// Judges the probes by rate when all have ended: the circuit opens again if at least this share failed. Default:
    /// one failed probe opens it at once.
    ///
    /// # Panics
    ///
    /// Unless `rate` is above 0 and at most 1.
    #[track_caller]
    pub fn reopen_at(self, rate: f64) -> Self {
        Self { config: self.config.reopen_at(rate), ..self }
    }

    /// How long probes may be silent before they lose their places, so that no circuit stays half-open for ever. It
    /// should be longer than a call may take. Default: 30 s.
    pub fn probe_lease(self, lease: Duration) -> Self {
        Self { config: self.config.probe_lease(lease), ..self }
    }

    /// What a call counts as that was dropped before it ended. Default: [`Outcome::Ignored`].
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

    /// Where the jitter of the open period begins. Default: at random.
    pub fn seed(self, seed: u64) -> Self {
        Self { config: self.config.seed(seed), ..self }
    }

    /// What a result says of the callee: any `Fn(&Result<T, E>) -> Outcome`, or a type of your own. Default:
    /// [`ErrIsFailure`], which counts every `Err` as a failure except the rejections by policies below.
    ///
    /// A call that the caller's own deadline cut off is abandoned, whatever the classifier.
    pub fn classify<D>(self, classify: D) -> Builder<D, K> {
        Builder { name: self.name, config: self.config, classify, clock: self.clock, outbox: self.outbox }
    }

    /// Tells `observer` of all that happens, in the way of [`CircuitBreaker::on_event`].
    pub fn on_event(self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event_from(Level::Debug, observer)
    }

    /// Tells `observer` of events from `least` on, in the way of [`CircuitBreaker::on_event_from`].
    pub fn on_event_from(self, least: Level, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.outbox.observe(least, observer, || 0);
        self
    }

    /// In how many lanes the threads count, from 1 to 64; numbers out of range count as the nearest. Default: four per core,
    /// from 8 to 32.
    ///
    /// With many lanes the threads do not wait for each other. With one lane a breaker with the default rule holds less than
    /// 1 KB, and with eight lanes 5 KB. Choose one lane for breakers that you make per key or per user. Threads that call one
    /// such breaker at the same time then wait for one cache line.
    pub fn lanes(self, lanes: usize) -> Self {
        Self { config: self.config.lanes(lanes), ..self }
    }

    /// Where the time comes from. Default: tokio's clock, which obeys paused time; without the feature `tokio` the
    /// system's.
    pub fn clock<L>(self, clock: L) -> Builder<C, L> {
        Builder { name: self.name, config: self.config, classify: self.classify, clock, outbox: self.outbox }
    }

    /// The breaker, closed.
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
