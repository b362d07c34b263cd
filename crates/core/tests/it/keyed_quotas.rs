//! Keys whose quotas differ and change, more of them than have numbers in a shard; and what the cap leaves for a new key.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use proptest::prelude::*;
use seawall_core::{
    rate::{
        Algorithm, Limiter, Quota,
        keyed::{AtCap, Keyed, KeyedConfig},
    },
    time::Instant,
};

const START: Instant = Instant::from_nanos(1_000_000_000_000_000_000);

/// Forty different ones, with intervals that are powers of two, so that no unit is rounded.
fn quota(number: u64) -> Quota {
    let number = number % 40;
    Quota::every(Duration::from_nanos(1 << (20 + number % 8))).burst(number as u32 / 8 + 2)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_key_whose_quota_changes_keeps_its_level_whatever_other_keys_have(
        steps in prop::collection::vec((0..60_u64, 1..4_u32, 0..100_000_000_u64, any::<u8>()), 1..200),
    ) {
        let change = AtomicU64::new(0);
        let quota_of = |key: u64| quota(key + change.load(Ordering::Relaxed) * (key % 3));
        let keyed: Keyed<u64, _> = Keyed::new(|key: &u64| quota_of(*key), KeyedConfig::new(1_000).shards(1), START);
        let mut alone: HashMap<u64, Limiter<()>> = HashMap::new();
        let mut now = START;
        for key in 0..60 {
            // So that all numbers are taken.
            alone.insert(key, Limiter::new(quota_of(key), Algorithm::Gcra, 1, START));
            prop_assert!(keyed.try_enter(&key, 2, now).is_ok());
            prop_assert!(alone[&key].try_enter(2, now).is_ok());
        }
        for (key, cost, pause, luck) in steps {
            now = now + Duration::from_nanos(if luck % 4 == 0 { pause } else { pause % 1_000_000 });
            change.fetch_add(u64::from(luck % 16 == 0), Ordering::Relaxed);
            let limiter = &alone[&key];
            let quota = quota_of(key);
            // A call that never passes leaves its key's bucket as it was.
            let cost = cost.min(quota.max_burst());
            if limiter.quota() != quota {
                let _ = limiter.set_quota(quota, now);
            }
            let (available, alone) = (keyed.available(&key, now), limiter.available(now));
            prop_assert!(available.abs_diff(alone) <= 1, "{available} and not {alone}");
            let entered = keyed.try_enter(&key, cost, now).map_err(|refusal| refusal.retry_after());
            let expected = limiter.try_enter(cost, now).map_err(|denied| limiter.refusal(denied, cost).retry_after());
            // Each rounds to a nanosecond of the faster rate when it is poured over, which is up to 128 of the slower one.
            let wait = |told: Result<(), Option<Duration>>| told.err().flatten().unwrap_or_default();
            prop_assert!(wait(entered).abs_diff(wait(expected)) <= Duration::from_micros(10), "{entered:?}, {expected:?}");
            if entered.is_ok() != expected.is_ok() {
                return Ok(());
            }
        }
        // Also keys without a number are forgotten when they are idle, and nothing is kept of them.
        now = now + Duration::from_secs(60);
        keyed.purge(now);
        prop_assert_eq!(keyed.len(), 0);
    }

    /// Whatever is held, at any cap: a call passes if its cost is available, and no other.
    #[test]
    fn what_is_available_to_a_key_is_what_its_calls_meet(
        at_cap in prop_oneof![
            Just(AtCap::EvictIdlest),
            Just(AtCap::RefuseNew),
            Just(AtCap::Overflow(Quota::per_second(10).burst(3))),
        ],
        steps in prop::collection::vec((0..12_u64, 1..7_u32, 0..400_000_000_u64), 1..60),
    ) {
        let quota = Quota::per_second(10).burst(5);
        let keyed: Keyed<u64, _> = Keyed::new(move |_: &u64| quota, KeyedConfig::new(4).at_cap(at_cap), START);
        let mut now = START;
        for (key, cost, pause) in steps {
            now = now + Duration::from_nanos(pause);
            let available = keyed.available(&key, now);
            let entered = keyed.try_enter(&key, cost, now);
            prop_assert_eq!(entered.is_ok(), cost <= available, "{} of {}", cost, available);
        }
    }
}

#[test]
fn a_level_is_kept_over_years_by_keys_without_a_number() {
    let keyed: Keyed<u64, _> = Keyed::new(
        |key: &u64| Quota::every(Duration::from_secs((key + 1) * 86_400 * 10)).burst(40),
        KeyedConfig::new(100).shards(1),
        START,
    );
    (0..20).for_each(|key| keyed.try_enter(&key, 40, START).unwrap());
    // Beyond the time that a word can say, from its middle on.
    let years = START + Duration::from_secs(4 * 366 * 86_400);
    // One in 200 days: seven in four years.
    assert_eq!(keyed.available(&19, years), 7);
    assert_eq!(keyed.available(&0, years), 40);
}
