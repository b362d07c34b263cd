//! A balancer over endpoints with a breaker each: it passes by the one whose circuit is open, and comes back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::support::OPEN_FOR;
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::breaker::{State, Trip};
use seawall_testkit::time::{exactly, some_day};
use tokio::time::{Instant, advance};
use tower::{
    Layer, Service, ServiceExt,
    balance::p2c::Balance,
    discover::ServiceList,
    load::{CompleteOnResponse, PendingRequests},
};
use tower_test::mock;

/// An endpoint behind a breaker, and what goes on in it.
struct Endpoint {
    breaker: CircuitBreaker,
    well: Arc<AtomicBool>,
    served: Arc<AtomicU32>,
}

type Guarded = PendingRequests<seawall_circuit_breaker::CircuitBreakerService<mock::Mock<(), ()>>, CompleteOnResponse>;

impl Endpoint {
    fn start(name: &'static str) -> (Self, Guarded) {
        let breaker = CircuitBreaker::builder(name).trip(Trip::consecutive(1)).open_for(exactly(OPEN_FOR)).build();
        let (inner, mut handle) = mock::pair::<(), ()>();
        let service = breaker.layer().backpressure().layer(inner);
        let endpoint = Self { breaker, well: Arc::new(AtomicBool::new(true)), served: Arc::default() };
        let (well, served) = (endpoint.well.clone(), endpoint.served.clone());
        tokio::spawn(async move {
            while let Some(((), answer)) = handle.next_request().await {
                served.fetch_add(1, Ordering::Relaxed);
                if well.load(Ordering::Relaxed) { answer.send_response(()) } else { answer.send_error("unwell") }
            }
        });
        (endpoint, PendingRequests::new(service, CompleteOnResponse::default()))
    }

    fn set_well(&self, well: bool) {
        self.well.store(well, Ordering::Relaxed);
    }

    fn take_served(&self) -> u32 {
        self.served.swap(0, Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn a_balancer_passes_by_the_endpoint_whose_circuit_is_open_and_comes_back() {
    let ((first, first_service), (second, second_service)) = (Endpoint::start("first"), Endpoint::start("second"));
    let endpoints = ServiceList::new::<()>([first_service, second_service]);
    let mut balance = Balance::new(endpoints);
    // Enough that chance, which chooses between two that are equally busy, chooses both: it fails once in 2^60 runs.
    let mut calls = async |count: u32| {
        let mut failed = 0;
        for _ in 0..count {
            failed += u32::from(some_day(balance.ready()).await.unwrap().call(()).await.is_err());
        }
        failed
    };
    assert_eq!(calls(60).await, 0);
    assert!(first.take_served() > 0 && second.take_served() > 0);

    first.set_well(false);
    assert_eq!(calls(60).await, 1, "the call that opens the circuit fails, and none after it");
    assert_eq!((first.take_served(), second.take_served()), (1, 59));

    // Tokio's timer is good to a millisecond.
    let little = Duration::from_millis(2);
    first.set_well(true);
    advance(OPEN_FOR - little).await;
    assert_eq!(calls(60).await, 0);
    assert_eq!(first.take_served(), 0, "its open period is not over yet");

    advance(little).await;
    assert_eq!(calls(60).await, 0);
    assert!(first.take_served() > 0);
    assert_eq!(first.breaker.state(), State::Closed);
    assert_eq!(first.breaker.snapshot().rejected() + second.breaker.snapshot().rejected(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_balancer_whose_circuits_are_all_open_waits_for_the_first_to_try_again() {
    let ((first, first_service), (second, second_service)) = (Endpoint::start("first"), Endpoint::start("second"));
    let mut balance = Balance::new(ServiceList::new::<()>([first_service, second_service]));
    first.set_well(false);
    second.set_well(false);
    for _ in 0..2 {
        assert!(some_day(balance.ready()).await.unwrap().call(()).await.is_err());
    }
    assert_eq!((first.breaker.state(), second.breaker.state()), (State::Open, State::Open));
    first.set_well(true);
    second.set_well(true);
    let began = Instant::now();
    some_day(balance.ready()).await.unwrap().call(()).await.unwrap();
    assert!(began.elapsed() >= OPEN_FOR, "{:?}", began.elapsed());
}
