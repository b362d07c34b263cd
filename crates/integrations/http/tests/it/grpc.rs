//! gRPC responses to rejections, and what a breaker and a retry make of responses, over mock services.

use std::{convert::Infallible, time::Duration};

use http::{Request, Response, StatusCode};
use seawall::{Bulkhead, CircuitBreaker, Deadline, KeyedRateLimiter, Quota, RateLimiter, Retry, State, Timeout, Trip};
use seawall_core::Classify;
use seawall_http::{
    GrpcCode, GrpcCodes, PUSHBACK, ReadDeadlineLayer, Statuses, WriteDeadlineLayer, grpc_respond, pushback,
    pushback_value,
};
use tokio::time::{self, Instant};
use tokio_test::{assert_pending, assert_ready_ok};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_test::mock;

fn ok(_: Request<()>) -> std::future::Ready<Result<Response<()>, Infallible>> {
    std::future::ready(Ok(Response::new(())))
}

/// The code that a call through `layer` is answered with, by a service that cannot fail.
async fn answered<L, S>(layer: &L) -> Option<GrpcCode>
where
    L: Layer<
            tower::util::ServiceFn<fn(Request<()>) -> std::future::Ready<Result<Response<()>, Infallible>>>,
            Service = S,
        >,
    S: Service<Request<()>, Response = Response<()>, Error = Infallible>,
{
    let service = layer.layer(service_fn(ok as fn(_) -> _));
    let Ok(response) = service.oneshot(Request::new(())).await;
    GrpcCode::of_response(&response)
}

#[tokio::test(start_paused = true)]
async fn each_layer_answers_a_service_that_cannot_fail() {
    let limiter = RateLimiter::new("t", Quota::per_minute(1));
    let layer = grpc_respond(limiter.layer());
    assert_eq!(answered(&layer).await, None);
    assert_eq!(answered(&layer).await, Some(GrpcCode::ResourceExhausted));

    let keyed = KeyedRateLimiter::new("t", Quota::per_minute(1));
    let layer = grpc_respond(keyed.layer(|_: &Request<()>| 7_u32));
    assert_eq!(answered(&layer).await, None);
    assert_eq!(answered(&layer).await, Some(GrpcCode::ResourceExhausted));

    let bulkhead = Bulkhead::new("t", 1);
    let layer = grpc_respond(bulkhead.layer());
    assert_eq!(answered(&layer).await, None);
    let permit = bulkhead.try_acquire().expect("room");
    assert_eq!(answered(&layer).await, Some(GrpcCode::ResourceExhausted));
    drop(permit);

    let breaker = CircuitBreaker::new("t");
    let layer = grpc_respond(breaker.layer());
    assert_eq!(answered(&layer).await, None);
    breaker.force_open();
    assert_eq!(answered(&layer).await, Some(GrpcCode::Unavailable));

    let layer = grpc_respond(Timeout::new("timeout", Duration::from_secs(1)).layer());
    assert_eq!(answered(&layer).await, None);
    let passed = Deadline::after(Duration::ZERO).scope(answered(&layer)).await;
    assert_eq!(passed, Some(GrpcCode::DeadlineExceeded));
}

#[tokio::test]
async fn a_refused_call_does_not_touch_the_inner_service() {
    let breaker = CircuitBreaker::new("t");
    breaker.force_open();
    let (mut service, mut handle) = mock::spawn_layer::<Request<()>, Response<()>, _>(grpc_respond(breaker.layer()));
    handle.allow(0);
    assert_ready_ok!(service.poll_ready());
    let response = service.call(Request::new(())).await.expect("answered");
    assert_eq!(GrpcCode::of_response(&response), Some(GrpcCode::Unavailable));
    assert_pending!(tokio_test::task::spawn(handle.next_request()).poll());
}

/// The state of a breaker that opens with the first failure, after a call that was answered so.
async fn state_after(response: Response<()>, classify: impl Classify<Response<()>, BoxError>) -> State {
    let breaker = CircuitBreaker::builder("t").trip(Trip::consecutive(1)).classify(classify).build();
    let service = service_fn(|_: Request<()>| std::future::ready(Ok::<_, BoxError>(response.clone())));
    breaker.layer().layer(service).oneshot(Request::new(())).await.expect("answered");
    breaker.state()
}

fn status(status: StatusCode) -> Response<()> {
    Response::builder().status(status).body(()).expect("a response")
}

fn code(code: GrpcCode) -> Response<()> {
    Response::builder().header("grpc-status", u16::from(code.number())).body(()).expect("a response")
}

#[tokio::test]
async fn a_breaker_opens_by_what_is_the_callees_fault() {
    assert_eq!(state_after(status(StatusCode::INTERNAL_SERVER_ERROR), Statuses::health()).await, State::Open);
    assert_eq!(state_after(status(StatusCode::NOT_FOUND), Statuses::health()).await, State::Closed);
    assert_eq!(state_after(status(StatusCode::TOO_MANY_REQUESTS), Statuses::health()).await, State::Closed);
    assert_eq!(state_after(code(GrpcCode::Unavailable), GrpcCodes::health()).await, State::Open);
    assert_eq!(state_after(code(GrpcCode::InvalidArgument), GrpcCodes::health()).await, State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_retry_above_responses_waits_for_exactly_the_pushback() {
    for (wait, attempts, waited) in [
        (Some(Some(Duration::from_millis(250))), 2, Duration::from_millis(250)),
        (Some(Some(Duration::ZERO)), 2, Duration::ZERO),
        (Some(Some(Duration::from_secs(86_400))), 1, Duration::ZERO),
        (Some(None), 1, Duration::ZERO),
        (None, 2, Duration::from_secs(7)),
    ] {
        let mut calls = 0;
        let callee = |call: u32| {
            let mut response = code(if call == 1 { GrpcCode::Unavailable } else { GrpcCode::Ok });
            if let Some(wait) = wait.filter(|_| call == 1) {
                response.headers_mut().insert(PUSHBACK, pushback_value(wait));
            }
            response
        };
        let retry = Retry::builder("t")
            .backoff(seawall::Backoff::constant(Duration::from_secs(7)).jitter(seawall::Jitter::None))
            .classify(GrpcCodes::transient().any_error())
            .hint(|_: &seawall::Attempt, result: &Result<Response<()>, Infallible>| {
                let response = result.as_ref().expect("it cannot fail");
                pushback(response.headers())
            })
            .build();
        let begun = Instant::now();
        let result = retry
            .execute(|| {
                calls += 1;
                std::future::ready(Ok::<_, Infallible>(callee(calls)))
            })
            .await;
        result.expect("a response");
        assert_eq!((calls, begun.elapsed()), (attempts, waited), "{wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_told_what_its_own_timeout_leaves() {
    let callee = service_fn(|request: Request<()>| async move {
        let said = request.headers().get("grpc-timeout").cloned();
        time::sleep(Duration::from_millis(500)).await;
        Ok::<_, BoxError>(Response::new(said))
    });
    let layers = ServiceBuilder::new()
        .layer(ReadDeadlineLayer::grpc(Duration::from_secs(30)))
        .layer(Timeout::new("timeout", Duration::from_secs(3)).layer())
        .layer(WriteDeadlineLayer::grpc());
    for (said, told) in [("5S", "3000000u"), ("2S", "2000000u")] {
        let mut request = Request::new(());
        request.headers_mut().insert("grpc-timeout", said.parse().expect("a value"));
        let seen = layers.clone().service(callee).oneshot(request).await.expect("in time");
        assert_eq!(seen.into_body().expect("it was told"), told);
    }
}
