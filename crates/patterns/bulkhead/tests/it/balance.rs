//! A balancer over endpoints with a bulkhead each: it passes by the one that is full, and comes back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::support::{SECOND, assert_idle, some_day};
use seawall_bulkhead::Bulkhead;
use seawall_policy::GateService;
use tokio::time::{Instant, sleep};
use tower::{
    Layer, Service, ServiceExt,
    balance::p2c::Balance,
    discover::ServiceList,
    load::{CompleteOnResponse, PendingRequests},
};
use tower_test::mock;

/// An endpoint behind a bulkhead, and how many calls it has served.
struct Endpoint {
    bulkhead: Bulkhead,
    served: Arc<AtomicU32>,
}

type Guarded = PendingRequests<GateService<mock::Mock<(), ()>, Bulkhead>, CompleteOnResponse>;

impl Endpoint {
    /// It takes `takes` to answer a call, and any number of calls at once.
    fn start(name: &'static str, slots: usize, takes: Duration) -> (Self, Guarded) {
        let bulkhead = Bulkhead::new(name, slots);
        let (inner, mut handle) = mock::pair::<(), ()>();
        let service = bulkhead.layer().backpressure().layer(inner);
        let endpoint = Self { bulkhead, served: Arc::default() };
        let served = endpoint.served.clone();
        tokio::spawn(async move {
            while let Some(((), answer)) = handle.next_request().await {
                served.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    sleep(takes).await;
                    answer.send_response(());
                });
            }
        });
        (endpoint, PendingRequests::new(service, CompleteOnResponse::default()))
    }

    fn take_served(&self) -> u32 {
        self.served.swap(0, Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn a_balancer_passes_by_the_endpoint_that_is_full_and_comes_back() {
    let (first, first_service) = Endpoint::start("first", 1, SECOND);
    let (second, second_service) = Endpoint::start("second", 1, SECOND);
    let mut balance = Balance::new(ServiceList::new::<()>([first_service, second_service]));
    let mut calls = async |count: u32| {
        for _ in 0..count {
            some_day(some_day(balance.ready()).await.unwrap().call(())).await.unwrap();
        }
    };
    // Enough that chance, which chooses between two that are equally busy, chooses both: it fails once in 2^60 runs.
    calls(60).await;
    assert!(first.take_served() > 0 && second.take_served() > 0);

    // It may hold a slot already, as it was made ready for the next call; that one comes before it is full for good.
    while first.bulkhead.available() == 0 {
        calls(1).await;
    }
    let taken = first.bulkhead.try_acquire().unwrap();
    first.take_served();
    second.take_served();
    calls(60).await;
    assert_eq!((first.take_served(), second.take_served()), (0, 60));

    drop(taken);
    calls(60).await;
    assert!(first.take_served() > 0);
    assert_eq!(first.bulkhead.snapshot().rejected() + second.bulkhead.snapshot().rejected(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_balancer_whose_endpoints_are_all_full_waits_for_the_first_that_has_room() {
    let (first, first_service) = Endpoint::start("first", 1, 5 * SECOND);
    let (second, second_service) = Endpoint::start("second", 2, 7 * SECOND);
    let mut balance = Balance::new(ServiceList::new::<()>([first_service, second_service]));
    let began = Instant::now();
    let mut calls = Vec::new();
    for _ in 0..4 {
        calls.push(tokio::spawn(some_day(balance.ready()).await.unwrap().call(())));
    }
    assert_eq!(began.elapsed().as_secs(), 5, "three have room, and the fourth waits for the shorter one");
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((first.take_served(), second.take_served()), (2, 2));
    drop(balance);
    assert_idle(&first.bulkhead);
    assert_idle(&second.bulkhead);
}
