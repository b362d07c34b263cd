//! Clocks that step back, and readings that come late.

use std::{panic, time::Duration};

use proptest::{collection::vec, prelude::*};
use seawall_core::{
    rate::{Algorithm, Limiter, Quota, RateEntry},
    time::Instant,
};

use super::{DAY, START, cases, limiter, quotas, try_enter, unit};

const SECOND: u64 = 1_000_000_000;

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_clock_that_steps_back_lets_nobody_in_twice_and_stops_nothing(
        quota in quotas(),
        back in prop_oneof![1..=1_000_u64, Just(1_000_000), Just(3_600_000_000_000), 1..=500 * DAY],
    ) {
        let limiter = limiter(quota, START);
        let mut now = START + Duration::from_nanos(DAY);
        prop_assert!(try_enter(&limiter, quota.max_burst(), now).is_ok());
        now = Instant::from_nanos(now.as_nanos() - back);
        let wait = try_enter(&limiter, 1, now).expect_err("all was taken").expect("one is not above the burst");
        prop_assert_eq!(limiter.available(now), 0);
        // A second or two is within what a thread may have been asleep for since its reading, and is waited out.
        let interval = quota.interval().as_nanos() as u64;
        prop_assert!(wait <= interval + skew(&quota) + 2 + unit(&quota), "{wait}");
        now = now + Duration::from_nanos(wait);
        prop_assert_eq!(try_enter(&limiter, 1, now), Ok(()));
        prop_assert!(try_enter(&limiter, 1, now).is_err() || interval <= 1);
    }

    /// Threads that were put to sleep between the look at the clock and the one at the bucket.
    #[test]
    fn late_readings_let_nobody_in_twice(
        algorithm in prop_oneof![Just(Algorithm::Gcra), Just(Algorithm::SlidingWindow)],
        count in 1..200_u32,
        steps in vec((0..30_000_000_u64, 0..SECOND), 1..40),
    ) {
        let quota = Quota::per_second(count);
        let limiter: Limiter<usize> = Limiter::new(quota, algorithm, 1, START);
        let (mut now, mut passed) = (START, Vec::new());
        for (step, late) in steps {
            now = now + Duration::from_nanos(step);
            for reading in [now, before(now, late), now] {
                while try_enter(&limiter, 1, reading).is_ok() {
                    // When it really was.
                    passed.push(now.as_nanos());
                }
            }
        }
        for (first, from) in passed.iter().enumerate() {
            for (last, until) in passed.iter().enumerate().skip(first) {
                let most = match algorithm {
                    Algorithm::SlidingWindow if until - from >= SECOND => continue,
                    Algorithm::SlidingWindow => u64::from(count),
                    _ => u64::from(count) + (until - from + 3) * u64::from(count) / SECOND,
                };
                let passed = (last - first) as u64 + 1;
                prop_assert!(passed <= most, "{} in {} ns", passed, until - from);
            }
        }
    }

    #[test]
    fn a_window_that_finds_the_clock_stepped_back_goes_on_after_a_period(
        count in 1..5_u32,
        back in prop_oneof![1..3 * SECOND, Just(3_600 * SECOND), 1..500 * DAY],
    ) {
        let quota = Quota::new(count, Duration::from_nanos(7 * SECOND));
        let limiter: Limiter<usize> = Limiter::new(quota, Algorithm::SlidingWindow, 1, START);
        prop_assert_eq!(try_enter(&limiter, count, START), Ok(()));
        let now = before(START, back);
        let wait = try_enter(&limiter, 1, now).expect_err("all was taken").expect("one is not above the count");
        prop_assert!((7 * SECOND..=8 * SECOND).contains(&wait), "{}", wait);
        prop_assert_eq!(try_enter(&limiter, 1, now + Duration::from_nanos(wait - 1)), Err(Some(1)));
        prop_assert_eq!(try_enter(&limiter, count, now + Duration::from_nanos(wait)), Ok(()));
    }
}

/// As a service's `poll_ready` does.
#[test]
fn whoever_only_asks_is_not_told_to_wait_for_a_clock_that_has_stepped_back() {
    for algorithm in [Algorithm::Gcra, Algorithm::SlidingWindow] {
        let limiter: Limiter<usize> = Limiter::new(Quota::every(Duration::from_secs(3)), algorithm, 1, START);
        assert_eq!(try_enter(&limiter, 1, START), Ok(()));
        for back in [3_600 * SECOND, DAY, 1_000 * DAY] {
            let mut now = before(START, back);
            let refusal = limiter.would_reject(1, now).expect("it was spent");
            assert_eq!(refusal.retry_after(), Some(Duration::from_secs(3)));
            now = now + Duration::from_secs(3);
            assert_eq!(limiter.would_reject(1, before(now, 1)).and_then(|refusal| refusal.retry_after()), Some(NANO));
            assert_eq!(limiter.would_reject(1, now), None);
            assert_eq!(try_enter(&limiter, 1, now), Ok(()));
            assert_eq!(try_enter(&limiter, 1, START), Ok(()), "by then it is there again");
        }
    }
}

#[test]
fn who_waits_does_not_wait_for_a_clock_that_has_stepped_back() {
    for algorithm in [Algorithm::Gcra, Algorithm::SlidingWindow] {
        let limiter: Limiter<usize> = Limiter::new(Quota::every(Duration::from_secs(3)), algorithm, 1, START);
        assert_eq!(try_enter(&limiter, 1, START), Ok(()));
        let Ok(RateEntry::Waiting(place)) = limiter.enter(1, true, START, Instant::MAX, || 1).0 else {
            panic!("it was spent")
        };
        let now = before(START, DAY);
        assert_eq!(try_enter(&limiter, 1, now), Err(Some(6 * SECOND)));
        let (_, woken) = limiter.try_enter_behind(1, now + Duration::from_secs(3));
        assert_eq!(woken.into_iter().collect::<Vec<_>>(), [1]);
        let _ = limiter.leave(place, now + Duration::from_secs(3));
    }
}

#[test]
fn the_end_of_time_is_a_time() {
    for algorithm in [Algorithm::Gcra, Algorithm::SlidingWindow] {
        let limiter: Limiter<usize> = Limiter::new(Quota::per_second(2), algorithm, 1, START);
        for now in [Instant::MAX, before(Instant::MAX, 1), Instant::MAX] {
            let _ = try_enter(&limiter, 2, now);
            assert!(try_enter(&limiter, 2, now).is_err_and(|wait| wait.is_some_and(|wait| wait <= SECOND + 2)));
            assert_eq!(limiter.available(now), 0);
        }
        assert!(
            limiter
                .would_reject(1, Instant::ORIGIN)
                .is_some_and(|refusal| refusal.retry_after() <= Some(2 * NANO * 1_000_000_000))
        );
    }
}

#[test]
fn who_is_let_through_by_a_change_that_panics_is_told() {
    let limiter: Limiter<usize> =
        Limiter::new(Quota::every(Duration::from_secs(1)), Algorithm::SlidingWindow, 1, START);
    assert_eq!(try_enter(&limiter, 1, START), Ok(()));
    let (entry, _) = limiter.enter(1, true, START, Instant::MAX, || 7);
    let due = START + Duration::from_secs(1);
    let change = || limiter.set_quota(Quota::new(1 << 25, Duration::from_secs(1)), due);
    assert!(panic::catch_unwind(panic::AssertUnwindSafe(change)).is_err());
    let (_, woken) = limiter.try_enter_behind(1, due);
    assert_eq!(woken.into_iter().collect::<Vec<_>>(), [7]);
    drop(entry);
}

#[test]
fn a_late_reading_does_not_bring_back_what_the_window_has_forgotten() {
    let quota = Quota::new(2, Duration::from_nanos(SECOND / 2));
    let limiter: Limiter<usize> = Limiter::new(quota, Algorithm::SlidingWindow, 1, START);
    assert_eq!(try_enter(&limiter, 1, START), Ok(()));
    let later = START + Duration::from_nanos(SECOND / 2);
    assert_eq!(limiter.available(later), 2);
    assert_eq!(limiter.available(START), 2);
    assert_eq!(try_enter(&limiter, 2, later), Ok(()));
    // The first has left the window; those that are in it are others.
    assert!(limiter.refund(1, START, later).is_empty());
    assert_eq!(limiter.available(later), 0);
}

fn before(now: Instant, nanos: u64) -> Instant {
    Instant::from_nanos(now.as_nanos() - nanos)
}

/// What two readings of the clock may differ by, for that quota.
fn skew(quota: &Quota) -> u64 {
    unit(quota).saturating_mul(1 << 32)
}

const NANO: Duration = Duration::from_nanos(1);
