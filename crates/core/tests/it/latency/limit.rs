use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{
    latency::{Adaptive, LatencyLimit},
    time::Instant,
};

use super::{cases, latencies, moved, simulation::Simulation};

const SECOND: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(625);

/// 100 calls a second to a callee that takes so long, for three windows.
fn settled(config: Adaptive, latency: Duration) -> Simulation {
    let mut simulation = Simulation::new(config.window(WINDOW), Duration::from_millis(10));
    simulation.run(3 * WINDOW, || latency);
    simulation
}

/// For how many ticks it goes on cutting off more than one call in 50; at most `most`.
fn ticks_until_it_follows(simulation: &mut Simulation, latency: Duration, most: u32) -> u32 {
    let ticks = (0..most).filter(|_| simulation.run(TICK, || latency).share_cut_off() > 0.02);
    ticks.last().map_or(0, |tick| tick + 1)
}

#[test]
fn it_follows_a_callee_that_became_slower() {
    let p99 = Adaptive::quantile(0.99);
    let rows = [
        (p99.factor(2.0), 3, 3),
        (p99.factor(2.0), 30, 16),
        (p99.factor(1.1), 3, 32),
        (p99.factor(1.0), 3, 32),
        (Adaptive::quantile(1.0).factor(2.0), 3, 3),
        (Adaptive::quantile(0.5).factor(1.5), 3, 48),
        (Adaptive::quantile(0.0).factor(2.0), 3, 64),
    ];
    for (config, slower, most) in rows {
        let latency = Duration::from_millis(100);
        let mut simulation = settled(config, latency);
        let before = simulation.limit.limit(simulation.now());
        let ticks = ticks_until_it_follows(&mut simulation, slower * latency, 160);
        let after = simulation.limit.limit(simulation.now());
        assert!((1..=most).contains(&ticks), "{config:?}: {ticks}");
        assert!(before < slower * latency && slower * latency < after, "{before:?} {after:?}");
    }
}

proptest! {
    #![proptest_config(cases(100))]

    /// A step up takes as many calls as the quantile leaves above it, of up to two windows.
    #[test]
    fn it_follows_any_callee_whatever_the_quantile(
        thousandth in 0..=1_000_u32,
        factor in 1.0..4.0_f64,
        micros in 10..=100_000_u64,
        slower in 1..=50_u32,
    ) {
        let q = f64::from(thousandth) / 1_000.0;
        let latency = Duration::from_micros(micros);
        let mut simulation = settled(Adaptive::quantile(q).factor(factor), latency);
        // Even by a factor of 1, the limit goes on to the next bucket: a 16th up, or more.
        let steps = f64::from(slower).ln() / factor.max(17.0 / 16.0).ln();
        let in_flight = slower * latency;
        let a_step = (1.0 - q) * 2.0 * WINDOW.as_secs_f64() + 2.0 * TICK.as_secs_f64() + in_flight.as_secs_f64();
        let most = (steps.ceil() + 1.0) * a_step / TICK.as_secs_f64();
        let ticks = ticks_until_it_follows(&mut simulation, slower * latency, most.ceil() as u32 + 1);
        prop_assert!(ticks <= most.ceil() as u32, "{} of {}", ticks, most);
        prop_assert!(simulation.limit.limit(simulation.now()) > slower * latency);
    }

    /// With what is cut off recorded as it is, a limit of the quantile itself cuts off what is above that, and no more.
    #[test]
    fn it_is_not_ground_down(
        thousandth in 500..=999_u32,
        factor in prop_oneof![Just(1.0), 1.0..3.0_f64],
        seed in any::<u64>(),
    ) {
        let q = f64::from(thousandth) / 1_000.0;
        let mut random = Random(seed);
        let mut callee = || random.latency();
        let config = Adaptive::quantile(q).factor(factor).floor(Duration::ZERO).window(WINDOW);
        let mut simulation = Simulation::new(config, Duration::from_millis(5));
        simulation.run(2 * WINDOW, &mut callee);
        for _ in 0..10 {
            let share = simulation.run(2 * WINDOW, &mut callee).share_cut_off();
            // 4,000 calls, and seven times the deviation of what chance makes of them.
            let most = (1.0 - q) + 7.0 * (q * (1.0 - q) / 2_000.0).sqrt();
            prop_assert!(share <= most, "{share} of {most}");
        }
    }

    #[test]
    fn it_keeps_to_its_bounds(
        bounds in (any::<u64>(), any::<u64>()),
        thousandth in 0..=1_000_u32,
        factor in prop_oneof![1.0..10.0_f64, Just(1e308)],
        steps in prop::collection::vec((any::<u8>(), any::<u64>(), latencies()), 1..100),
    ) {
        let (floor, ceiling) =
            (Duration::from_nanos(bounds.0.min(bounds.1)), Duration::from_nanos(bounds.0.max(bounds.1)));
        let config = Adaptive::quantile(f64::from(thousandth) / 1_000.0).factor(factor).floor(floor).ceiling(ceiling);
        let (limit, mut now) = (LatencyLimit::new(config.window(WINDOW).min_calls(1)), 0);
        for (kind, luck, latency) in steps {
            now = moved(now, WINDOW.as_nanos() as u64, kind, luck);
            limit.record(latency, Instant::from_nanos(now));
            let limit = limit.limit(Instant::from_nanos(now));
            prop_assert!(floor <= limit && limit <= ceiling, "{limit:?}");
        }
    }
}

#[test]
fn where_all_calls_hang_it_grows_to_the_ceiling_and_comes_down_again() {
    let latency = Duration::from_millis(100);
    let mut simulation = settled(Adaptive::quantile(0.99).ceiling(5 * SECOND), latency);
    assert!(simulation.run(WINDOW, || latency).longest_limit < 3 * latency);
    let hangs = simulation.run(2 * WINDOW, || Duration::MAX);
    assert_eq!((hangs.cut_off, hangs.longest_limit), (hangs.calls, 5 * SECOND));
    simulation.run(2 * WINDOW + 5 * SECOND + TICK, || latency);
    let recovered = simulation.run(WINDOW, || latency);
    assert!(recovered.cut_off == 0 && recovered.longest_limit < 3 * latency, "{recovered:?}");
}

#[test]
fn it_would_be_ground_down_by_leaving_out_what_is_cut_off() {
    let config = Adaptive::quantile(0.9).factor(1.0).floor(Duration::ZERO).window(WINDOW);
    let [recorded, left_out] = [false, true].map(|leaves_out| {
        let (mut random, mut simulation) = (Random(1), Simulation::new(config, Duration::from_millis(5)));
        simulation.leaves_out = leaves_out;
        simulation.run(60 * WINDOW, || random.latency());
        simulation.run(WINDOW, || random.latency()).share_cut_off()
    });
    assert!(recorded < 0.12 && left_out > 0.8, "{recorded} {left_out}");
}

#[test]
fn with_too_few_calls_it_is_the_ceiling() {
    let limit = LatencyLimit::new(Adaptive::quantile(0.5).ceiling(SECOND).window(WINDOW).min_calls(10));
    let mut now = Instant::ORIGIN;
    for _ in 0..10 {
        assert_eq!(limit.limit(now), SECOND);
        now = now + TICK;
        limit.record(Duration::from_millis(10), now);
    }
    assert!(limit.limit(now) < SECOND, "ten are enough");
    now = now + 2 * WINDOW;
    assert_eq!(limit.limit(now), SECOND, "they are forgotten");
    assert_eq!(limit.histogram().count(now), 0);
}

#[test]
fn it_is_reckoned_once_in_a_tick() {
    let limit = LatencyLimit::new(Adaptive::quantile(1.0).ceiling(10 * SECOND).window(WINDOW).min_calls(1));
    let at = |ticks: u32, nanos: u64| Instant::ORIGIN + ticks * TICK + Duration::from_nanos(nanos);
    limit.record(SECOND / 10, at(1, 0));
    let first = limit.limit(at(1, 0));
    assert!(first < SECOND);
    limit.record(SECOND, at(1, 0));
    let last_moment = TICK.as_nanos() as u64 - 1;
    assert_eq!(limit.limit(at(1, last_moment)), first);
    let second = limit.limit(at(2, 0));
    assert!(second > 2 * SECOND);
    // A late reading brings nothing back, and makes nobody look at all buckets.
    limit.record(2 * SECOND, at(2, 0));
    assert_eq!(limit.limit(at(1, last_moment)), second);
    assert_eq!(limit.limit(at(2, 1)), second);
    assert!(limit.limit(at(3, 0)) > 4 * SECOND);
}

#[test]
fn it_goes_on_after_a_look_into_the_future() {
    let limit = LatencyLimit::new(Adaptive::quantile(1.0).ceiling(10 * SECOND).window(WINDOW).min_calls(1));
    assert_eq!(limit.limit(Instant::MAX), 10 * SECOND);
    limit.record(SECOND, Instant::ORIGIN);
    assert!(limit.limit(Instant::ORIGIN) < 3 * SECOND);
}

/// Uniform shares, from a linear congruential generator (Knuth's MMIX).
struct Random(u64);

impl Random {
    /// With a long tail: one in a thousand takes seven times the mean, or more.
    fn latency(&mut self) -> Duration {
        Duration::from_secs_f64(-0.02 * (1.0 - self.share()).ln())
    }

    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
