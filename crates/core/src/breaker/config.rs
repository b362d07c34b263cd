use std::time::Duration;

use super::trip::{Trip, checked_rate};
use crate::{Backoff, Outcome};

/// How a breaker behaves; plain data, of which no value is wrong.
#[derive(Debug, Clone)]
#[must_use = "a configuration does nothing until a breaker is built with it"]
pub struct BreakerConfig {
    pub(crate) trips: Vec<Trip>,
    pub(crate) open_for: Backoff,
    pub(crate) probes: u8,
    pub(crate) reopen_at: Option<f64>,
    pub(crate) lease: Duration,
    pub(crate) abandoned: Outcome,
    pub(crate) abandoned_after: Option<Duration>,
    pub(crate) seed: u64,
    pub(crate) lanes: usize,
}

impl BreakerConfig {
    /// The defaults: see each method.
    pub fn new() -> Self {
        Self {
            trips: Vec::new(),
            open_for: Backoff::constant(Duration::from_secs(5)),
            probes: 1,
            reopen_at: None,
            lease: Duration::from_secs(30),
            abandoned: Outcome::Ignored,
            abandoned_after: None,
            seed: 0,
            lanes: 1,
        }
    }

    /// Adds a rule; any of them opens the circuit. Default, where none is added: half of the calls failed within the
    /// last 10 s, from 20 calls on (the defaults of Hystrix).
    ///
    /// # Panics
    ///
    /// On the 31st rule.
    #[track_caller]
    pub fn trip(mut self, trip: impl Into<Trip>) -> Self {
        assert!(self.trips.len() < MAX_TRIPS, "`trip` takes from 1 to {MAX_TRIPS} rules, got one more");
        self.trips.push(trip.into());
        self
    }

    /// How long an open circuit refuses: always the same, or a [`Backoff`] that grows each time a probe fails and
    /// starts again when the circuit has closed. Default: 5 s (Hystrix, Polly).
    ///
    /// A constant time gets [`Jitter::Tenth`](crate::Jitter::Tenth), so that not all instances probe the callee at one moment. A
    /// growing one gets [`Jitter::Equal`](crate::Jitter::Equal). [`Backoff::jitter`] replaces either.
    pub fn open_for(mut self, open_for: impl Into<Backoff>) -> Self {
        self.open_for = open_for.into();
        self
    }

    /// How many calls a half-open circuit lets in, decided and undecided together, from 1 to 255. As many successes
    /// close it. Default: 1.
    ///
    /// # Panics
    ///
    /// If `probes` is outside of that range.
    #[track_caller]
    pub fn probes(mut self, probes: u32) -> Self {
        self.probes = match u8::try_from(probes) {
            Ok(probes @ 1..) => probes,
            _ => panic!("`probes` must be from 1 to 255, got {probes}"),
        };
        self
    }

    /// Judges the probes by rate: when all of them have ended, the circuit opens again if at least this share failed,
    /// and closes if not. Default: one failed probe opens it at once.
    ///
    /// # Panics
    ///
    /// Unless `rate` is above 0 and at most 1.
    #[track_caller]
    pub fn reopen_at(mut self, rate: f64) -> Self {
        self.reopen_at = Some(checked_rate("reopen_at", rate));
        self
    }

    /// How long probes may be silent. When all places are taken and none was given out for so long, the undecided
    /// probes lose theirs, and the next call is let in: no circuit is stuck for ever. It should be longer than a call
    /// may take. Default: 30 s. Zero is taken as 1 ns.
    pub fn probe_lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_nanos(1));
        self
    }

    /// What a call counts as that was dropped before it ended. Default: [`Outcome::Ignored`], as clients hang up.
    pub fn abandoned(mut self, outcome: Outcome) -> Self {
        self.abandoned = outcome;
        self
    }

    /// A call that was dropped after it had run for `duration` or longer counts as a failure: a hang that the caller's
    /// own timeout cut off must not stay invisible. Default: never. It costs a clock read a call.
    pub fn abandoned_after(mut self, duration: Duration) -> Self {
        self.abandoned_after = Some(duration);
        self
    }

    /// Where the jitter of the open period begins. Default: 0; the handles choose one at random.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// In how many lanes the breaker counts.
    pub fn in_lanes(&self) -> usize {
        self.lanes
    }

    /// In how many lanes windows over time count, so that threads do not wait for each other. Default: 1.
    pub fn lanes(mut self, lanes: usize) -> Self {
        self.lanes = lanes.clamp(1, 64);
        self
    }
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// A rule's number takes 5 bits in the state word, of which two values say "a probe".
pub(crate) const MAX_TRIPS: usize = 30;
