//! The law of a budget, over any deposits, retries and steps of time: in no stretch are there more retries than it says.

use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use proptest::{collection::vec, prelude::*};
use seawall_core::{
    Budget,
    time::{Clock, Instant, ManualClock},
};

#[derive(Debug, Clone, Copy)]
enum Op {
    Deposit,
    /// A retry is asked for.
    Withdraw,
    /// One that was granted is not made.
    Refund,
    After(Duration),
}

/// What was come to before one of the operations: calls, retries less those that were given back, and the time.
#[derive(Debug, Clone, Copy)]
struct Mark {
    calls: f64,
    retries: f64,
    seconds: f64,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => Just(Op::Deposit),
        8 => Just(Op::Withdraw),
        1 => Just(Op::Refund),
        3 => prop_oneof![0..3_u64, 0..2_000_000_000_u64, 0..1_000_000_000_000_u64]
            .prop_map(|nanos| Op::After(Duration::from_nanos(nanos))),
    ]
}

fn marks(budget: &Budget, ops: &[Op]) -> Vec<Mark> {
    let (mut now, mut granted) = (Instant::ORIGIN, 0_u32);
    let mut mark = Mark { calls: 0.0, retries: 0.0, seconds: 0.0 };
    let mut marks = vec![mark];
    for op in ops {
        match op {
            Op::Deposit => {
                budget.deposit();
                mark.calls += 1.0;
            }
            Op::Withdraw => {
                let affords = budget.affords(|| now);
                assert_eq!(budget.withdraw(now), affords, "it does what it says, while nobody else is there");
                granted += u32::from(affords);
                mark.retries += f64::from(u8::from(affords));
            }
            Op::Refund if granted > 0 => {
                budget.refund();
                granted -= 1;
                mark.retries -= 1.0;
            }
            Op::Refund => {}
            Op::After(time) => {
                now = now + *time;
                mark.seconds += time.as_secs_f64();
            }
        }
        marks.push(mark);
    }
    marks
}

/// 500, or what `SEAWALL_CASES` says.
fn cases() -> u32 {
    env::var("SEAWALL_CASES").ok().map_or(500, |cases| cases.parse().expect("SEAWALL_CASES is a number"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_no_stretch_of_time_are_there_more_retries_than_the_law_says(
        ratio in prop_oneof![Just(0.0), 0.0..1.0, 0.0..20.0],
        floor in prop_oneof![Just(0), 1..5_u32, 1..1_000_u32],
        burst in 1..20_u32,
        ops in vec(op(), 1..60),
    ) {
        let marks = marks(&Budget::ratio(ratio).floor(floor).burst(burst), &ops);
        for (number, from) in marks.iter().enumerate() {
            for to in &marks[number..] {
                let seconds = to.seconds - from.seconds;
                let most = f64::from(burst) + ratio * (to.calls - from.calls) + f64::from(floor) * seconds;
                let retries = to.retries - from.retries;
                prop_assert!(retries <= most + 1e-6, "{} retries, at most {}: {:?} to {:?}", retries, most, from, to);
            }
        }
    }
}

#[test]
fn what_the_floor_has_earned_is_granted_once_however_many_threads_ask() {
    const SECONDS: u32 = 20;
    let (clock, budget, granted) = (ManualClock::new(), Budget::ratio(0.0).floor(10).burst(10), AtomicU32::new(0));
    let ask = || {
        while clock.now() < Instant::ORIGIN + Duration::from_secs(SECONDS.into()) {
            granted.fetch_add(u32::from(budget.withdraw(clock.now())), Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        (0..4).for_each(|_| drop(scope.spawn(ask)));
        for step in 0..SECONDS * 100 {
            clock.advance(Duration::from_millis(10));
            if step % 10 == 0 {
                thread::yield_now();
            }
        }
    });
    let granted = granted.into_inner();
    assert!(granted <= 10 + 10 * SECONDS, "{granted}");
    assert!(granted >= 10, "{granted}");
}
