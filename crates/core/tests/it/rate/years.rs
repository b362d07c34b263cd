//! Rates over long times, and over thousands of changes.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use seawall_core::{rate::Quota, time::Instant};

use super::{DAY, START, cases, limiter, quotas, try_enter, unit};

fn fewer_cases() -> ProptestConfig {
    ProptestConfig { cases: cases().cases / 20, ..cases() }
}

proptest! {
    #![proptest_config(fewer_cases())]

    /// A greedy caller, who takes all there can be at once, and jumps to when there is as much again.
    #[test]
    fn the_rate_of_a_year_is_off_by_less_than_a_billionth(quota in quotas(), share in 1..=u32::MAX) {
        let period = quota.period().as_nanos();
        // Half a day's worth, so that it comes to a year, where a burst can be as much.
        let worth = u128::from(DAY) / 2 * u128::from(quota.count()) / period;
        let quota = quota.burst(((worth * u128::from(share)) >> 32).clamp(1, u128::from(u32::MAX)) as u32);
        prop_assume!(quota.refill_time() < Duration::from_nanos(DAY));
        let limiter = limiter(quota, START);
        let (cost, mut now) = (quota.max_burst(), START);
        prop_assert_eq!(try_enter(&limiter, cost, now), Ok(()));
        for round in 1..=730_u128 {
            let wait = try_enter(&limiter, cost, now).expect_err("all was taken").expect("it is not above the burst");
            now = now + Duration::from_nanos(wait);
            prop_assert_eq!(try_enter(&limiter, cost, now), Ok(()));
            let took = u128::from(now.as_nanos() - START.as_nanos());
            let exact = round * u128::from(cost) * period / u128::from(quota.count());
            // Never faster than the quota but for the rounding of single calls.
            let most = 2 + u128::from(unit(&quota)) + exact / 1_000_000_000;
            prop_assert!(took.abs_diff(exact) <= most, "{} for {} in round {}", took, exact, round);
        }
    }

    /// The burst stays as it is: where it is lowered, what was spent beyond the lower one is forgotten.
    #[test]
    fn thousands_of_changes_let_no_more_pass_than_the_fastest_rate(
        rates in vec((1..=1_000_000_u32, 1_000_000..=10_000_000_000_u64), 2..5),
        burst in prop_oneof![1..5_u32, 1..1_000_000_u32],
        step in prop_oneof![1..100_u64, 1..1_000_000_000_u64],
        luck in any::<u64>(),
    ) {
        let quotas: Vec<Quota> =
            rates.iter().map(|&(count, period)| Quota::new(count, Duration::from_nanos(period)).burst(burst)).collect();
        let rate = |quota: &Quota| (u128::from(quota.count()), quota.period().as_nanos());
        let (count, period) = quotas.iter().map(rate).max_by(|one, two| (one.0 * two.1).cmp(&(two.0 * one.1))).unwrap();
        let limiter = limiter(quotas[0], START);
        let (mut now, mut luck) = (START, luck | 1);
        // What has passed, less what the rate allows by then, times the period; the least of it before a call.
        let (mut passed, mut least) = (0_i128, i128::MAX);
        for change in 0..2_000 {
            luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            now = now + Duration::from_nanos((luck >> 32) % step);
            let available = limiter.available(now);
            prop_assert!(available <= burst);
            let cost = if luck % 3 == 0 { available } else { available.min(1) };
            let allowed = i128::from(now.as_nanos() - START.as_nanos()) * count as i128;
            least = least.min(passed - allowed);
            prop_assert_eq!(try_enter(&limiter, cost, now), Ok(()));
            passed += i128::from(cost) * period as i128;
            // Three nanoseconds, as of all windows, and one for each change: what is produced by then is rounded down.
            let most = i128::from(burst) * period as i128 + (3 + i128::from(change)) * count as i128;
            prop_assert!(passed - allowed - least <= most, "by change {}", change);
            let _ = limiter.set_quota(quotas[(luck >> 8) as usize % quotas.len()], now);
            prop_assert!(limiter.available(now) <= burst);
        }
        // And it is not stuck.
        let slowest = quotas.iter().map(Quota::refill_time).max().unwrap();
        now = now + slowest + Duration::from_nanos(2);
        prop_assert_eq!(limiter.available(now), burst);
    }

    #[test]
    fn changes_that_come_all_the_time_do_not_stop_it(
        (one, two) in (quotas(), quotas()),
        changes in 10..200_u32,
    ) {
        let limiter = limiter(one.burst(1), START);
        prop_assert_eq!(try_enter(&limiter, 1, START), Ok(()));
        // As long as the slower one takes, in so many steps.
        let slower = one.interval().max(two.interval()) + Duration::from_nanos(1);
        let mut now = START;
        for change in 0..=changes {
            let _ = limiter.set_quota([one.burst(1), two.burst(1)][change as usize % 2], now);
            prop_assert!(limiter.available(now) <= 1);
            now = now + slower / changes + Duration::from_nanos(2);
        }
        prop_assert_eq!(try_enter(&limiter, 1, now), Ok(()));
    }
}

#[test]
fn a_bucket_outlives_the_time_that_its_word_can_say() {
    let quota = Quota::every(Duration::from_nanos(DAY)).burst(3);
    let limiter = limiter(quota, START);
    let mut now: Instant = START;
    assert_eq!(try_enter(&limiter, 3, now), Ok(()));
    for _ in 0..20 * 366 {
        let wait = try_enter(&limiter, 1, now).unwrap_err().unwrap();
        assert!(wait.abs_diff(DAY) <= 2, "{wait}");
        now = now + Duration::from_nanos(wait);
        assert_eq!(try_enter(&limiter, 1, now), Ok(()));
    }
}
