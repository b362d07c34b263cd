//! governor 0.10.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::run;

#[test]
fn their_check() {
    use governor::clock::{Clock, DefaultClock};
    use governor::{Quota, RateLimiter};

    let quota = Quota::per_second(NonZeroU32::new(50).unwrap()).allow_burst(NonZeroU32::new(2).unwrap());
    let limiter = RateLimiter::direct(quota);
    assert!(limiter.check().is_ok());
    assert!(limiter.check().is_ok());
    let refused = limiter.check().unwrap_err();
    let again_in = refused.wait_time_from(DefaultClock::default().now());
    assert!(again_in <= Duration::from_millis(20));
}

#[test]
fn our_check() {
    use seawall::{Quota, RateLimiter};

    let limiter = RateLimiter::new("inventory", Quota::per_second(50).burst(2));
    assert!(limiter.try_acquire().is_ok());
    assert!(limiter.try_acquire().is_ok());
    let refused = limiter.try_acquire().unwrap_err();
    let again_in = refused.retry_after().unwrap();
    assert!(again_in <= Duration::from_millis(20));
}

#[test]
fn their_wait() {
    run(async {
        use governor::{Quota, RateLimiter};

        let limiter = RateLimiter::direct(Quota::per_second(NonZeroU32::new(50).unwrap()));
        limiter.until_ready().await;
        limiter.until_n_ready(NonZeroU32::new(5).unwrap()).await.unwrap();
    });
}

#[test]
fn our_wait() {
    run(async {
        use seawall::{Quota, RateLimiter};

        let limiter = RateLimiter::new("inventory", Quota::per_second(50));
        limiter.acquire().await.unwrap();
        limiter.acquire_n(5).await.unwrap();
    });
}

#[test]
fn their_keys() {
    let client = IpAddr::from([192, 0, 2, 7]);
    use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

    let limiter: DefaultKeyedRateLimiter<IpAddr> = RateLimiter::keyed(Quota::per_minute(NonZeroU32::new(60).unwrap()));
    assert!(limiter.check_key(&client).is_ok());
    // Now and then, or it grows with each key that it has ever seen.
    limiter.retain_recent();
    limiter.shrink_to_fit();
    assert_eq!(limiter.len(), 1);
}

#[test]
fn our_keys() {
    let client = IpAddr::from([192, 0, 2, 7]);
    use seawall::{KeyedRateLimiter, Quota};

    let limiter = KeyedRateLimiter::<IpAddr>::builder("per client", Quota::per_minute(60)).max_keys(100_000).build();
    assert!(limiter.try_acquire(&client).is_ok());
    assert_eq!(limiter.len(), 1);
}

#[test]
fn our_keys_in_front_of_a_service() {
    let client = tower::service_fn(async |_: IpAddr| Ok::<_, std::convert::Infallible>("stock: 7"));
    let request = IpAddr::from([192, 0, 2, 7]);
    let answers = run(async {
        use seawall::{KeyedRateLimiter, Quota};
        use tower::{Service, ServiceBuilder};

        let limiter = KeyedRateLimiter::<IpAddr>::new("per client", Quota::per_minute(1));
        let layer = limiter.layer(|client: &IpAddr| *client).on_reject(|_| "too many requests");
        let mut service = ServiceBuilder::new().layer(layer).service(client);
        [crate::never(service.call(request).await), crate::never(service.call(request).await)]
    });
    assert_eq!(answers, ["stock: 7", "too many requests"]);
}
