//! The laws of a call's attempts: what follows an attempt, against what each rule says by itself.
use std::{env, time::Duration};

use proptest::prelude::*;
use seawall_core::{
    Backoff, Hint, Jitter,
    attempts::{Attempts, Cause, GaveUp, Next, RetryConfig, Verdict},
    time::Instant,
};

fn cases() -> ProptestConfig {
    let cases = env::var("SEAWALL_CASES").ok().map_or(10_000, |cases| cases.parse().expect("a number"));
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => (0_u64..5_000).prop_map(Duration::from_millis),
        2 => any::<u64>().prop_map(Duration::from_nanos),
        1 => Just(Duration::ZERO),
        1 => Just(Duration::MAX),
    ]
}

fn instant() -> impl Strategy<Value = Instant> {
    prop_oneof![4 => 1_000_000_000_u64..60_000_000_000, 1 => any::<u64>(), 1 => Just(u64::MAX), 1 => Just(0)]
        .prop_map(Instant::from_nanos)
}

fn jitter() -> impl Strategy<Value = Jitter> {
    prop_oneof![Just(Jitter::None), Just(Jitter::Equal), Just(Jitter::Full)]
}

fn backoff() -> impl Strategy<Value = Backoff> {
    let exponential = (duration(), 1.0..4.0).prop_map(|(base, factor)| Backoff::exponential(base).factor(factor));
    let kind = prop_oneof![
        duration().prop_map(Backoff::constant),
        duration().prop_map(Backoff::linear),
        exponential,
        duration().prop_map(Backoff::decorrelated),
    ];
    (kind, duration(), jitter()).prop_map(|(backoff, max, jitter)| backoff.max(max).jitter(jitter))
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        4 => Just(Verdict::Failed(Hint::None)),
        2 => duration().prop_map(|wish| Verdict::Failed(Hint::After(wish))),
        1 => duration().prop_map(|wait| Verdict::Failed(Hint::Exactly(wait))),
        1 => Just(Verdict::Failed(Hint::Never)),
        2 => duration().prop_map(|wait| Verdict::Rejected(Some(wait))),
        1 => Just(Verdict::Rejected(None)),
    ]
}

/// What the configuration is made of.
#[derive(Debug, Clone, Copy)]
struct Rules {
    max_attempts: u32,
    backoff: Backoff,
    max_retry_after: Duration,
    clamps: bool,
    heeds: bool,
    max_rejection_wait: Duration,
    max_elapsed: Duration,
    min_useful: Duration,
}

impl Rules {
    fn config(self) -> RetryConfig {
        let config = RetryConfig::new();
        let config = if self.clamps { config.clamp_retry_after() } else { config };
        config
            .max_attempts(self.max_attempts)
            .backoff(self.backoff)
            .max_retry_after(self.max_retry_after)
            .heed_rejections(self.heeds)
            .max_rejection_wait(self.max_rejection_wait)
            .max_elapsed(self.max_elapsed)
            .min_useful(self.min_useful)
    }
}

fn rules() -> impl Strategy<Value = Rules> {
    let max_attempts = prop_oneof![1_u32..6, Just(u32::MAX)];
    let waits = (duration(), any::<bool>(), any::<bool>(), duration());
    (max_attempts, backoff(), waits, duration(), duration()).prop_map(
        |(max_attempts, backoff, waits, max_elapsed, min_useful)| {
            let (max_retry_after, clamps, heeds, max_rejection_wait) = waits;
            Rules { max_attempts, backoff, max_retry_after, clamps, heeds, max_rejection_wait, max_elapsed, min_useful }
        },
    )
}

/// One attempt: what it came to, when, and by which deadline.
fn attempt() -> impl Strategy<Value = (Verdict, Instant, Instant, u64)> {
    (verdict(), prop_oneof![3 => Just(Instant::MAX), 1 => instant()], instant(), any::<u64>())
}

fn nanos(duration: Duration) -> u128 {
    duration.as_nanos().min(u128::from(u64::MAX))
}

/// The least that the wait has to be by what the result says; `None` if it says to stop.
fn least(rules: &Rules, verdict: Verdict) -> Option<u128> {
    match verdict {
        Verdict::Failed(Hint::Never) | Verdict::TimedOut(Hint::Never) | Verdict::Rejected(None) => None,
        Verdict::Failed(Hint::None) | Verdict::TimedOut(Hint::None) => Some(0),
        Verdict::Failed(Hint::After(wish) | Hint::Exactly(wish))
        | Verdict::TimedOut(Hint::After(wish) | Hint::Exactly(wish))
            if rules.clamps =>
        {
            Some(nanos(wish.min(rules.max_retry_after)))
        }
        Verdict::Failed(Hint::After(wish) | Hint::Exactly(wish))
        | Verdict::TimedOut(Hint::After(wish) | Hint::Exactly(wish)) => {
            (nanos(wish) <= nanos(rules.max_retry_after)).then(|| nanos(wish))
        }
        Verdict::Rejected(Some(wait)) => {
            // Whole milliseconds, and from 2^30 - 1 of them on without a bound.
            let most = rules.max_rejection_wait.as_millis();
            (most >= (1 << 30) - 1 || nanos(wait) <= most * 1_000_000).then(|| nanos(wait))
        }
    }
}

/// What a retry with these rules takes the verdict for.
fn taken(rules: &Rules, verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Rejected(_) if !rules.heeds => Verdict::Failed(Hint::None),
        verdict => verdict,
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_follows_keeps_to_every_rule(
        rules in rules(), began in prop::option::of(instant()), attempts in prop::collection::vec(attempt(), 1..10)
    ) {
        let (config, mut course) = (rules.config(), Attempts::begin(began));
        for (results, (verdict, deadline, now, random)) in (0..).zip(attempts) {
            let number = course.number();
            prop_assert_eq!(course.attempt().number(), number);
            let last = number >= rules.max_attempts && rules.max_attempts != u32::MAX;
            let next = course.on_result(&config, verdict, deadline, now, random);
            prop_assert_eq!(course.was_rejected(), matches!(verdict, Verdict::Rejected(_)));
            let verdict = taken(&rules, verdict);
            let least = least(&rules, verdict);
            match next {
                Next::RetryAt(at) => {
                    prop_assert!(!last);
                    let (at_nanos, now_nanos) = (u128::from(at.as_nanos()), u128::from(now.as_nanos()));
                    let least = least.expect("it did not say to stop");
                    prop_assert!(at_nanos >= now_nanos + least, "{} after {}, at least {}", at_nanos, now_nanos, least);
                    // A result that ends the call took a step too.
                    let delay = nanos(rules.backoff.delay(results));
                    match verdict {
                        Verdict::Failed(Hint::None) => prop_assert!(at_nanos <= now_nanos + nanos(rules.backoff.delay(u32::MAX))),
                        Verdict::Failed(Hint::Exactly(_)) => prop_assert_eq!(at_nanos, now_nanos + least),
                        // Jitter on top of what was asked for is no more than the delay by itself.
                        _ => prop_assert!(at_nanos <= now_nanos + least + delay.max(nanos(rules.backoff.delay(0)) * 3)),
                    }
                    prop_assert!(at_nanos < u128::from(u64::MAX));
                    if deadline != Instant::MAX {
                        prop_assert!(at_nanos + nanos(rules.min_useful) < u128::from(deadline.as_nanos()));
                    }
                    if let Some(began) = began {
                        prop_assert!(at.saturating_duration_since(began) <= rules.max_elapsed);
                    }
                    let cause = match verdict {
                        Verdict::Failed(Hint::After(wish)) => Cause::RetryAfter(wish),
                        Verdict::Rejected(Some(wait)) => Cause::Rejected(wait),
                        _ => Cause::Failed,
                    };
                    prop_assert_eq!(course.cause(), Some(cause));
                    course.begin_next(at);
                    prop_assert_eq!(course.attempt().number(), number + 1);
                    prop_assert_eq!(course.attempt().previous(), Some(cause));
                    let elapsed = began.map_or(Duration::ZERO, |began| at.saturating_duration_since(began));
                    prop_assert_eq!(course.attempt().elapsed(), elapsed);
                }
                Next::GiveUp(GaveUp::Attempts) => {
                    prop_assert!(last);
                    return Ok(());
                }
                Next::GiveUp(GaveUp::Told) => prop_assert_eq!(verdict, Verdict::Failed(Hint::Never)),
                Next::GiveUp(GaveUp::RetryAfter) => {
                    prop_assert!(matches!(verdict, Verdict::Failed(Hint::After(_) | Hint::Exactly(_))) && least.is_none());
                }
                Next::GiveUp(GaveUp::Rejected) => {
                    prop_assert!(matches!(verdict, Verdict::Rejected(_)) && least.is_none());
                }
                Next::GiveUp(GaveUp::Deadline) => prop_assert!(
                    deadline != Instant::MAX
                        || u128::from(now.as_nanos()) + least.unwrap_or(0) + nanos(rules.backoff.delay(u32::MAX))
                            >= u128::from(u64::MAX)
                ),
                Next::GiveUp(GaveUp::Elapsed) => prop_assert!(began.is_some() && rules.max_elapsed < Duration::from_nanos(u64::MAX)),
                Next::GiveUp(reason) => prop_assert!(false, "{:?}", reason),
            }
        }
    }

    #[test]
    fn those_who_were_told_the_same_do_not_come_back_at_one_instant(
        wish in 0_u64..10_000, seed in any::<u64>(), jitter in prop_oneof![Just(Jitter::Equal), Just(Jitter::Full)]
    ) {
        let config = RetryConfig::new().backoff(Backoff::constant(Duration::from_secs(1)).jitter(jitter));
        let (now, wish) = (Instant::from_nanos(7), Duration::from_millis(wish));
        let at = |random| {
            match Attempts::begin(None).on_result(&config, Verdict::Failed(Hint::After(wish)), Instant::MAX, now, random) {
                Next::RetryAt(at) => at,
                next => panic!("{next:?}"),
            }
        };
        let mut all: Vec<_> = (0..100).map(|i| at(seed.wrapping_add(i << 57))).collect();
        all.sort_unstable();
        all.dedup();
        prop_assert!(all.len() > 90, "{} of 100 differ", all.len());
        prop_assert!(all[0] >= now + wish);
    }
}

#[test]
fn the_delays_go_on_after_a_wish_and_restart_after_pushback() {
    let backoff = Backoff::exponential(Duration::from_secs(1)).jitter(Jitter::None);
    let config = RetryConfig::new().max_attempts(9).backoff(backoff).max_rejection_wait(Duration::from_secs(7));
    let mut course = Attempts::begin(None);
    let mut wait = |verdict| match course.on_result(&config, verdict, Instant::MAX, Instant::ORIGIN, 0) {
        Next::RetryAt(at) => {
            course.begin_next(at);
            at.as_nanos() / 1_000_000_000
        }
        next => panic!("{next:?}"),
    };
    let seven = Duration::from_secs(7);
    let (failed, wish) = (Verdict::Failed(Hint::None), Verdict::Failed(Hint::After(seven)));
    let (pushback, rejected) = (Verdict::Failed(Hint::Exactly(seven)), Verdict::Rejected(Some(seven)));
    let verdicts = [failed, wish, rejected, failed, pushback, failed, failed];
    assert_eq!(verdicts.map(&mut wait), [1, 7, 7, 8, 7, 1, 2]);
}

#[test]
fn no_attempt_begins_at_the_deadline_itself() {
    let second = Duration::from_secs(1);
    let config = RetryConfig::new().backoff(Backoff::constant(second).jitter(Jitter::None)).min_useful(second);
    let next = |deadline: u64| {
        let deadline = Instant::from_nanos(deadline);
        Attempts::begin(None).on_result(&config, Verdict::Failed(Hint::None), deadline, Instant::ORIGIN, 0)
    };
    assert_eq!(next(2_000_000_000), Next::GiveUp(GaveUp::Deadline));
    assert_eq!(next(2_000_000_001), Next::RetryAt(Instant::ORIGIN + second));
}

#[test]
fn attempts_without_bound_are_counted_to_the_end_and_none_is_the_last() {
    let config = RetryConfig::new().max_attempts(u32::MAX);
    assert!(!config.is_last(u32::MAX) && !config.is_last(1));
    assert!(RetryConfig::new().max_attempts(1).is_last(1));
}

#[test]
#[should_panic(expected = "`max_attempts` must be at least 1, got 0")]
fn no_attempts_at_all_are_refused() {
    let _ = RetryConfig::new().max_attempts(0);
}

#[test]
fn a_policys_rejection_has_a_bound_of_its_own() {
    let ms = Duration::from_millis;
    let next = |config: RetryConfig, wait| {
        let verdict = Verdict::Rejected(Some(wait));
        Attempts::begin(None).on_result(&config, verdict, Instant::MAX, Instant::ORIGIN, 0)
    };
    let config = RetryConfig::new().max_rejection_wait(ms(20));
    assert!(matches!(next(config, ms(20)), Next::RetryAt(_)));
    assert_eq!(next(config, ms(20) + Duration::from_nanos(1)), Next::GiveUp(GaveUp::Rejected));
    let default = RetryConfig::new();
    assert_eq!(default.rejection_wait(), Some(ms(1_000)));
    assert!(matches!(next(default, ms(1_000)), Next::RetryAt(_)));
    assert_eq!(next(default.max_retry_after(Duration::MAX), ms(1_001)), Next::GiveUp(GaveUp::Rejected));
    assert!(matches!(next(default.max_retry_after(Duration::ZERO), ms(1_000)), Next::RetryAt(_)));
    // What the callee itself asks for is another matter.
    let wish = Verdict::Failed(Hint::After(ms(30)));
    let asked = Attempts::begin(None).on_result(&config, wish, Instant::MAX, Instant::ORIGIN, 0);
    assert!(matches!(asked, Next::RetryAt(_)));
    for (max, wait, passes) in [
        (Duration::ZERO, Duration::ZERO, true),
        (Duration::ZERO, Duration::from_nanos(1), false),
        (Duration::MAX, Duration::MAX / 2, false),
        (Duration::MAX, Duration::from_secs(1 << 32), true),
        (ms((1 << 30) - 2), ms((1 << 30) - 2), true),
        (ms((1 << 30) - 2), ms((1 << 30) - 1), false),
        (ms((1 << 30) - 1), ms(1 << 30), true),
    ] {
        let verdict = next(RetryConfig::new().max_rejection_wait(max), wait);
        assert_eq!(matches!(verdict, Next::RetryAt(_)), passes, "{max:?} {wait:?}");
    }
}
