//! A callee's wish for a wait (`Retry-After`) lengthens the backoff and never takes it away.

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{Backoff, Deadline, Hint, Jitter};
use seawall_retry::{Attempt, GaveUp};

use crate::support::{Reply, Way, exactly, failed, log, plain, reasons, run};
use seawall_testkit::{
    call::ends,
    time::{MILLISECOND, SECOND, TICK, YEAR},
};

/// The waits of a call whose attempts all fail, with a hint for each attempt. Without jitter, for at most 30 s.
fn waits(way: Way, backoff: Backoff, hint: impl Fn(u32) -> Hint + Clone) -> Vec<Duration> {
    let (builder, clock) = plain();
    let backoff = backoff.jitter(Jitter::None);
    let hint = move |attempt: &Attempt, _: &Reply| hint(attempt.number());
    let retry = builder.max_attempts(u32::MAX).backoff(backoff).max_retry_after(YEAR).hint(hint).build();
    let deadline = Deadline::after_by(30 * SECOND, &clock);
    ends(deadline.scope(way.start(&retry, || std::future::ready(failed(1))))).unwrap_err();
    clock.take_waits()
}

#[test]
fn a_wish_of_zero_or_less_than_the_delay_leaves_the_backoff_as_it_is() {
    let backoff = Backoff::exponential(50 * MILLISECOND).max(10 * SECOND);
    for way in Way::ALL {
        let without = waits(way, backoff, |_| Hint::None);
        assert!(without.len() < 13, "{way:?}: {without:?}");
        for wish in [Duration::ZERO, TICK, 49 * MILLISECOND] {
            assert_eq!(waits(way, backoff, |_| Hint::After(wish)), without, "{way:?} {wish:?}");
        }
    }
}

#[test]
fn a_wish_longer_than_the_delay_is_kept_to_and_the_steps_go_on() {
    for way in Way::ALL {
        let waits = waits(way, Backoff::exponential(SECOND), |number| match number {
            3 => Hint::After(7 * SECOND),
            _ => Hint::None,
        });
        assert_eq!(waits, [1, 2, 7, 8].map(Duration::from_secs), "{way:?}");
    }
}

#[test]
fn a_servers_pushback_restarts_the_steps() {
    for way in Way::ALL {
        let waits = waits(way, Backoff::exponential(SECOND), |number| match number {
            3 => Hint::Exactly(7 * SECOND),
            _ => Hint::None,
        });
        assert_eq!(waits, [1, 2, 7, 1, 2, 4, 8].map(Duration::from_secs), "{way:?}");
    }
}

#[test]
fn a_wish_above_the_most_ends_the_call_at_once_with_the_answer() {
    for way in Way::ALL {
        for hint in [Hint::After, Hint::Exactly] {
            for (wish, attempts) in [(SECOND, 3), (SECOND + TICK, 1), (YEAR, 1), (Duration::MAX, 1)] {
                let (builder, clock) = plain();
                let (log, observer) = log();
                let hint = move |_: &Attempt, _: &Reply| hint(wish);
                let retry = builder.max_retry_after(SECOND).hint(hint).on_event(observer).build();
                assert_eq!(run(way, &retry, failed), (failed(attempts), attempts), "{way:?} {wish:?}");
                let (waits, reason) = if attempts == 1 { (0, GaveUp::RetryAfter) } else { (2, GaveUp::Attempts) };
                assert_eq!(
                    (clock.take_waits(), reasons(&log)),
                    (vec![SECOND; waits], vec![reason]),
                    "{way:?} {wish:?}"
                );
            }
        }
    }
}

#[test]
fn a_clamped_wish_is_waited_for_as_far_as_the_most() {
    for way in Way::ALL {
        for hint in [Hint::After, Hint::Exactly] {
            let (builder, clock) = plain();
            let hint = move |_: &Attempt, _: &Reply| hint(YEAR);
            let retry = builder.max_retry_after(SECOND).clamp_retry_after().hint(hint).build();
            assert_eq!(run(way, &retry, failed), (failed(3), 3), "{way:?}");
            assert_eq!(clock.take_waits(), [SECOND; 2], "{way:?}");
        }
    }
}

fn any_backoff() -> impl Strategy<Value = Backoff> {
    let base = (0..3_000_u64).prop_map(Duration::from_millis);
    (base, 0..4, 1..20_u32).prop_map(|(base, kind, most)| match kind {
        0 => exactly(base),
        1 => Backoff::linear(base).max(most * SECOND),
        2 => Backoff::decorrelated(base).max(most * SECOND),
        _ => Backoff::exponential(base).max(most * SECOND),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_wait_is_at_least_the_own_delay_and_at_least_the_wish(
        backoff in any_backoff(), wish in (0..5_000_u64).prop_map(Duration::from_millis), seed in any::<u64>()
    ) {
        let all = |hint: Hint| {
            let (builder, clock) = plain();
            let hint = move |_: &Attempt, _: &Reply| hint;
            let retry = builder.max_attempts(8).seed(seed).backoff(backoff).hint(hint).build();
            run(Way::Execute, &retry, failed).0.unwrap_err();
            clock.take_waits()
        };
        let (own, with_wish) = (all(Hint::None), all(Hint::After(wish)));
        prop_assert!(with_wish.len() >= own.len());
        prop_assert!(with_wish.iter().all(|wait| *wait >= wish));
        // A wait of zero does not show among the waits.
        let own_total: Duration = own.iter().sum();
        prop_assert!(with_wish.iter().sum::<Duration>() >= own_total);
        if own.len() == with_wish.len() {
            prop_assert!(own.iter().zip(&with_wish).all(|(own, wait)| wait >= own), "{:?} {:?}", own, with_wish);
        }
    }
}
