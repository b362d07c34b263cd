use seawall_core::{
    Budget,
    time::{Clock, Instant, ManualClock},
};

use crate::conformance::script::Case;
use seawall_testkit::{panics::panic_message, time::ms};

/// Time stands still.
const NOW: Instant = Instant::ORIGIN;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("RB-01", "without a bound the balance is infinite; there is no time in which a deposit expires")
            .own(empty_and_unlimited)
            .own(wrong_budgets_are_refused),
        Case::new("RB-02", "the balance is a fraction: less than one when it refuses")
            .own(a_share_of_the_calls_is_granted),
        Case::new("RB-03", "a budget begins with the floor of ten seconds, for any calls").own(a_floor_comes_on_top),
        Case::new("RB-07", "one at a time, each for one").own(what_is_given_back_is_capped),
        Case::new("RB-10", "what was saved does not expire but is capped").own(what_is_saved_is_kept_and_capped),
    ]
}

fn empty_and_unlimited() {
    let empty = Budget::ratio(0.0).floor(0);
    assert_eq!((empty.balance(), empty.withdraw(NOW)), (0.0, false));
    empty.deposit();
    assert!(!empty.withdraw(NOW) && !empty.withdraw(NOW + ms(9_000)));
    assert_eq!(empty.balance(), 0.0);
    let unlimited = Budget::unlimited();
    assert!((0..1_000).all(|_| unlimited.withdraw(NOW)));
    assert_eq!(unlimited.balance(), f64::INFINITY);
}

fn wrong_budgets_are_refused() {
    for ratio in [-1.0, -0.001, 1_000.1, f64::NAN, f64::INFINITY] {
        let words = panic_message(|| Budget::ratio(ratio)).unwrap();
        assert_eq!(words, format!("`ratio` must be from 0 to 1000, got {ratio}"));
    }
    assert_eq!(panic_message(|| Budget::ratio(0.1).burst(0)).as_deref(), Some("`burst` must be at least 1, got 0"));
}

/// How many retries are granted to so many calls that fail at once, and whether there was less than one left whenever one
/// was refused.
fn granted(budget: &Budget, calls: u32) -> u32 {
    let mut granted = 0;
    for _ in 0..calls {
        budget.deposit();
        if budget.withdraw(NOW) {
            granted += 1;
        } else {
            assert!(budget.balance() < 1.0, "{budget:?}");
        }
    }
    granted
}

fn a_share_of_the_calls_is_granted() {
    for ratio in [0.1, 0.5, 0.25, 0.75, 0.99, 0.999, 0.9999, 0.01, 0.001, 0.0001] {
        let granted = granted(&Budget::ratio(ratio).floor(0), 10_000);
        assert!(granted.abs_diff((10_000.0 * ratio) as u32) <= 1, "{ratio}: {granted}");
    }
}

fn a_floor_comes_on_top() {
    let budget = Budget::ratio(0.0).floor(1);
    assert_eq!((budget.balance(), granted(&budget, 10_000)), (10.0, 10));
    let granted = granted(&Budget::ratio(0.5).floor(1), 10_000);
    assert!((5_009..=5_011).contains(&granted), "{granted}");
}

fn what_is_given_back_is_capped() {
    let budget = Budget::ratio(0.0).floor(50).burst(50);
    assert!((0..5).all(|_| budget.withdraw(NOW)));
    assert_eq!(budget.balance(), 45.0);
    (0..10).for_each(|_| budget.refund());
    assert_eq!(budget.balance(), 50.0);
    budget.refund();
    assert_eq!(budget.balance(), 50.0);
    assert!((0..49).all(|_| budget.withdraw(NOW)));
    assert_eq!(budget.balance(), 1.0);
    // What is refused takes nothing.
    let half = Budget::ratio(0.5).floor(0);
    half.deposit();
    assert!(!half.withdraw(NOW));
    assert_eq!(half.balance(), 0.5);
}

fn what_is_saved_is_kept_and_capped() {
    let clock = ManualClock::new();
    let whole = Budget::ratio(1.0).floor(0);
    assert!(!whole.withdraw(clock.now()));
    whole.deposit();
    clock.advance(ms(3_000));
    assert!(whole.withdraw(clock.now()) && !whole.withdraw(clock.now()));
    (0..1_000).for_each(|_| whole.deposit());
    clock.advance(ms(3_000));
    assert_eq!((0..1_000).filter(|_| whole.withdraw(clock.now())).count(), 50);
    let half = Budget::ratio(0.5).floor(0);
    (0..2).for_each(|_| half.deposit());
    clock.advance(ms(901));
    assert!(half.withdraw(clock.now()));
    let reserve = Budget::ratio(0.0).floor(5).burst(5);
    assert_eq!((0..10).filter(|_| reserve.withdraw(clock.now())).count(), 5);
    // By steps of time: one retry each 200 ms.
    for _ in 0..100 {
        clock.advance(ms(199));
        assert!(!reserve.withdraw(clock.now()));
        clock.advance(ms(1));
        assert!(reserve.withdraw(clock.now()) && !reserve.withdraw(clock.now()));
    }
}
