//! The surroundings of a stack or a single layer: boxes, buffers, balancers, other layers, a router.

use std::{future::Future, io, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use seawall::{
    Bulkhead, CircuitBreaker, Error, Quota, RateLimiter, Rejection, Retry, Stack, StackLayer, Timeout, Trip,
    retry::CloneAll,
};
use tower::{
    BoxError, Layer, Service, ServiceBuilder, ServiceExt,
    balance::p2c::Balance,
    buffer::Buffer,
    discover::ServiceList,
    load::{CompleteOnResponse, PendingRequests},
    service_fn,
    util::BoxCloneService,
};

use super::support::SECOND;

type Five = (RateLimiter, (Timeout, (Retry, (CircuitBreaker, (Bulkhead, ())))));

/// The policies, single and as a stack.
struct World {
    limiter: RateLimiter,
    timeout: Timeout,
    retry: Retry,
    breaker: CircuitBreaker,
    bulkhead: Bulkhead,
    stack: Stack<Five>,
}

impl World {
    fn new() -> Self {
        let limiter = RateLimiter::new("rate", Quota::per_second(1_000).burst(1_000));
        let timeout = Timeout::new("timeout", 10 * SECOND);
        let retry = Retry::builder("again").backoff(Duration::ZERO).build();
        let breaker = CircuitBreaker::builder("circuit").trip(Trip::consecutive(100)).build();
        let bulkhead = Bulkhead::new("slots", 10);
        let stack = Stack::new()
            .rate_limit(limiter.clone())
            .timeout(timeout.clone())
            .retry(retry.clone())
            .circuit_breaker(breaker.clone())
            .bulkhead(bulkhead.clone());
        Self { limiter, timeout, retry, breaker, bulkhead, stack }
    }

    fn layer(&self) -> StackLayer<Five, CloneAll> {
        self.stack.layer().clone_all()
    }
}

/// The inner service.
async fn double(number: u32) -> Result<u32, BoxError> {
    tokio::task::yield_now().await;
    Ok(2 * number)
}

/// Runs `$check` over the stack's layer and each single layer.
macro_rules! each_layer {
    ($world:ident, |$what:ident, $layer:ident| $check:expr) => {
        each_layer!(@ $what, $layer, $check, "stack", $world.layer().keep_error());
        each_layer!(@ $what, $layer, $check, "rate limit", $world.limiter.layer());
        each_layer!(@ $what, $layer, $check, "timeout", $world.timeout.layer());
        each_layer!(@ $what, $layer, $check, "retry", $world.retry.layer().clone_all());
        each_layer!(@ $what, $layer, $check, "circuit breaker", $world.breaker.layer());
        each_layer!(@ $what, $layer, $check, "bulkhead", $world.bulkhead.layer());
    };
    (@ $what:ident, $layer:ident, $check:expr, $name:expr, $made:expr) => {{
        let ($what, $layer) = ($name, $made);
        $check
    }};
}

/// Asserts that the service answers, and that a clone answers.
async fn answers<S>(what: &str, mut service: S)
where
    S: Service<u32, Response = u32, Error = BoxError> + Clone,
{
    for number in 1..5 {
        assert_eq!(service.ready().await.unwrap().call(number).await.unwrap(), 2 * number, "{what}");
        assert_eq!(service.clone().oneshot(number).await.unwrap(), 2 * number, "{what}");
    }
}

/// Endpoints to choose between, in a buffer, so that it can be cloned.
fn balanced<S>(endpoints: [S; 2]) -> Buffer<u32, impl Future<Output = Result<u32, BoxError>> + Send>
where
    S: Service<u32, Response = u32, Error = BoxError, Future: Send> + Send + 'static,
{
    let endpoints = endpoints.map(|endpoint| PendingRequests::new(endpoint, CompleteOnResponse::default()));
    Buffer::new(Balance::new(ServiceList::new::<u32>(endpoints)), 8)
}

#[tokio::test(start_paused = true)]
async fn boxes_may_stand_above_and_below() {
    let world = World::new();
    each_layer!(world, |what, layer| {
        let inner = BoxCloneService::new(service_fn(double));
        answers(what, BoxCloneService::new(layer.layer(inner))).await;
    });
}

#[tokio::test(start_paused = true)]
async fn buffers_may_stand_above_and_below() {
    let world = World::new();
    each_layer!(world, |what, layer| {
        answers(what, Buffer::new(layer.layer(Buffer::new(service_fn(double), 4)), 4)).await;
    });
}

#[tokio::test(start_paused = true)]
async fn balancers_may_stand_above_and_below() {
    let world = World::new();
    each_layer!(world, |what, layer| {
        answers(what, layer.layer(balanced([service_fn(double), service_fn(double)]))).await;
        let endpoints = [layer.layer(service_fn(double)), layer.layer(service_fn(double))];
        answers(what, balanced(endpoints)).await;
    });
}

#[tokio::test(start_paused = true)]
async fn a_retry_over_a_balancer_meets_the_endpoint_that_works() {
    let world = World::new();
    let endpoint = |works: bool| {
        service_fn(
            move |number: u32| async move { if works { double(number).await } else { Err(BoxError::from("down")) } },
        )
    };
    let service = world.layer().keep_error().layer(balanced([endpoint(true), endpoint(false)]));
    let mut failed = 0;
    for number in 0..20 {
        failed += u32::from(service.clone().oneshot(number).await.is_err());
    }
    // The choice between equally busy endpoints is random: one call in eight has three bad draws in a row.
    assert!(failed < 20, "{failed} of 20");
    assert_eq!(world.bulkhead.in_flight(), 0);
}

// ===== orders =====

async fn triple(number: u32) -> io::Result<u32> {
    Ok(3 * number)
}

#[tokio::test(start_paused = true)]
async fn its_error_is_flat_in_any_order_of_layers() {
    let (world, other) = (World::new(), CircuitBreaker::new("other"));
    let nested = Stack::new().circuit_breaker(other.clone()).timeout(Timeout::new("timeout", SECOND));
    let check = async |service: BoxCloneService<u32, u32, Error<io::Error>>| {
        assert_eq!(service.clone().oneshot(1).await.unwrap(), 3);
        for breaker in [&world.breaker, &other] {
            breaker.force_open();
            let error = service.clone().oneshot(1).await.unwrap_err();
            let Error::Rejected(rejection) = error else { panic!("{error}") };
            assert_eq!(rejection.to_string(), format!("circuit breaker `{}` is forced open", breaker.name()));
            breaker.reset();
        }
        assert_eq!(world.breaker.snapshot().rules().len(), 0, "rejections of the other one are no failures");
    };
    let above = ServiceBuilder::new().layer(other.layer()).layer(world.layer()).service_fn(triple);
    check(above.boxed_clone()).await;
    let below = ServiceBuilder::new().layer(world.layer().keep_error()).layer(other.layer());
    check(below.map_err(Error::Inner).service_fn(triple).boxed_clone()).await;
    let inside = ServiceBuilder::new().layer(world.layer().keep_error()).layer(nested.layer());
    check(inside.service_fn(triple).boxed_clone()).await;
    let around = ServiceBuilder::new().layer(nested.layer().keep_error()).layer(world.layer());
    check(around.service_fn(triple).boxed_clone()).await;
}

// ===== axum =====

/// The status and the body of an answer to `GET /`.
async fn get_root(router: Router) -> (StatusCode, String) {
    let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn router() -> Router {
    Router::new().route("/", get(|| async { "stock: 7" }))
}

fn unavailable(rejection: Rejection) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, rejection.to_string()).into_response()
}

/// A body is sent once.
fn once(_: &Request) -> Option<Request> {
    None
}

#[tokio::test(start_paused = true)]
async fn an_axum_router_takes_the_stack_and_each_layer() {
    let world = World::new();
    let served = (StatusCode::OK, String::from("stock: 7"));
    let routers = [
        router().layer(world.layer().clone_request(once).on_reject(unavailable)),
        router().layer(world.limiter.layer().on_reject(unavailable)),
        router().layer(world.timeout.layer().on_reject(unavailable)),
        router().layer(world.retry.layer().clone_all().any_error().clone_request(once)),
        router().layer(world.breaker.layer().on_reject(unavailable)),
        router().layer(world.bulkhead.layer().on_reject(unavailable)),
    ];
    for router in &routers {
        assert_eq!(get_root(router.clone()).await, served);
    }
    world.breaker.force_open();
    let refused = (StatusCode::SERVICE_UNAVAILABLE, String::from("circuit breaker `circuit` is forced open"));
    for (router, wanted) in routers.into_iter().zip([&refused, &served, &served, &served, &refused, &served]) {
        assert_eq!(get_root(router).await, *wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_on_a_single_route_answers_when_the_handler_is_too_slow() {
    let stack = Stack::new().timeout(Timeout::builder("slow", SECOND).build());
    let slow = get(|| async { tokio::time::sleep(2 * SECOND).await })
        // Without a retry no request is sent again, so it need not be `Clone`.
        .layer(stack.layer().on_reject(unavailable));
    let router: Router = Router::new().route("/", slow);
    let refused = (StatusCode::SERVICE_UNAVAILABLE, String::from("timeout `slow`: not done in 1s"));
    assert_eq!(get_root(router).await, refused);
}
