//! The laws of recent latencies and of the time limit that follows them, over random histories.
mod limit;
mod naive;
mod simulation;

use std::{env, time::Duration};

use naive::Model;
use proptest::{collection::vec, prelude::*};
use seawall_core::{latency::Histogram, time::Instant};

const DAY: u64 = 86_400_000_000_000;
const SECOND: Duration = Duration::from_secs(1);

fn cases(share: u32) -> ProptestConfig {
    let cases = env::var("SEAWALL_CASES").ok().map_or(10_000, |cases| cases.parse().expect("a number"));
    ProptestConfig { cases: (cases / share).max(1), failure_persistence: None, ..ProptestConfig::default() }
}

fn windows() -> impl Strategy<Value = Duration> {
    let nanos = prop_oneof![
        Just(1_000_000),
        Just(10_000_000_000),
        1_000_000..=1_000_000_000_u64,
        1_000_000..=100 * DAY,
        Just(u64::MAX)
    ];
    nanos.prop_map(Duration::from_nanos)
}

/// Of all magnitudes, and now and then beyond what is told apart.
fn latencies() -> impl Strategy<Value = Duration> {
    let nanos = (0..=64_u32, any::<u64>()).prop_map(|(bits, luck)| luck.checked_shr(bits).unwrap_or(0));
    prop_oneof![20 => nanos.prop_map(Duration::from_nanos), 1 => Just(Duration::MAX)]
}

/// Thousandths, so that a rank can be reckoned in whole numbers.
fn thousandths() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..=1_000_u64, 1 => prop_oneof![Just(0), Just(500), Just(990), Just(1_000)]]
}

/// Where the clock goes in steps that matter to that window, or to any.
fn moved(now: u64, window: u64, kind: u8, luck: u64) -> u64 {
    let up_to = |most: u64| luck % most.saturating_add(1).max(1);
    match kind % 16 {
        0..=3 => now,
        4..=6 => now.saturating_add(up_to(window / 4)),
        7 | 8 => now.saturating_add(up_to(window.saturating_mul(2))),
        9 => now.saturating_add(window - 1),
        10 => now.saturating_add(window),
        // The first moment of the next epoch, and the last one of this.
        11 => (now / window + 1).saturating_mul(window),
        12 => now.max((now / window + 1).saturating_mul(window) - 1),
        13 => now.saturating_add(up_to(400 * DAY)),
        14 => now.saturating_sub(up_to(window / 2)),
        _ if luck % 8 == 0 => u64::MAX,
        _ => now.saturating_sub(up_to(window.saturating_mul(3))),
    }
}

/// What is told of a call is above what it took, by an eighth at most.
fn is_edge_above(edge: Duration, latency: Duration) -> bool {
    match latency.as_nanos() {
        nanos if nanos < 1 << 10 => edge.as_nanos() == 1 << 10,
        nanos if nanos >= 1 << 42 => edge == Duration::MAX,
        nanos => edge.as_nanos() > nanos && edge.as_nanos() <= nanos + nanos / 8,
    }
}

proptest! {
    #![proptest_config(cases(1))]

    #[test]
    fn the_histogram_does_what_a_plain_list_does(
        window in windows(),
        start in prop_oneof![Just(0), any::<u64>()],
        steps in vec((any::<u8>(), any::<u64>(), latencies(), thousandths()), 1..60),
    ) {
        let (histogram, mut model) = (Histogram::new(window), Model::new(window));
        let mut now = start;
        for (kind, luck, latency, thousandth) in steps {
            now = moved(now, window.as_nanos() as u64, kind, luck);
            let instant = Instant::from_nanos(now);
            // Some only ask, so that time also passes in silence.
            if kind < 240 {
                histogram.record(latency, instant);
                model.record(latency, instant);
            }
            prop_assert_eq!(histogram.count(instant), model.recent(instant).len() as u64);
            let quantile = histogram.quantile(thousandth as f64 / 1_000.0, instant);
            match model.quantile(thousandth, instant) {
                Some(exact) => {
                    let quantile = quantile.expect("there is a call");
                    prop_assert!(is_edge_above(quantile, exact), "{:?} for {:?}", quantile, exact);
                }
                None => prop_assert_eq!(quantile, None),
            }
        }
    }

    #[test]
    fn the_last_window_counts_and_what_is_two_windows_old_does_not(
        window in windows(),
        steps in vec((any::<u8>(), any::<u64>()), 1..60),
    ) {
        let histogram = Histogram::new(window);
        let (mut now, mut ended) = (0, Vec::new());
        for (kind, luck) in steps {
            now = moved(now, window.as_nanos() as u64, kind % 14, luck);
            histogram.record(SECOND, Instant::from_nanos(now));
            ended.push(now);
            let younger_than = |age: u128| ended.iter().filter(|at| u128::from(now - **at) < age).count() as u64;
            let count = histogram.count(Instant::from_nanos(now));
            prop_assert!(count >= younger_than(window.as_nanos()), "{count}");
            prop_assert!(count <= younger_than(2 * window.as_nanos()), "{count}");
        }
    }
}

#[test]
fn a_rank_is_not_rounded_to_the_next() {
    for calls in 1..=150 {
        for short in 1..=calls {
            let histogram = Histogram::new(SECOND);
            (0..short).for_each(|_| histogram.record(Duration::ZERO, Instant::ORIGIN));
            (short..calls).for_each(|_| histogram.record(SECOND, Instant::ORIGIN));
            let is_short = |rank: f64| histogram.quantile(rank / f64::from(calls), Instant::ORIGIN) < Some(SECOND);
            assert!(is_short(f64::from(short)), "{short} of {calls}");
            assert!(short == calls || !is_short(f64::from(short) + 0.001), "{short} of {calls}");
        }
    }
}

#[test]
fn a_full_cell_stays_full() {
    // The shortest window leaves the fewest bits for the count: 19.
    let histogram = Histogram::new(Duration::from_millis(1));
    for at in [Instant::ORIGIN, Instant::MAX] {
        (0..(1 << 19) + 10).for_each(|_| histogram.record(SECOND, at));
        histogram.record(2 * SECOND, at);
        assert_eq!(histogram.count(at), 1 << 19, "2^19 - 1, and the longer one");
        assert!(is_edge_above(histogram.quantile(0.5, at).unwrap(), SECOND));
    }
}

#[test]
fn many_threads_lose_no_call() {
    let histogram = Histogram::new(SECOND);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let histogram = &histogram;
            scope.spawn(move || (0..100_000).for_each(|_| histogram.record(SECOND, Instant::MAX)));
        }
    });
    assert_eq!(histogram.count(Instant::MAX), 400_000);
}

#[test]
#[should_panic(expected = "`quantile` must be from 0 to 1, got 1.5")]
fn a_quantile_above_one_is_refused() {
    let _ = Histogram::new(SECOND).quantile(1.5, Instant::ORIGIN);
}
