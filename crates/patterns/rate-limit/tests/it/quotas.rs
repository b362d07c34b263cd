//! Quotas that a closure makes on the path of a request: no number is wrong there.

use std::time::Duration;

use crate::subject::Limit;
use crate::support::{gcra, wait, window};
use seawall_core::{Error, Rejection, time::ManualClock};
use seawall_rate_limit::{KeyedRateLimiter, Quota, Reason};
use seawall_testkit::{Subject, time::SECOND};
use tokio_test::assert_ready;

#[test]
fn a_quota_of_zero_from_a_closure_refuses_its_key_and_panics_no_call() {
    let clock = ManualClock::new();
    let limiter = KeyedRateLimiter::<u32>::builder("t", Quota::per_second(1))
        .quotas(|key: &u32| Quota::per_minute(*key))
        .clock(clock.clone())
        .build();
    let Err(Rejection::RateLimited(limited)) = limiter.try_acquire(&0) else { panic!("it lets none pass") };
    assert_eq!((limited.reason(), limited.retry_after()), (Reason::TooLarge, None));
    assert_eq!(limited.to_string(), "rate limit `t` never lets 1 pass at once: 0 in 60s, 0 at once");
    assert_eq!((limiter.available(&0), limiter.available(&3)), (0, 3));
    assert!(limiter.try_acquire(&1).is_ok());
    clock.advance(3_600 * SECOND);
    assert!(limiter.try_acquire(&0).is_err());
}

#[test]
fn numbers_out_of_range_from_a_closure_panic_no_call() {
    let limiter = KeyedRateLimiter::<u8>::builder("t", Quota::per_second(1))
        .quotas(|key: &u8| match key {
            0 => Quota::per_second(u32::MAX),
            1 => Quota::every(Duration::ZERO),
            2 => Quota::every(Duration::MAX),
            3 => Quota::new(u32::MAX, Duration::MAX).burst(u32::MAX),
            4 => Quota::new(0, Duration::ZERO).burst(7),
            _ => Quota::per_hour(7).burst(0),
        })
        .clock(ManualClock::new())
        .build();
    let passes = |key: u8| limiter.try_acquire(&key).is_ok();
    assert_eq!([0, 1, 2, 3, 4, 5].map(passes), [true, true, true, true, false, false]);
}

#[test]
fn a_limiter_whose_quota_becomes_zero_refuses_all_calls_until_there_is_one() {
    for (limiter, clock) in [gcra(Quota::every(SECOND)), window(Quota::every(SECOND))] {
        limiter.try_acquire().unwrap();
        let mut waits = wait(&limiter, 1);
        assert!(waits.poll().is_pending());
        limiter.set_quota(Quota::per_second(0));
        let Err(Rejection::RateLimited(limited)) = assert_ready!(waits.poll()) else { panic!("it lets none pass") };
        assert_eq!(limited.reason(), Reason::TooLarge);
        let limit = Limit::new((limiter.clone(), clock.clone()));
        for (way, run) in Limit::RUNS {
            let Err(Error::Rejected(rejection)) = run(&limit, Ok(())) else { panic!("{way} passes") };
            assert_eq!(rejection.retry_after(), None, "{way}");
        }
        // What costs nothing passes.
        assert!(limiter.try_acquire_n(0).is_ok());
        clock.advance(SECOND);
        assert_eq!(limiter.available(), 0);
        limiter.set_quota(Quota::every(SECOND));
        clock.advance(SECOND);
        assert!(limiter.try_acquire().is_ok());
    }
}
