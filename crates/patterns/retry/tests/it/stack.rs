//! Over the layers that people have below a retry: what an attempt held is free before the next one, and nothing waits
//! for itself.

use crate::support;
use std::{
    future, io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::support::{failed, free, quick};
use futures::future::join_all;
use seawall_core::Backoff;
use seawall_retry::Retry;
use seawall_testkit::time::{MILLISECOND, SECOND, some_day};
use tower::{
    BoxError, Layer, Service, ServiceExt,
    balance::p2c::Balance,
    buffer::Buffer,
    discover::ServiceList,
    limit::ConcurrencyLimit,
    load::{CompleteOnResponse, PendingRequests},
    service_fn,
    util::{BoxCloneService, BoxService},
};

fn retry() -> Retry {
    free().backoff(Backoff::constant(SECOND)).build()
}

/// Fails twice for each success.
fn flaky() -> impl FnMut(u32) -> future::Ready<Result<u32, BoxError>> + Clone + Send + 'static {
    let calls = Arc::new(AtomicU32::new(0));
    move |request| {
        let fails = calls.fetch_add(1, Ordering::Relaxed) % 3 < 2;
        future::ready(if fails { Err(io::Error::other("down").into()) } else { Ok(request) })
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_frees_its_place_before_the_wait() {
    let service = retry().layer().clone_all().layer(ConcurrencyLimit::new(service_fn(flaky()), 1));
    for request in 0..20 {
        assert_eq!(some_day(service.clone().oneshot(request)).await.unwrap(), request);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_their_next_attempt_let_others_pass_through_one_place() {
    let slow = service_fn(|number: u32| async move {
        tokio::time::sleep(MILLISECOND).await;
        if number == 0 { failed(0) } else { Ok(number) }
    });
    let service =
        free().backoff(support::exactly(SECOND)).build().layer().clone_all().layer(ConcurrencyLimit::new(slow, 1));
    let start = tokio::time::Instant::now();
    let failing = tokio::spawn(service.clone().oneshot(0));
    tokio::task::yield_now().await;
    for number in 1..=100 {
        assert_eq!(some_day(service.clone().oneshot(number)).await, Ok(number));
    }
    assert!(start.elapsed() < SECOND, "{:?}", start.elapsed());
    assert_eq!(some_day(failing).await.unwrap(), failed(0));
}

#[tokio::test(start_paused = true)]
async fn many_calls_over_few_places_all_come_through() {
    let fails_first = service_fn(|attempts: Arc<AtomicU32>| async move {
        tokio::time::sleep(MILLISECOND).await;
        let number = attempts.fetch_add(1, Ordering::Relaxed) + 1;
        if number < 3 { failed(number) } else { Ok(number) }
    });
    for places in [1, 2, 3] {
        let service = retry().layer().clone_all().layer(ConcurrencyLimit::new(fails_first, places));
        let calls = (0..50).map(|_| service.clone().oneshot(Arc::default()));
        assert_eq!(some_day(join_all(calls)).await, vec![Ok(3); 50], "{places} places");
    }
}

#[tokio::test(start_paused = true)]
async fn over_a_buffer_each_attempt_takes_a_place_of_its_own() {
    for bound in [1, 2, 10] {
        let service = retry().layer().clone_all().layer(Buffer::new(service_fn(flaky()), bound));
        for request in 0..20 {
            assert_eq!(some_day(service.clone().oneshot(request)).await.unwrap(), request, "bound {bound}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn in_boxes_above_and_below() {
    let inner = BoxCloneService::new(service_fn(flaky()));
    let mut service = BoxCloneService::new(retry().layer().clone_all().layer(inner.clone()));
    assert_eq!(some_day(service.ready().await.unwrap().call(1)).await.unwrap(), 1);
    let mut service = BoxService::new(retry().layer().clone_all().any_error().layer(inner));
    assert_eq!(some_day(service.ready().await.unwrap().call(2)).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn over_a_balancer_a_call_goes_on_until_it_meets_an_endpoint_that_works() {
    let served = Arc::new(AtomicU32::new(0));
    let endpoint = |works: bool| {
        let served = served.clone();
        let service = service_fn(move |request: u32| {
            served.fetch_add(1, Ordering::Relaxed);
            future::ready(if works { Ok::<_, BoxError>(request) } else { Err("down".into()) })
        });
        PendingRequests::new(service, CompleteOnResponse::default())
    };
    let balance = Balance::new(ServiceList::new::<u32>([endpoint(false), endpoint(true)]));
    let retry = quick().max_attempts(100).build();
    let service = retry.layer().clone_all().layer(Buffer::new(balance, 10));
    for request in 0..100 {
        assert_eq!(some_day(service.clone().oneshot(request)).await.unwrap(), request);
    }
    assert!(served.load(Ordering::Relaxed) > 100, "none was sent to the one that is down");
}

#[tokio::test(start_paused = true)]
async fn in_the_endpoints_of_a_balancer() {
    let endpoint = || {
        let service = retry().layer().clone_all().layer(service_fn(flaky()));
        PendingRequests::new(service, CompleteOnResponse::default())
    };
    let mut balance = Balance::new(ServiceList::new::<u32>([endpoint(), endpoint()]));
    for request in 0..20 {
        assert_eq!(some_day(balance.ready().await.unwrap().call(request)).await.unwrap(), request);
    }
}
