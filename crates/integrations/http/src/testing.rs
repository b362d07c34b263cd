//! What tests need in several places.

use std::time::Duration;

use seawall::{Bulkhead, CircuitBreaker, Quota, RateLimiter, Rejection};
use seawall_core::{Name, TimedOut};

/// A rejection of each kind, and of those kinds that may say when they pass, one that does and one that does not.
pub(crate) fn rejections() -> Vec<Rejection> {
    let limiter = RateLimiter::new("secret", Quota::per_second(1));
    limiter.try_acquire().expect("the first passes");
    let bulkhead = Bulkhead::new("secret", 1);
    let _permit = bulkhead.try_acquire().expect("there is room for one");
    let breaker = CircuitBreaker::new("secret");
    breaker.force_open();
    vec![
        limiter.try_acquire().expect_err("exhausted"),
        limiter.try_acquire_n(2).expect_err("too large"),
        bulkhead.try_acquire().expect_err("full"),
        bulkhead.try_acquire_n(2).expect_err("too large"),
        opened(),
        breaker.try_acquire().expect_err("forced open"),
        TimedOut::new(Name::from("secret"), Duration::from_millis(7), Duration::from_millis(8)).into(),
    ]
}

/// By a circuit that is open for 5 s.
fn opened() -> Rejection {
    let breaker =
        CircuitBreaker::builder("secret").trip(seawall::Trip::consecutive(1)).open_for(Duration::from_secs(5)).build();
    breaker.try_acquire().expect("closed").failure();
    breaker.try_acquire().expect_err("open")
}
