//! The laws of a budget for retries: against a naive purse that is paid all the time, in every stretch, and at the extremes.
use std::{env, time::Duration};

use proptest::prelude::*;
use seawall_core::{Budget, time::Instant};

const START: Instant = Instant::from_nanos(1_000_000_000_000_000_000);

/// What a float may be off by in all of a history.
const SLACK: f64 = 1e-3;

fn cases() -> ProptestConfig {
    let cases = env::var("SEAWALL_CASES").ok().map_or(5_000, |cases| cases.parse().expect("a number"));
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Calls(u32),
    Retry,
    Refund,
    Wait(u64),
}

#[derive(Debug, Clone, Copy)]
struct Terms {
    ratio: f64,
    floor: u32,
    burst: u32,
}

impl Terms {
    fn budget(self) -> Budget {
        Budget::ratio(self.ratio).floor(self.floor).burst(self.burst)
    }
}

fn terms() -> impl Strategy<Value = Terms> {
    let ratio = prop_oneof![Just(0.0), Just(0.2), Just(1.0), 0.0..3.0];
    let (floor, burst) =
        (prop_oneof![Just(0_u32), Just(10), 1_u32..2_000], prop_oneof![Just(1_u32), Just(100), 1_u32..50]);
    (ratio, floor, burst).prop_map(|(ratio, floor, burst)| Terms { ratio, floor, burst })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![0_u64..3_000_000, 0_u64..2_000_000_000, Just(86_400_000_000_000)];
    let step = prop_oneof![
        3 => (1_u32..20).prop_map(Step::Calls),
        6 => Just(Step::Retry),
        1 => Just(Step::Refund),
        3 => wait.prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..120)
}

/// A purse into which the floor is paid without end, in fractions too.
struct Naive {
    terms: Terms,
    balance: f64,
    now: Instant,
}

impl Naive {
    fn earn(&mut self, amount: f64) {
        self.balance = (self.balance + amount).min(f64::from(self.terms.burst));
    }
}

/// What happened in a history, for the law of every stretch: the time, the calls so far, and the retries so far.
type Marks = Vec<(Instant, f64, f64)>;

/// Plays a history, and holds it to the naive purse if `compare` says so.
fn play(terms: Terms, steps: &[Step], compare: bool) -> Marks {
    let budget = terms.budget();
    let mut naive = Naive { terms, balance: f64::from(terms.floor.saturating_mul(10).min(terms.burst)), now: START };
    let (mut calls, mut paid, mut begun, mut marks) = (0.0, 0.0, false, Vec::new());
    for step in steps {
        match *step {
            Step::Calls(count) => {
                (0..count).for_each(|_| budget.deposit());
                naive.earn(f64::from(count) * terms.ratio);
                calls += f64::from(count);
            }
            Step::Retry => {
                let expected = budget.affords(|| naive.now);
                let granted = budget.withdraw(naive.now);
                assert!(!compare || !begun || expected == granted, "{expected}, then {granted}: {terms:?}, {budget:?}");
                // Not to the last fraction: a floor is paid in whole retries.
                assert!(
                    !compare || !granted || naive.balance >= 1.0 - SLACK,
                    "paid out of {}: {terms:?}",
                    naive.balance
                );
                assert!(
                    !compare || granted || naive.balance < 2.0 + SLACK,
                    "refused out of {}: {terms:?}",
                    naive.balance
                );
                begun = true;
                if granted {
                    naive.balance -= 1.0;
                    paid += 1.0;
                }
            }
            Step::Refund if paid > 0.0 && marks.last().is_some_and(|(_, _, before)| paid > *before) => {
                budget.refund();
                naive.earn(1.0);
                paid -= 1.0;
            }
            Step::Refund => {}
            Step::Wait(nanos) => {
                naive.now = naive.now + Duration::from_nanos(nanos);
                // Before the first retry no time has been looked at.
                if begun {
                    naive.earn(f64::from(terms.floor) * nanos as f64 / 1e9);
                }
            }
        }
        assert!(!compare || budget.balance() <= f64::from(terms.burst), "{budget:?}");
        marks.push((naive.now, calls, paid));
    }
    marks
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn it_pays_what_a_naive_purse_would(terms in terms(), steps in steps()) {
        play(terms, &steps, true);
    }

    #[test]
    fn in_every_stretch_retries_keep_to_burst_share_and_floor(terms in terms(), steps in steps()) {
        let steps: Vec<_> = steps.into_iter().filter(|step| !matches!(step, Step::Refund)).collect();
        let marks = play(terms, &steps, false);
        for (i, (from, calls, paid)) in marks.iter().enumerate() {
            for (until, more_calls, more_paid) in &marks[i..] {
                let seconds = until.saturating_duration_since(*from).as_secs_f64();
                let most = f64::from(terms.burst) + terms.ratio * (more_calls - calls) + f64::from(terms.floor) * seconds;
                prop_assert!(more_paid - paid <= most + SLACK, "{} in {seconds} s, at most {most}: {terms:?}", more_paid - paid);
            }
        }
    }
}

#[test]
fn nothing_overflows() {
    for ratio in [0.0, f64::MIN_POSITIVE, 1.0, 1_000.0] {
        for floor in [0, 1, u32::MAX] {
            for burst in [1, u32::MAX] {
                let budget = Budget::ratio(ratio).floor(floor).burst(burst);
                for now in [Instant::ORIGIN, Instant::from_nanos(1), START, Instant::MAX, START, Instant::MAX] {
                    (0..3).for_each(|_| budget.deposit());
                    budget.affords(|| now);
                    budget.withdraw(now);
                    budget.refund();
                    budget.refund();
                    assert!((0.0..=f64::from(burst)).contains(&budget.balance()), "{budget:?}");
                }
            }
        }
    }
}

#[test]
fn a_clock_that_steps_back_pays_nothing_twice() {
    let budget = Budget::ratio(0.0).floor(10).burst(10);
    let drain = |now| (0..1_000).filter(|_| budget.withdraw(now)).count();
    let later = START + Duration::from_secs(1);
    assert_eq!((drain(START), drain(later), drain(START), drain(later)), (10, 10, 0, 0));
    assert_eq!(drain(later + Duration::from_secs(1)), 10);
}

#[test]
fn after_days_idle_there_is_no_more_than_the_burst() {
    let budget = Budget::ratio(0.2);
    assert!(budget.withdraw(START));
    let later = START + Duration::from_secs(30 * 86_400);
    assert_eq!((0..1_000).filter(|_| budget.withdraw(later)).count(), 50);
}

#[test]
fn clones_share_it_and_the_unlimited_has_no_end() {
    let budget = Budget::ratio(0.0).floor(2).burst(2);
    assert!(budget.withdraw(START) && budget.clone().withdraw(START) && !budget.withdraw(START));
    let unlimited = Budget::unlimited().floor(0).burst(1);
    assert!((0..1_000).all(|_| unlimited.withdraw(START)));
    assert_eq!(format!("{unlimited:?}, {}", unlimited.balance()), "Budget::unlimited(), inf");
}

#[test]
fn a_budget_that_is_spent_asks_for_the_time_and_a_full_one_does_not() {
    let budget = Budget::ratio(0.0).floor(1).burst(1);
    assert!(budget.affords(|| panic!("there is enough")));
    assert!(budget.withdraw(START));
    assert!(!budget.affords(|| START));
    assert!(budget.affords(|| START + Duration::from_secs(1)));
    assert!(!Budget::ratio(0.0).floor(0).affords(|| panic!("no floor, no time")));
}

#[test]
#[should_panic(expected = "`ratio` must be from 0 to 1000, got NaN")]
fn a_ratio_that_is_not_a_number_is_refused() {
    let _ = Budget::ratio(f64::NAN);
}

#[test]
#[should_panic(expected = "`ratio` must be from 0 to 1000, got -0.1")]
fn a_negative_ratio_is_refused() {
    let _ = Budget::ratio(-0.1);
}

#[test]
#[should_panic(expected = "`burst` must be at least 1, got 0")]
fn a_burst_of_nothing_is_refused() {
    let _ = Budget::ratio(0.2).burst(0);
}
