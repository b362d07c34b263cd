//! What can happen where two threads meet at a rate limit per key: every interleaving of them is tried.
use std::{
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use loom::{
    sync::Arc,
    thread::{self, JoinHandle},
};
use seawall_core::{
    rate::{
        Quota,
        keyed::{AtCap, Keyed, KeyedConfig, SameQuota},
    },
    time::Instant,
};

type Limiter = Keyed<u64, SameQuota, Spread>;

const START: Instant = Instant::from_nanos(1_000_000_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

/// A hash without a secret, as a model must do the same each time.
#[derive(Clone, Default)]
struct Spread(u64);

impl BuildHasher for Spread {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
    }
}

fn keyed(quota: Quota, max_keys: usize, at_cap: AtCap) -> Arc<Limiter> {
    let config = KeyedConfig::new(max_keys).at_cap(at_cap).shards(1);
    Arc::new(Keyed::with_hasher(SameQuota::new(quota), config, Spread::default(), START))
}

fn spawn<T: 'static>(limiter: &Arc<Limiter>, run: impl FnOnce(&Limiter) -> T + 'static) -> JoinHandle<T> {
    let limiter = limiter.clone();
    thread::spawn(move || run(&limiter))
}

#[test]
fn two_first_uses_of_a_key_share_one_bucket() {
    loom::model(|| {
        let limiter = keyed(Quota::per_hour(1), 10, AtCap::EvictIdlest);
        let other = spawn(&limiter, |limiter| limiter.try_enter(&1, 1, START).is_ok());
        let mine = limiter.try_enter(&1, 1, START).is_ok();
        assert!(mine ^ other.join().unwrap());
        assert_eq!(limiter.len(), 1);
    });
}

#[test]
fn a_key_that_is_used_while_idle_ones_are_forgotten_keeps_what_it_has_spent() {
    loom::model(|| {
        let limiter = keyed(Quota::per_hour(2), 10, AtCap::EvictIdlest);
        limiter.try_enter(&1, 2, START).unwrap();
        // Half an hour later it has one, an hour later it is idle: whoever looks then may forget it, and nobody before.
        let other = spawn(&limiter, |limiter| limiter.purge(START + HOUR / 2));
        let passed = limiter.try_enter(&1, 1, START + HOUR / 2).is_ok();
        assert!(passed && other.join().unwrap() == 0);
        assert!(limiter.try_enter(&1, 1, START + HOUR / 2).is_err());
    });
}

#[test]
fn an_idle_key_that_is_forgotten_while_it_is_used_has_one_full_bucket() {
    loom::model(|| {
        let limiter = keyed(Quota::per_hour(1), 10, AtCap::EvictIdlest);
        limiter.try_enter(&1, 1, START).unwrap();
        let now = START + HOUR;
        let other = spawn(&limiter, move |limiter| limiter.purge(now));
        assert!(limiter.try_enter(&1, 1, now).is_ok());
        let _ = other.join().unwrap();
        assert!(limiter.try_enter(&1, 1, now).is_err());
        assert_eq!(limiter.len(), 1);
    });
}

#[test]
fn the_cap_holds_while_two_new_keys_come() {
    for at_cap in [AtCap::EvictIdlest, AtCap::RefuseNew, AtCap::Overflow(Quota::per_hour(1))] {
        loom::model(move || {
            let limiter = keyed(Quota::per_hour(1), 1, at_cap);
            let other = spawn(&limiter, |limiter| limiter.try_enter(&1, 1, START).is_ok());
            let mine = limiter.try_enter(&2, 1, START).is_ok();
            let passed = usize::from(mine) + usize::from(other.join().unwrap());
            assert_eq!((passed, limiter.len()), (if at_cap == AtCap::RefuseNew { 1 } else { 2 }, 1));
        });
    }
}

#[test]
fn a_new_quota_while_a_key_is_used_lets_in_no_more_than_either() {
    loom::model(|| {
        let limiter = keyed(Quota::per_hour(1), 10, AtCap::EvictIdlest);
        let other = spawn(&limiter, |limiter| (0..3).filter(|_| limiter.try_enter(&1, 1, START).is_ok()).count());
        limiter.quotas().set(Quota::per_hour(2));
        let passed = other.join().unwrap();
        assert!((1..=2).contains(&passed), "{passed}");
        assert_eq!(limiter.available(&1, START), 2 - passed as u32);
    });
}
