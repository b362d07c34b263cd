//! A longest wait is a bound on the whole wait, and not only on what is known when it begins.

use std::time::Duration;

use crate::support::{Manual, Wait, gcra, patient, wait, window};
use seawall_core::{Rejection, time::ManualClock};
use seawall_rate_limit::{Algorithm, Quota, RateLimiter, Reason};
use seawall_testkit::time::{SECOND, ms};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok};

fn reason(answer: Result<(), Rejection>) -> Reason {
    let Err(Rejection::RateLimited(limited)) = answer else { panic!("the limiter refuses: {answer:?}") };
    limited.reason()
}

#[test]
fn a_lower_quota_does_not_lengthen_a_wait() {
    let (limiter, clock) = patient(Quota::per_second(10).burst(1), Algorithm::Gcra, SECOND);
    limiter.try_acquire().unwrap();
    let mut waits = [wait(&limiter, 1), wait(&limiter, 1)];
    waits.iter_mut().for_each(|wait| assert_pending!(wait.poll()));
    limiter.set_quota(Quota::per_hour(1));
    // Neither turn can come in time any more, and each waiting caller is told at once.
    for mut wait in waits {
        assert!(wait.is_woken());
        let answer = assert_ready!(wait.poll());
        assert_eq!(answer.as_ref().unwrap_err().retry_after().map(|wait| wait > 3_000 * SECOND), Some(true));
        assert_eq!(reason(answer), Reason::TooLong);
    }
    assert_eq!((limiter.queued(), limiter.snapshot().rejected()), (0, 2));
    clock.advance(SECOND);
}

#[test]
fn a_lower_quota_keeps_the_callers_whose_turn_still_comes_in_time() {
    let (limiter, clock) = patient(Quota::per_second(10).burst(1), Algorithm::Gcra, SECOND);
    limiter.try_acquire().unwrap();
    let mut waits: Vec<Wait> = (0..3).map(|_| wait(&limiter, 1)).collect();
    waits.iter_mut().for_each(|wait| assert_pending!(wait.poll()));
    // Turns at 0.5 s, 1.0 s and 1.5 s from now on.
    limiter.set_quota(Quota::per_second(2).burst(1));
    assert_pending!(waits[0].poll());
    assert_pending!(waits[1].poll());
    assert_eq!(reason(assert_ready!(waits[2].poll())), Reason::TooLong);
    for wait in &mut waits[..2] {
        clock.advance(ms(500));
        assert!(wait.is_woken());
        assert_ready_ok!(wait.poll());
    }
}

/// What a newcomer is told behind costs above 1 is the earliest time, and its turn may come later.
#[test]
fn a_wait_behind_large_costs_ends_in_time_at_an_exact_window() {
    let (limiter, clock) = patient(Quota::new(5, ms(100)), Algorithm::SlidingWindow, ms(350));
    limiter.try_acquire_n(4).unwrap();
    let mut waits: Vec<Wait> = (0..4).map(|_| wait(&limiter, 4)).collect();
    waits.iter_mut().for_each(|wait| assert_pending!(wait.poll()));
    for wait in &mut waits[..3] {
        clock.advance(ms(100));
        assert_ready_ok!(wait.poll());
    }
    clock.advance(ms(50) - Duration::from_nanos(1));
    assert_pending!(waits[3].poll());
    clock.advance(Duration::from_nanos(1));
    assert!(waits[3].is_woken());
    assert_eq!(reason(assert_ready!(waits[3].poll())), Reason::TooLong);
    assert_eq!(limiter.queued(), 0);
}

#[test]
fn a_first_wait_that_is_kept_and_not_polled_holds_up_no_other() {
    for algorithm in [Algorithm::Gcra, Algorithm::SlidingWindow] {
        let (limiter, clock) = patient(Quota::every(SECOND), algorithm, 9 * SECOND);
        limiter.try_acquire().unwrap();
        let (mut kept, mut second, mut third) = (wait(&limiter, 1), wait(&limiter, 1), wait(&limiter, 1));
        [&mut kept, &mut second, &mut third].into_iter().for_each(|wait| assert_pending!(wait.poll()));
        // The second caller looks after the turn of the first one.
        clock.advance(SECOND + ms(10));
        assert!(second.is_woken(), "{algorithm:?}");
        assert_pending!(second.poll());
        // The exact window counts a call when it is let pass, and the bucket as of when its turn came.
        let (early, late) = if algorithm == Algorithm::Gcra { (ms(990), SECOND) } else { (SECOND, SECOND) };
        clock.advance(early);
        assert!(second.is_woken());
        assert_ready_ok!(second.poll());
        clock.advance(late);
        assert!(third.is_woken(), "{algorithm:?}");
        assert_ready_ok!(third.poll());
        clock.advance(SECOND);
        assert_eq!(limiter.available(), 1);
        // Its share was kept for the first caller.
        assert_ready_ok!(kept.poll());
    }
}

#[test]
fn a_wait_that_is_kept_and_not_polled_takes_nothing_after_its_time() {
    let (limiter, clock) = patient(Quota::every(2 * SECOND), Algorithm::Gcra, 3 * SECOND);
    limiter.try_acquire().unwrap();
    let mut kept = wait(&limiter, 1);
    assert_pending!(kept.poll());
    // Its turn would come at 4 s now, and its time ends at 3 s.
    limiter.set_quota(Quota::every(4 * SECOND));
    clock.advance(6 * SECOND);
    limiter.try_acquire().unwrap();
    assert_eq!(reason(assert_ready!(kept.poll())), Reason::TooLong);
}

#[test]
fn a_turn_that_came_in_time_is_kept_for_a_caller_that_asks_late() {
    for algorithm in [Algorithm::Gcra, Algorithm::SlidingWindow] {
        let (limiter, clock) = patient(Quota::every(SECOND), algorithm, SECOND);
        limiter.try_acquire().unwrap();
        let mut wait = wait(&limiter, 1);
        assert_pending!(wait.poll());
        clock.advance(3 * SECOND);
        assert_ready_ok!(wait.poll());
    }
}

#[test]
fn callers_that_may_wait_for_ever_are_so_many_at_most() {
    for (limiter, _clock) in [gcra(Quota::per_hour(1)), window(Quota::per_hour(1))] {
        limiter.try_acquire().unwrap();
        let mut waits: Vec<Wait> = (0..1_024).map(|_| wait(&limiter, 1)).collect();
        waits.iter_mut().for_each(|wait| assert_pending!(wait.poll()));
        let answer = assert_ready!(wait(&limiter, 1).poll());
        assert_eq!(
            answer.as_ref().unwrap_err().to_string(),
            "rate limit `t` is exhausted, and as many calls wait as may (max_queued): 1 in 3600s, 1 at once; again in 3690000s"
        );
        assert_eq!(reason(answer), Reason::QueueFull);
        drop(waits.pop());
        assert_pending!(wait(&limiter, 1).poll());
    }
}

#[test]
fn a_queue_is_as_long_as_it_was_told() {
    let clock = ManualClock::new();
    let built = |max_queued| {
        let limiter =
            RateLimiter::builder("t", Quota::every(SECOND)).max_queued(max_queued).clock(clock.clone()).build();
        limiter.try_acquire().unwrap();
        limiter
    };
    let limiter: Manual = built(1);
    assert_eq!(limiter.max_queued(), 1);
    let mut first = wait(&limiter, 1);
    assert_pending!(first.poll());
    assert_eq!(reason(assert_ready!(wait(&limiter, 1).poll())), Reason::QueueFull);
    // A cost that never passes is told so, whoever waits.
    assert_eq!(reason(assert_ready!(wait(&limiter, 2).poll())), Reason::TooLarge);
    let none: Manual = built(0);
    assert_eq!(reason(assert_ready!(wait(&none, 1).poll())), Reason::Exhausted);
    // With a longest wait it is the time that bounds the queue, unless a number is given too.
    let (timed, _clock) = patient(Quota::every(ms(1)), Algorithm::Gcra, 2 * SECOND);
    assert_eq!(timed.max_queued(), usize::MAX);
    timed.try_acquire().unwrap();
    let mut waits: Vec<Wait> = (0..2_000).map(|_| wait(&timed, 1)).collect();
    waits.iter_mut().for_each(|wait| assert_pending!(wait.poll()));
    assert_eq!(reason(assert_ready!(wait(&timed, 1).poll())), Reason::TooLong);
}
