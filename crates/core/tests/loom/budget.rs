//! What can happen where two threads meet at a budget: every interleaving of them is tried.
use std::time::Duration;

use loom::thread;
use seawall_core::{Budget, time::Instant};

const START: Instant = Instant::from_nanos(1_000_000_000_000);
const LATER: Instant = Instant::from_nanos(1_001_000_000_000);

/// Pays for nothing by itself.
fn empty(ratio: f64) -> Budget {
    Budget::ratio(ratio).floor(0)
}

fn both<A: 'static, B>(budget: &Budget, one: fn(&Budget) -> A, other: fn(&Budget) -> B) -> (A, B) {
    let theirs = budget.clone();
    let thread = thread::spawn(move || one(&theirs));
    let ours = other(budget);
    (thread.join().expect("it does not panic"), ours)
}

#[test]
fn of_two_who_want_the_last_retry_one_has_it() {
    loom::model(|| {
        let budget = empty(1.0);
        budget.deposit();
        let (one, other) = both(&budget, |b| b.withdraw(START), |b| b.withdraw(START));
        assert!(one != other);
        assert_eq!(budget.balance(), 0.0);
    });
}

#[test]
fn no_payment_is_lost_beside_another() {
    loom::model(|| {
        let budget = empty(0.5);
        both(&budget, Budget::deposit, Budget::deposit);
        assert_eq!(budget.balance(), 1.0);
    });
}

#[test]
fn no_payment_is_lost_beside_a_withdrawal() {
    loom::model(|| {
        let budget = empty(1.0);
        budget.deposit();
        let ((), paid) = both(&budget, Budget::deposit, |b| b.withdraw(START));
        assert!(paid);
        assert_eq!(budget.balance(), 1.0);
    });
}

#[test]
fn what_is_given_back_beside_a_payment_fills_it_no_further_than_full() {
    loom::model(|| {
        let budget = Budget::ratio(1.0).floor(0).burst(1);
        both(&budget, Budget::deposit, Budget::refund);
        assert_eq!(budget.balance(), 1.0);
    });
}

#[test]
fn what_the_floor_has_earned_is_paid_once() {
    loom::model(|| {
        let budget = Budget::ratio(0.0).floor(1).burst(1);
        assert!(budget.withdraw(START));
        let (one, other) = both(&budget, |b| b.withdraw(LATER), |b| b.withdraw(LATER));
        // Who finds that the other is paying may be refused; but nobody is paid twice.
        assert!(!(one && other));
        let left = budget.withdraw(LATER);
        assert_eq!(u8::from(one) + u8::from(other) + u8::from(left), 1);
        assert!(budget.withdraw(LATER + Duration::from_secs(1)));
    });
}
