//! The laws of a rate limit per key: against naive buckets without bounds, and under attack.
use std::{
    collections::{BTreeMap, HashMap},
    env,
    time::Duration,
};

use proptest::prelude::*;
use seawall_core::{
    rate::{
        Algorithm, Limiter, Quota, Reason,
        keyed::{AtCap, Keyed, KeyedConfig, SameQuota},
    },
    time::Instant,
};

const START: Instant = Instant::from_nanos(1_000_000_000_000_000_000);

fn cases() -> ProptestConfig {
    let cases = env::var("SEAWALL_CASES").ok().map_or(2_000, |cases| cases.parse().expect("a number"));
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn same(quota: Quota, config: KeyedConfig) -> Keyed<u64> {
    Keyed::new(SameQuota::new(quota), config, START)
}

fn quotas() -> impl Strategy<Value = Quota> {
    prop_oneof![
        Just(Quota::per_second(10).burst(3)),
        Just(Quota::per_second(7_000_000).burst(1)),
        Just(Quota::per_minute(1).burst(5)),
        Just(Quota::every(Duration::from_millis(10)).burst(100)),
    ]
}

proptest! {
    #![proptest_config(cases())]

    /// Each key does what a limiter of its own does, though idle ones are forgotten all the time.
    #[test]
    fn each_key_has_a_bucket_of_its_own(
        quota in quotas(),
        steps in prop::collection::vec((0..12_u64, 1..4_u32, 0..2_000_000_000_u64, any::<u8>()), 1..150),
    ) {
        let keyed = same(quota, KeyedConfig::new(1_000));
        let mut alone: HashMap<u64, Limiter<()>> = HashMap::new();
        let mut now = START;
        for (key, cost, pause, luck) in steps {
            now = now + Duration::from_nanos(if luck % 4 == 0 { pause } else { pause % 1_000_000 });
            let cost = cost.min(quota.max_burst());
            let limiter = alone.entry(key).or_insert_with(|| Limiter::new(quota, Algorithm::Gcra, 1, START));
            prop_assert_eq!(keyed.available(&key, now), limiter.available(now));
            let expected = limiter.try_enter(cost, now).map_err(|denied| limiter.refusal(denied, cost));
            let entered = keyed.try_enter(&key, cost, now);
            prop_assert_eq!(entered.map_err(|refusal| refusal.retry_after()), expected.map_err(|refusal| refusal.retry_after()));
            if luck > 250 {
                keyed.purge(now);
            }
        }
        now = now + quota.refill_time() + Duration::from_nanos(2);
        keyed.purge(now);
        prop_assert_eq!((keyed.len(), keyed.bytes() < 1_000), (0, true));
    }

    #[test]
    fn a_quota_that_changes_keeps_what_a_key_has_spent(
        changes in prop::collection::vec((quotas(), 0..4_u64, 1..4_u32, 0..50_000_000_u64), 1..80),
    ) {
        let keyed = same(Quota::per_second(10).burst(3), KeyedConfig::new(1_000));
        let mut spent: BTreeMap<u64, Limiter<()>> = BTreeMap::new();
        let (mut now, mut quota) = (START, Quota::per_second(10).burst(3));
        for (next, key, cost, pause) in changes {
            now = now + Duration::from_nanos(pause);
            prop_assert_eq!(keyed.quotas().set(next), quota);
            quota = next;
            for limiter in spent.values() {
                let _ = limiter.set_quota(quota, now);
            }
            let limiter = spent.entry(key).or_insert_with(|| Limiter::new(quota, Algorithm::Gcra, 1, now));
            let cost = cost.min(quota.max_burst());
            // What is poured over at once, and what is poured over when its key comes next, may differ in rounding.
            let (available, expected) = (keyed.available(&key, now), limiter.available(now));
            prop_assert!(available <= quota.max_burst());
            if cost < expected.min(available) {
                prop_assert!(keyed.try_enter(&key, cost, now).is_ok());
                prop_assert!(limiter.try_enter(cost, now).is_ok());
            }
        }
    }
}

#[test]
fn keys_have_quotas_of_their_own() {
    let keyed: Keyed<String, _> =
        Keyed::new(|key: &str| Quota::per_second(if key == "large" { 10 } else { 1 }), KeyedConfig::new(10), START);
    let passes = |key: &str| (0..20).filter(|_| keyed.try_enter(key, 1, START).is_ok()).count();
    assert_eq!((passes("large"), passes("small")), (10, 1));
    assert_eq!(keyed.try_enter("small", 2, START).unwrap_err().reason(), Reason::TooLarge);
    assert_eq!((keyed.available("small", START), keyed.available("new", START)), (0, 1));
    assert!(keyed.forget("small") && !keyed.forget("small"));
    assert_eq!(passes("small"), 1);
}

#[test]
fn more_quotas_than_have_numbers_are_kept_to_nevertheless() {
    let keyed: Keyed<u64, _> = Keyed::new(|key: &u64| Quota::per_hour(*key as u32 + 1), KeyedConfig::new(1_000), START);
    for key in 0..100 {
        let passed = (0..200).filter(|_| keyed.try_enter(&key, 1, START).is_ok()).count();
        assert_eq!(passed as u64, key + 1);
    }
    assert!((0..100).all(|key| keyed.available(&key, START) == 0));
    assert!((0..100).all(|key| keyed.try_enter(&key, 1, START).is_err()));
}

#[test]
fn idle_keys_vanish_as_others_are_used() {
    let keyed = same(Quota::per_second(10), KeyedConfig::new(1_000_000).shards(1));
    for key in 0..20_000_u64 {
        keyed.try_enter(&key, 1, START).unwrap();
    }
    let full = keyed.bytes();
    assert_eq!(keyed.len(), 20_000);
    let later = START + Duration::from_secs(10);
    for _ in 0..200_000 {
        let _ = keyed.try_enter(&7, 1, later);
    }
    assert_eq!(keyed.len(), 1);
    assert!(keyed.bytes() * 100 < full, "{} of {full}", keyed.bytes());
}

#[test]
fn a_million_hostile_keys_neither_fill_the_memory_nor_starve_an_honest_one() {
    let quota = Quota::per_second(100).burst(10);
    let (max_keys, attackers) = (10_000, 1_000_000_u64);
    for at_cap in [AtCap::EvictIdlest, AtCap::RefuseNew, AtCap::Overflow(quota)] {
        let keyed = same(quota, KeyedConfig::new(max_keys).at_cap(at_cap));
        let (mut now, mut honest, mut asked) = (START, 0_u64, 0_u64);
        for attacker in 0..attackers {
            let _ = keyed.try_enter(&(attacker + 1), 1, now);
            if attacker % 100 == 0 {
                // At its quota, exactly.
                now = now + Duration::from_millis(10);
                asked += 1;
                honest += u64::from(keyed.try_enter(&0, 1, now).is_ok());
            }
            debug_assert!(keyed.max_keys() == max_keys);
        }
        assert!(honest * 100 >= asked * 99, "{honest} of {asked}, {at_cap:?}");
        assert!(keyed.len() <= max_keys);
        // At most 24 bytes a key over the eight of the key itself, and what rounding makes of small shards.
        assert!(keyed.bytes() <= max_keys * 33, "{}", keyed.bytes());
    }
}

#[test]
fn at_the_cap_the_policy_decides() {
    let quota = Quota::per_hour(1);
    let keyed = same(quota, KeyedConfig::new(3).at_cap(AtCap::RefuseNew));
    assert!((0..3).all(|key| keyed.try_enter(&key, 1, START).is_ok()));
    let refusal = keyed.try_enter(&3, 1, START).unwrap_err();
    assert_eq!((refusal.reason(), refusal.retry_after()), (Reason::TooManyKeys, None));
    assert_eq!(keyed.try_enter(&0, 1, START).unwrap_err().reason(), Reason::Exhausted);

    let keyed = same(quota, KeyedConfig::new(3).at_cap(AtCap::Overflow(Quota::per_hour(2))));
    assert!((0..3).all(|key| keyed.try_enter(&key, 1, START).is_ok()));
    let passed = (3..100).filter(|key| keyed.try_enter(key, 1, START).is_ok()).count();
    assert_eq!((passed, keyed.len()), (2, 3));

    let keyed = same(quota.burst(5), KeyedConfig::new(3));
    for (key, cost) in [(0, 5), (1, 1), (2, 5)] {
        keyed.try_enter(&key, cost, START).unwrap();
    }
    assert!(keyed.try_enter(&3, 5, START).is_ok());
    // The one with the fullest bucket went, and it alone.
    assert_eq!([0, 1, 2, 3].map(|key| keyed.available(&key, START)), [0, 5, 0, 0]);
}

#[test]
fn a_clock_that_steps_back_neither_admits_twice_nor_stalls_a_key() {
    let quota = Quota::per_second(1).burst(2);
    for back in [1, 1_000_000, 3_600_000_000_000, 800 * 86_400_000_000_000] {
        let keyed = same(quota, KeyedConfig::new(10));
        keyed.try_enter(&1, 2, START).unwrap();
        let now = Instant::from_nanos(START.as_nanos() - back);
        assert_eq!(keyed.available(&1, now), 0);
        let wait = keyed.try_enter(&1, 1, now).unwrap_err().retry_after().unwrap();
        assert!(wait <= Duration::from_secs(1) + Duration::from_millis(1), "{wait:?}");
        assert!(keyed.try_enter(&1, 1, now + wait).is_ok());
        assert!(keyed.try_enter(&1, 1, now + wait).is_err());
    }
}

#[test]
fn threads_share_the_buckets() {
    let keyed = same(Quota::per_hour(1_000), KeyedConfig::new(100));
    let passed: usize = std::thread::scope(|scope| {
        let run = || (0..4_000_u64).filter(|turn| keyed.try_enter(&(turn % 4), 1, START).is_ok()).count();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(passed, 4_000);
}
