//! Callers that wait get the rate, also if each of their timers ends late; and what passes stays within the law.

use std::time::Duration;

use crate::support::{Late, LateClock, MILLI};
use seawall_core::time::Clock;
use seawall_rate_limit::{Quota, RateLimiter};
use seawall_testkit::time::{SECOND, ms};
use tokio_test::task;

/// When calls passed in `time` of made-up time, of so many callers that ask again as soon as they have passed.
fn passed(quota: Quota, late: Late, callers: usize, time: Duration) -> Vec<u64> {
    let clock = LateClock::new(late);
    let limiter = RateLimiter::builder("t", quota).clock(clock.clone()).build();
    let mut passed = Vec::new();
    let ask = || {
        let limiter = limiter.clone();
        task::spawn(Box::pin(async move { limiter.acquire().await }))
    };
    let mut asking: Vec<_> = (0..callers).map(|_| (ask(), true)).collect();
    while clock.now().as_nanos() < time.as_nanos() as u64 {
        while let Some((asks, is_new)) = asking.iter_mut().find(|(asks, is_new)| *is_new || asks.is_woken()) {
            *is_new = false;
            if let std::task::Poll::Ready(answer) = asks.poll() {
                answer.unwrap();
                passed.push(clock.now().as_nanos());
                (*asks, *is_new) = (ask(), true);
            }
        }
        clock.advance(STEP);
    }
    passed
}

#[test]
fn callers_that_wait_get_the_rate_though_each_timer_is_late() {
    for (interval, callers) in [(1_500, 1), (1_500, 5), (500, 1), (500, 20), (100, 1), (100, 40)] {
        for late in [Late::Ticks, Late::ByLuck] {
            let quota = Quota::every(Duration::from_micros(interval));
            let time = ms(300);
            let passed = passed(quota, late, callers, time).len() as u64;
            let due = time.as_micros() as u64 / interval;
            assert!(passed * 100 >= due * 99, "{passed} of {due}: {quota}, {callers} callers, {late:?}");
            assert!(passed <= due + 1, "{passed} of {due}: {quota}, {callers} callers, {late:?}");
        }
    }
}

/// `burst + rate * T`, and T is longer by the lateness of the timers at most.
#[test]
fn what_passes_late_is_within_the_burst_and_the_rate_of_its_turns() {
    for (interval, burst, callers) in [(1_500, 1, 3), (100, 1, 1), (100, 3, 40), (300, 10, 7)] {
        let quota = Quota::every(Duration::from_micros(interval)).burst(burst);
        let passed = passed(quota, Late::ByLuck, callers, ms(100));
        for (first, from) in passed.iter().enumerate() {
            for (last, until) in passed.iter().enumerate().skip(first) {
                let (number, stretch) = ((last - first) as u64 + 1, until - from + MILLI + STEP.as_nanos() as u64 + 3);
                assert!(number <= u64::from(burst) + stretch / (interval * 1_000), "{number} in {stretch} ns: {quota}");
            }
        }
    }
}

#[test]
fn a_pause_saves_nothing_up_beyond_the_burst() {
    let clock = LateClock::new(Late::Ticks);
    let limiter = RateLimiter::builder("t", Quota::every(Duration::from_micros(100))).clock(clock.clone()).build();
    limiter.try_acquire().unwrap();
    let waits = limiter.clone();
    let mut late = task::spawn(async move { waits.acquire().await });
    assert!(late.poll().is_pending());
    clock.advance(ms(1));
    assert!(late.poll().is_ready());
    // Nine turns are left of the millisecond in which the caller waited; a pause takes them away.
    clock.advance(SECOND);
    assert_eq!((0..20).filter(|_| limiter.try_acquire().is_ok()).count(), 1);
    // A process that stood still for a second is not owed a second.
    let waits = limiter.clone();
    let mut late = task::spawn(async move { waits.acquire().await });
    assert!(late.poll().is_pending());
    clock.advance(SECOND);
    assert!(late.poll().is_ready());
    let owed = (0..20_000).filter(|_| limiter.try_acquire().is_ok()).count();
    assert!((199..=201).contains(&owed), "20 ms of turns, and not {owed}");
}

#[tokio::test(start_paused = true)]
async fn under_tokio_a_caller_gets_a_rate_above_that_of_its_timers() {
    for interval in [1_500, 500, 100] {
        let limiter = RateLimiter::new("t", Quota::every(Duration::from_micros(interval)));
        let begun = tokio::time::Instant::now();
        for _ in 0..2_000 {
            limiter.acquire().await.unwrap();
        }
        let (took, due) = (begun.elapsed(), Duration::from_micros(1_999 * interval));
        assert!(took >= due && took * 99 <= due * 100 + ms(200), "{took:?} for {due:?}");
    }
}

const STEP: Duration = Duration::from_micros(50);
