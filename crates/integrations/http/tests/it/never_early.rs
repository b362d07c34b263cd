//! Who waits for as long as a response says is not refused again for having come early.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderMap, HeaderValue, Response, header::RETRY_AFTER};
use proptest::prelude::*;
use seawall::{Backoff, CircuitBreaker, Hint, ManualClock, Quota, RateLimiter, Rejection, Trip};
use seawall_http::{Responder, hint, parse_retry_after, retry_after, retry_after_value};

const SECOND: Duration = Duration::from_secs(1);

/// Sends `rejection`, and reads how long it is to be waited for.
fn wait(rejection: &Rejection) -> Duration {
    let response: Response<Bytes> = Responder::new().legacy_fields().response(rejection);
    let headers = response.headers();
    let wait = retry_after(headers, SystemTime::now()).expect("it says when");
    assert_eq!(hint(headers), Hint::After(wait));
    let said = rejection.retry_after().expect("it knows when");
    assert!(wait >= said, "{wait:?} for {said:?}");
    assert!(wait < said + SECOND || wait == SECOND, "{wait:?} for {said:?}");
    if let Some(limit) = headers.get("ratelimit") {
        assert_eq!(limit, &format!(r#""default";r=0;t={}"#, wait.as_secs()));
        assert_eq!(headers["x-ratelimit-reset"], wait.as_secs().to_string());
    }
    wait
}

/// Of all sizes alike.
fn duration() -> impl Strategy<Value = Duration> {
    (any::<u64>(), 0..64_u32).prop_map(|(nanos, shift)| Duration::from_nanos((nanos >> shift).max(1)))
}

proptest! {
    #[test]
    fn a_limiter_lets_in_who_waited_for_as_long_as_it_said(
        count in 1_u32..10_000,
        burst in 1_u32..100,
        period in duration(),
        later in 0.0..1.0,
    ) {
        let period = period.max(Duration::from_micros(10)).min(Quota::MAX_PERIOD);
        let quota = Quota::new(count, period).burst(burst);
        let clock = ManualClock::new();
        let limiter = RateLimiter::builder("t", quota).clock(clock.clone()).build();
        limiter.try_acquire_n(burst).unwrap();
        clock.advance(quota.interval().mul_f64(later));
        if let Err(rejection) = limiter.try_acquire() {
            clock.advance(wait(&rejection));
            prop_assert!(limiter.try_acquire().is_ok());
        }
    }

    #[test]
    fn a_circuit_lets_in_who_waited_for_as_long_as_it_said(open_for in duration(), later in 0.0..1.0) {
        let open_for = open_for.min(Duration::from_secs(1_000_000_000));
        let clock = ManualClock::new();
        let breaker = CircuitBreaker::builder("t")
            .trip(Trip::consecutive(1))
            .open_for(Backoff::constant(open_for))
            .clock(clock.clone())
            .build();
        breaker.execute(async || Err::<(), _>("down")).now_or_never().unwrap().unwrap_err();
        clock.advance(open_for.mul_f64(later));
        if let Err(rejection) = breaker.try_acquire() {
            clock.advance(wait(&rejection));
            prop_assert!(breaker.try_acquire().is_ok());
        }
    }

    #[test]
    fn what_is_written_is_read_and_is_no_less(secs in any::<u64>(), shift in 0..64_u32, nanos in 0..1_000_000_000_u32) {
        let wait = Duration::new(secs >> shift, nanos);
        let read = parse_retry_after(retry_after_value(wait), SystemTime::now()).unwrap();
        prop_assert!(read >= wait && read >= SECOND, "{read:?}");
        prop_assert!(read == Duration::MAX || read <= wait.saturating_add(SECOND), "{read:?}");
    }

    /// Whatever the date, the form, and the two clocks.
    #[test]
    fn a_date_is_never_before_it_comes(date in 0..4_102_444_800_u64, now in 0..4_102_444_800_u64, nanos in 0..1_000_000_000_u32) {
        let (date, now) = (SystemTime::UNIX_EPOCH + Duration::from_secs(date), SystemTime::UNIX_EPOCH + Duration::new(now, nanos));
        let value = HeaderValue::try_from(httpdate::fmt_http_date(date)).unwrap();
        let read = retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]), now).unwrap();
        prop_assert_eq!(now + read, date.max(now));
    }
}

#[test]
fn the_longest_wait_there_is_survives() {
    let read = parse_retry_after(retry_after_value(Duration::MAX), SystemTime::now());
    assert_eq!(read, Some(Duration::MAX));
}
