//! What a call costs in memory: no allocation in any way to call that need not wait, and small futures.

use std::{future, mem::size_of_val, time::Duration};

use crate::support::gcra;
use futures::FutureExt;
use seawall_core::{Error, time::ManualClock};
use seawall_rate_limit::{KeyedRateLimiter, Quota, RateLimiter};
use seawall_testkit::{alloc::allocations, time::SECOND};
use tower::{Layer, Service, ServiceExt, service_fn};

// ===== allocations =====

#[test]
fn a_call_that_might_wait_allocates_nothing_if_it_need_not() {
    let limiter =
        RateLimiter::builder("t", Quota::per_second(1_000_000)).max_wait(SECOND).clock(ManualClock::new()).build();
    let mut service = limiter.layer().layer(service_fn(|()| future::ready(Ok::<(), Error<()>>(()))));
    assert_eq!(allocations(|| drop(limiter.execute(|| future::ready(Ok::<(), ()>(()))).now_or_never().unwrap())), 0);
    assert_eq!(allocations(|| limiter.acquire().now_or_never().unwrap().unwrap()), 0);
    assert_eq!(allocations(|| drop(service.ready().now_or_never().unwrap().map(|service| service.call(())))), 0);
}

#[test]
fn a_key_that_is_held_costs_no_allocation_and_few_bytes() {
    let clock = ManualClock::new();
    let limiter = KeyedRateLimiter::<u64>::builder("t", Quota::per_hour(1_000_000)).clock(clock).build();
    for key in 0..1_000 {
        limiter.try_acquire(&key).unwrap();
    }
    let mut key = 0;
    let mut ask = || {
        key = (key + 7) % 1_000;
        limiter.execute(&key, || future::ready(Ok::<(), ()>(()))).now_or_never().unwrap().unwrap();
    };
    assert_eq!(allocations(&mut ask), 0);
}

// ===== sizes =====

#[test]
fn futures_are_small() {
    let (limiter, _clock) = gcra(Quota::per_second(1));
    let inner = || future::pending::<Result<[u8; 100], ()>>();
    // What a call needs that is let in, refused or waiting, in one.
    let call = limiter.execute(inner);
    assert!(size_of_val(&call) <= 80, "{}", size_of_val(&call));
    let large = [0_u8; 400];
    let call = limiter.execute(move || async move { future::ready(Ok::<u8, ()>(large[7])).await });
    assert!(size_of_val(&call) <= 400 + 40 + 400, "{}", size_of_val(&call));
    let mut service = limiter.layer().layer(service_fn(|()| future::ready(Ok::<(), Error<()>>(()))));
    let response = service.call(());
    assert!(size_of_val(&response) <= 112, "{}", size_of_val(&response));
}

#[test]
fn what_goes_between_threads_may() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    fn is_send<T: Send>(_: &T) {}
    let limiter = RateLimiter::builder("t", Quota::per_second(1)).max_wait(Duration::MAX).build();
    let keyed = KeyedRateLimiter::<String>::new("t", Quota::per_second(1));
    let inner = || service_fn(|_: String| future::ready(Ok::<(), Error<()>>(())));
    is_send_and_sync(&limiter);
    is_send_and_sync(&keyed);
    is_send_and_sync(&limiter.layer().layer(inner()));
    is_send_and_sync(&keyed.layer(String::clone).layer(inner()));
    is_send(&limiter.acquire());
    is_send(&limiter.execute(|| async { Ok::<(), ()>(()) }));
}
