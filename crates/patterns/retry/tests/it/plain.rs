//! How often a call is made, when again, and what it comes to: the same by every way to make it.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{Reply, Way, failed, plain, quick, run, run_blocking};
use seawall_core::{Backoff, Budget, Error, Hint, Jitter, Outcome, RetryAfter};
use seawall_retry::{Attempt, Cause};
use seawall_testkit::{
    call::ends,
    time::{MILLISECOND, SECOND, TICK, YEAR},
};

/// How many attempts of a call fail, how many it may have, and how many it has.
const ROWS: [(u32, u32, u32); 9] = [
    (0, 1, 1),
    (0, 3, 1),
    (1, 1, 1),
    (1, 2, 2),
    (2, 3, 3),
    (3, 3, 3),
    (9, 3, 3),
    (100, u32::MAX, 101),
    (2_000, u32::MAX, 2_001),
];

fn fails_first(times: u32) -> impl Fn(u32) -> Reply {
    move |number| if number <= times { failed(number) } else { Ok(number) }
}

#[test]
fn a_call_has_as_many_attempts_as_it_needs_and_may_have_and_its_last_result_is_its_own() {
    for (fails, max, attempts) in ROWS {
        let wanted = || (fails_first(fails)(attempts), attempts);
        for way in Way::ALL {
            let (builder, clock) = plain();
            let found = run(way, &builder.max_attempts(max).build(), fails_first(fails));
            assert_eq!(found, wanted(), "{way:?}, {fails} fail, at most {max}");
            assert_eq!(clock.take_waits(), vec![MILLISECOND; attempts as usize - 1]);
        }
        let found = run_blocking(&quick().max_attempts(max).build(), fails_first(fails));
        assert_eq!(found, wanted(), "blocking, {fails} fail, at most {max}");
    }
}

#[test]
fn the_last_error_is_returned_and_not_the_first() {
    for way in Way::ALL {
        let (result, attempts) = run(way, &plain().0.build(), failed);
        assert_eq!((result, attempts), (failed(3), 3), "{way:?}");
    }
}

#[test]
fn a_callee_is_told_the_number_the_time_and_why() {
    let (builder, clock) = plain();
    let retry = builder.build();
    let seen = RefCell::new(Vec::new());
    let result = ends(retry.call_with(|attempt: Attempt| {
        seen.borrow_mut().push((attempt.number(), attempt.elapsed(), attempt.previous()));
        clock.advance(SECOND);
        std::future::ready(failed(attempt.number()))
    }));
    assert_eq!(result, failed(3));
    let failed = Some(Cause::Failed);
    let step = SECOND + MILLISECOND;
    assert_eq!(seen.into_inner(), [(1, Duration::ZERO, None), (2, step, failed), (3, 2 * step, failed)]);
}

#[test]
fn retry_if_sees_which_attempt_it_is_and_what_it_came_to() {
    for way in Way::ALL {
        let (builder, clock) = plain();
        let seen: Arc<Mutex<Vec<_>>> = Arc::default();
        let sees = seen.clone();
        let repeat = move |attempt: &Attempt, result: &Reply| {
            let came_to = *result.as_ref().unwrap();
            sees.lock().unwrap().push((attempt.number(), attempt.elapsed(), attempt.previous(), came_to));
            attempt.number() < 3
        };
        let retry = builder.max_attempts(9).retry_if(repeat).build();
        let (result, attempts) = run(way, &retry, |number| {
            clock.advance(SECOND);
            Reply::Ok(number)
        });
        // What it is asked of has succeeded, and is repeated as long as it says so.
        assert_eq!((result, attempts), (Ok(3), 3), "{way:?}");
        let (step, failed) = (SECOND + MILLISECOND, Some(Cause::Failed));
        let wanted = [(1, Duration::ZERO, None, 1), (2, step, failed, 2), (3, 2 * step, failed, 3)];
        assert_eq!(*seen.lock().unwrap(), wanted, "{way:?}");
    }
}

#[test]
fn what_a_classifier_ignores_or_calls_a_success_is_not_tried_again() {
    for (outcome, wanted) in [(Outcome::Success, 1), (Outcome::Ignored, 1), (Outcome::Failure, 3)] {
        let retry = || plain().0.classify(move |_: &Reply| outcome);
        for way in Way::ALL {
            assert_eq!(run(way, &retry().build(), failed), (failed(wanted), wanted), "{way:?} {outcome:?}");
            assert_eq!(run(way, &retry().build(), Reply::Ok), (Ok(wanted), wanted), "{way:?} {outcome:?}");
        }
        let retry = quick().classify(move |_: &Reply| outcome).build();
        assert_eq!(run_blocking(&retry, failed), (failed(wanted), wanted), "blocking, {outcome:?}");
    }
}

// ===== hints =====

/// The waits of a call that fails twice with that hint, under a backoff of ten seconds.
fn waits(way: Way, hint: Hint, jitter: Jitter, most: Duration) -> (Vec<Duration>, u32) {
    let (builder, clock) = plain();
    let backoff = Backoff::constant(10 * SECOND).jitter(jitter);
    let retry = builder.backoff(backoff).max_retry_after(most).hint(move |_: &Attempt, _: &Reply| hint).build();
    let (_, attempts) = run(way, &retry, failed);
    (clock.take_waits(), attempts)
}

#[test]
fn a_hint_is_a_lower_bound_to_the_nanosecond_and_jitter_comes_on_top() {
    for way in Way::ALL {
        for least in [Duration::ZERO, TICK, MILLISECOND, 9 * SECOND, 30 * SECOND + TICK] {
            for _ in 0..50 {
                let (full, _) = waits(way, Hint::After(least), Jitter::Full, YEAR);
                let high = least + 10 * SECOND;
                assert!(full.iter().all(|wait| (least..=high).contains(wait)), "{way:?} {least:?}: {full:?}");
            }
            let (exact, attempts) = waits(way, Hint::After(least), Jitter::None, YEAR);
            assert_eq!((exact, attempts), (vec![least.max(10 * SECOND); 2], 3), "{way:?}");
        }
    }
}

#[test]
fn those_who_were_told_the_same_do_not_come_back_at_one_instant() {
    let mut seen: Vec<_> = (0..50).flat_map(|_| waits(Way::Call, Hint::After(SECOND), Jitter::Full, YEAR).0).collect();
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() >= 99, "{} different waits of 100", seen.len());
}

#[test]
fn an_exact_hint_is_in_place_of_the_backoff() {
    for way in Way::ALL {
        for wait in [TICK, SECOND, YEAR] {
            let (waits, attempts) = waits(way, Hint::Exactly(wait), Jitter::Full, YEAR);
            assert_eq!((waits, attempts), (vec![wait; 2], 3), "{way:?}");
        }
        assert_eq!(waits(way, Hint::Exactly(Duration::ZERO), Jitter::Full, SECOND), (vec![], 3), "{way:?}");
    }
}

#[test]
fn a_hint_never_ends_the_call_and_no_hint_leaves_it_to_the_backoff() {
    for way in Way::ALL {
        assert_eq!(waits(way, Hint::Never, Jitter::None, SECOND), (vec![], 1), "{way:?}");
        assert_eq!(waits(way, Hint::None, Jitter::None, SECOND), (vec![10 * SECOND; 2], 3), "{way:?}");
    }
}

/// An error that says when to come again.
#[derive(Debug, PartialEq, Eq)]
struct Busy(Hint);

impl RetryAfter for Busy {
    fn retry_after(&self) -> Hint {
        self.0
    }
}

#[test]
fn what_errors_say_is_heeded_if_that_was_asked_for() {
    for way in Way::ALL {
        for (hint, wanted) in [(Hint::After(SECOND), vec![SECOND; 2]), (Hint::Never, vec![])] {
            let (builder, clock) = plain();
            let busy = |_| Err::<u32, _>(Error::Inner(Busy(hint)));
            run(way, &builder.heed_errors().build(), busy).0.unwrap_err();
            assert_eq!(clock.take_waits(), wanted, "{way:?} {hint:?}");
            let (builder, clock) = plain();
            run(way, &builder.build(), busy).0.unwrap_err();
            assert_eq!(clock.take_waits(), vec![MILLISECOND; 2], "{way:?} {hint:?}");
        }
    }
}

#[test]
fn heeded_errors_say_nothing_of_a_success_that_is_tried_again() {
    let (builder, clock) = plain();
    let retry = builder.heed_errors().retry_if(|_: &Attempt, _: &Result<u32, Error<Busy>>| true).build();
    assert_eq!(run(Way::Call, &retry, Ok), (Ok(3), 3));
    assert_eq!(clock.take_waits(), vec![MILLISECOND; 2]);
}

// ===== the rest =====

#[test]
fn a_retry_tells_its_name_and_its_budget_and_its_clones_share_it() {
    let budget = Budget::ratio(0.5).floor(0);
    let retry = quick().budget(budget.clone()).build();
    assert_eq!((retry.name(), retry.budget().balance()), ("t", 0.0));
    for retry in [retry.clone(), retry.layer().policy().clone()] {
        assert_eq!(run(Way::Execute, &retry, |_| Reply::Ok(1)), (Ok(1), 1));
    }
    assert_eq!(retry.budget().balance(), 1.0);
    assert_eq!(run(Way::Execute, &retry, fails_first(1)), (Ok(2), 2));
    assert_eq!(budget.balance(), 0.5);
}

#[test]
#[should_panic(expected = "`max_attempts` must be at least 1, got 0")]
fn no_attempts_at_all_are_refused() {
    let _ = quick().max_attempts(0);
}

#[test]
fn a_seed_gives_the_same_waits() {
    let waits = |seed| {
        let (builder, clock) = plain();
        let retry = builder.backoff(Backoff::exponential(SECOND)).max_attempts(9).seed(seed).build();
        run(Way::Execute, &retry, failed).0.unwrap_err();
        clock.take_waits()
    };
    assert_eq!(waits(1), waits(1));
    assert_ne!(waits(1), waits(2));
}
