//! Calls pay for exactly their share of retries: rounding loses no retry and adds none.

use std::iter;

use proptest::prelude::*;
use seawall_core::{Budget, time::Instant};

/// Deposits for `calls` calls, then counts the retries that the budget pays for. Time stands still.
fn retries_paid_by(budget: &Budget, calls: u32) -> usize {
    (0..calls).for_each(|_| budget.deposit());
    iter::from_fn(|| budget.withdraw(Instant::ORIGIN).then_some(())).count()
}

#[test]
fn five_calls_at_a_fifth_pay_for_exactly_one_retry() {
    let budget = Budget::ratio(0.2).floor(0);
    assert_eq!(retries_paid_by(&budget, 4), 0);
    assert_eq!(retries_paid_by(&budget, 1), 1);
    assert_eq!(budget.balance(), 0.0);
}

#[test]
fn ten_million_calls_at_a_fifth_pay_for_exactly_two_million_retries() {
    let budget = Budget::ratio(0.2).floor(0).burst(u32::MAX);
    assert_eq!(retries_paid_by(&budget, 10_000_000), 2_000_000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn n_calls_at_k_of_n_pay_for_exactly_k_retries(n in 1..2_000_u32, k in 0..2_000_u32) {
        let budget = Budget::ratio(f64::from(k) / f64::from(n)).floor(0).burst(10_000);
        prop_assert_eq!(retries_paid_by(&budget, n), k as usize);
    }

    #[test]
    fn one_call_less_does_not_pay_for_the_last_retry(n in 2..2_000_u32) {
        let budget = Budget::ratio(1.0 / f64::from(n)).floor(0);
        prop_assert_eq!(retries_paid_by(&budget, n - 1), 0);
    }
}
