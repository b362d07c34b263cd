//! The machine against a naive model, over random configurations and random histories: time jumps, cancelled calls,
//! panics, manual controls, zero and maximal durations and counts.

mod naive;
mod script;

use naive::{Model, Told};
use proptest::{collection::vec, prelude::*};
use script::{Op, Rules, op, rules};
use seawall_core::{
    Caller, Outcome,
    breaker::{Breaker, Pass, Settled},
    time::Instant,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_machine_does_what_the_model_does(rules in rules(), ops in vec(op(), 1..80)) {
        run(&rules, &ops)?;
    }
}

/// 10,000, or what `SEAWALL_CASES` says.
fn cases() -> u32 {
    std::env::var("SEAWALL_CASES").ok().map_or(10_000, |cases| cases.parse().expect("SEAWALL_CASES is a number"))
}

/// A caller on a lane that changes with each call.
pub(crate) struct At(pub(crate) Instant, pub(crate) usize);

impl Caller for At {
    fn now(&self) -> Instant {
        self.0
    }

    fn lane(&self) -> usize {
        self.1
    }
}

fn run(rules: &Rules, ops: &[Op]) -> Result<(), TestCaseError> {
    let breaker = Breaker::new(rules.config());
    let mut model = Model::new(rules.clone());
    let mut held: Vec<(Pass, usize)> = Vec::new();
    let mut now = Instant::ORIGIN;
    for (lane, op) in ops.iter().enumerate() {
        let here = At(now, lane);
        match *op {
            Op::Advance(by) => now = now + by,
            Op::Enter => {
                let expected = model.enter(now.as_nanos());
                match (breaker.enter(&here), expected) {
                    (Ok(entry), Ok((call, told))) => {
                        prop_assert_eq!(entry.change.map(Told::from), told);
                        held.push((entry.pass, call));
                    }
                    (Err(refusal), Err(until)) => {
                        prop_assert_eq!(refusal.until().as_nanos(), until);
                        prop_assert_eq!(Some(refusal.state()), model.refusing_state());
                        law_of_retry_after(&breaker, &refusal.retry_after(), now)?;
                    }
                    (entered, expected) => prop_assert!(false, "machine {entered:?}, model {expected:?}"),
                }
            }
            Op::Exit(which, outcome) if !held.is_empty() => {
                let (pass, call) = held.swap_remove(which.index(held.len()));
                let expected = model.exit(call, outcome, now.as_nanos());
                prop_assert_eq!(told(breaker.exit(pass, outcome, &here)), expected);
            }
            // What a handle makes of a panic.
            Op::Panic(which) if !held.is_empty() => {
                let (pass, call) = held.swap_remove(which.index(held.len()));
                let expected = model.exit(call, Outcome::Failure, now.as_nanos());
                prop_assert_eq!(told(breaker.exit(pass, Outcome::Failure, &here)), expected);
            }
            Op::Abandon(which) if !held.is_empty() => {
                let (pass, call) = held.swap_remove(which.index(held.len()));
                let expected = model.abandon(call, now.as_nanos());
                prop_assert_eq!(told(breaker.abandon(pass, &here)), expected);
            }
            Op::Force(to) => {
                let change = to.apply(&breaker, now);
                prop_assert_eq!(change.map(Told::from), model.force(to, now.as_nanos()));
            }
            Op::Exit(..) | Op::Panic(_) | Op::Abandon(_) => {}
        }
        compare(&breaker, &mut model, now)?;
    }
    Ok(())
}

/// All that can be asked, asked of both.
fn compare(breaker: &Breaker, model: &mut Model, now: Instant) -> Result<(), TestCaseError> {
    let word = breaker.word();
    prop_assert_eq!(breaker.state(now), model.state(now.as_nanos()));
    prop_assert_eq!(word.generation(), model.generation);
    prop_assert_eq!(breaker.since().as_nanos(), model.since);
    prop_assert_eq!(breaker.totals().refused, model.refused);
    prop_assert_eq!(breaker.totals().stale, model.stale);
    prop_assert_eq!(breaker.refusal(now).is_some(), model.refuses(now.as_nanos()));
    prop_assert_eq!(breaker.word(), word, "a question changes nothing");
    let readings: Vec<_> = breaker.readings(now).collect();
    prop_assert_eq!(readings, model.readings(now.as_nanos()));
    prop_assert!(model.undecided() <= model.rules.probes as usize);
    Ok(())
}

/// At exactly the time that a refusal gives, the same call is let in; one nanosecond earlier it is not.
fn law_of_retry_after(
    breaker: &Breaker,
    retry_after: &Option<std::time::Duration>,
    now: Instant,
) -> Result<(), TestCaseError> {
    if let Some(wait) = *retry_after {
        prop_assert!(!wait.is_zero());
        let then = now + wait;
        prop_assert!(breaker.refusal(then).is_none());
        prop_assert!(breaker.refusal(Instant::from_nanos(then.as_nanos() - 1)).is_some());
    }
    Ok(())
}

fn told(settled: Settled) -> Option<Told> {
    match settled {
        Settled::Quiet | Settled::Stale | Settled::PlaceFree => None,
        Settled::Changed(change) => Some(Told::from(change)),
        Settled::WouldOpen(trigger) => Some(Told::WouldOpen(trigger)),
    }
}
