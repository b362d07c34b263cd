//! Random configurations and histories.

use std::time::Duration;

use proptest::{collection::vec, prelude::*, sample::Index};
use seawall_core::{
    Backoff, Jitter, Outcome, Window,
    breaker::{Breaker, BreakerConfig, Change, Trip},
    time::Instant,
};

#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) trips: Vec<Rule>,
    pub(crate) open_for: Backoff,
    pub(crate) probes: u32,
    pub(crate) reopen_at: Option<f64>,
    pub(crate) lease: Duration,
    pub(crate) abandoned: Outcome,
    pub(crate) abandoned_after: Option<Duration>,
    pub(crate) lanes: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Rule {
    Consecutive(u32),
    Rate { what: What, rate: f64, window: Look, min_calls: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum What {
    Failures,
    SlowerThan(Duration),
    /// A predicate: at least so many failures, and at least so many calls slower than that.
    Both(u64, u64, Option<Duration>),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Look {
    Calls(u32),
    Time(Duration, u32),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    Advance(Duration),
    Enter,
    Exit(Index, Outcome),
    Panic(Index),
    Abandon(Index),
    Force(Force),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Force {
    Open,
    Closed,
    Metrics,
    Reset,
}

impl Rules {
    pub(crate) fn config(&self) -> BreakerConfig {
        let mut config = BreakerConfig::new()
            .open_for(self.open_for)
            .probes(self.probes)
            .probe_lease(self.lease)
            .abandoned(self.abandoned)
            .lanes(self.lanes);
        for rule in &self.trips {
            config = match *rule {
                Rule::Consecutive(failures) => config.trip(Trip::consecutive(failures)),
                Rule::Rate { what, rate, window, min_calls } => {
                    let window = match window {
                        Look::Calls(calls) => Window::calls(calls),
                        Look::Time(length, buckets) => Window::time_in_buckets(length, buckets),
                    };
                    let trip = match what {
                        What::Failures => Trip::failure_rate(rate),
                        What::SlowerThan(limit) => Trip::slow_rate(rate, limit),
                        What::Both(failures, slow, limit) => {
                            let trip = Trip::when(move |counts| counts.failures >= failures && counts.slow >= slow);
                            limit.into_iter().fold(trip, |trip, limit| trip.slower_than(limit))
                        }
                    };
                    config.trip(trip.over(window).min_calls(min_calls))
                }
            };
        }
        if let Some(rate) = self.reopen_at {
            config = config.reopen_at(rate);
        }
        match self.abandoned_after {
            Some(after) => config.abandoned_after(after),
            None => config,
        }
    }
}

impl Force {
    pub(crate) fn apply(self, breaker: &Breaker, now: Instant) -> Option<Change> {
        match self {
            Self::Open => breaker.force_open(now),
            Self::Closed => breaker.force_closed(now),
            Self::Metrics => breaker.metrics_only(now),
            Self::Reset => breaker.reset(now),
        }
    }
}

pub(crate) fn rules() -> impl Strategy<Value = Rules> {
    let shut = (open_for(), prop_oneof![4 => 1..5u32, 1 => Just(255)], prop_oneof![Just(None), rate().prop_map(Some)]);
    let abandoned =
        (prop_oneof![2 => Just(Outcome::Ignored), 1 => Just(Outcome::Failure), 1 => Just(Outcome::Success)], limit());
    (vec(rule(), 1..4), shut, duration(), abandoned, 1..5usize).prop_map(
        |(trips, shut, lease, (abandoned, after), lanes)| Rules {
            trips,
            open_for: shut.0,
            probes: shut.1,
            reopen_at: shut.2,
            // What the configuration makes of a lease of nothing.
            lease: lease.max(Duration::from_nanos(1)),
            abandoned,
            abandoned_after: after,
            lanes,
        },
    )
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let outcome = prop_oneof![3 => Just(Outcome::Success), 4 => Just(Outcome::Failure), 1 => Just(Outcome::Ignored)];
    let force = prop_oneof![1 => Just(Force::Open), 1 => Just(Force::Closed), 1 => Just(Force::Metrics), 2 => Just(Force::Reset)];
    prop_oneof![
        8 => Just(Op::Enter),
        8 => (any::<Index>(), outcome).prop_map(|(which, outcome)| Op::Exit(which, outcome)),
        1 => any::<Index>().prop_map(Op::Panic),
        1 => any::<Index>().prop_map(Op::Abandon),
        5 => duration().prop_map(Op::Advance),
        1 => force.prop_map(Op::Force),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let windowed = (what(), rate(), look(), prop_oneof![4 => 1..6u32, 1 => Just(u32::MAX)])
        .prop_map(|(what, rate, window, min_calls)| Rule::Rate { what, rate, window, min_calls });
    prop_oneof![1 => (1..4u32).prop_map(Rule::Consecutive), 1 => Just(Rule::Consecutive(u32::MAX)), 6 => windowed]
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        3 => Just(What::Failures),
        2 => duration().prop_map(What::SlowerThan),
        1 => (0..3u64, 0..3u64, limit()).prop_map(|(failures, slow, limit)| What::Both(failures, slow, limit)),
    ]
}

fn look() -> impl Strategy<Value = Look> {
    let length = prop_oneof![4 => (10..5_000u64).prop_map(Duration::from_millis), 1 => Just(Duration::MAX)];
    prop_oneof![
        prop_oneof![1..12u32, Just(33), Just(100)].prop_map(Look::Calls),
        (length, prop_oneof![Just(1), Just(10), 2..65u32]).prop_map(|(length, buckets)| Look::Time(length, buckets)),
    ]
}

fn rate() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.5), Just(1.0), Just(0.6), Just(f64::MIN_POSITIVE), 0.01..1.0]
}

fn open_for() -> impl Strategy<Value = Backoff> {
    let growing = (duration(), 1.0..4.0).prop_map(|(base, factor)| Backoff::exponential(base).factor(factor));
    prop_oneof![duration().prop_map(Backoff::constant), growing].prop_map(|backoff| backoff.jitter(Jitter::None))
}

fn limit() -> impl Strategy<Value = Option<Duration>> {
    prop_oneof![Just(None), duration().prop_map(Some)]
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        2 => Just(Duration::ZERO),
        2 => Just(Duration::from_nanos(1)),
        8 => (1..2_000u64).prop_map(Duration::from_millis),
        4 => (1..10u64).prop_map(Duration::from_secs),
        1 => Just(Duration::from_secs(365 * 86_400)),
        1 => Just(Duration::MAX),
    ]
}
