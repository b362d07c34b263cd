//! The client as a tower service, below a retry and a breaker.

use bytes::Bytes;
use futures::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use reqwest::{Body, Method, Request, Response};
use seawall::{CircuitBreaker, Error, Quota, RateLimiter, Rejection, State, Timeout, Trip};
use seawall_http::{
    Idempotent,
    reqwest::{Health, Transient, hint_by},
};
use std::time::{Duration, Instant};
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::reqwest::{
    MILLISECOND, client, quick, retry_after_ms,
    server::{Act, Server},
};
use seawall_testkit::time::exactly;

fn breaker() -> CircuitBreaker<Health> {
    CircuitBreaker::builder("inventory").trip(Trip::consecutive(50)).classify(Health).build()
}

/// Sends a request through a retry and a breaker.
async fn send(
    clone: Idempotent,
    breaker: &CircuitBreaker<Health>,
    request: Request,
) -> Result<Response, Error<reqwest::Error>> {
    let retry = quick().classify(Transient).hint(hint_by(retry_after_ms)).build();
    let mut service = ServiceBuilder::new()
        .layer(retry.layer().clone_request(clone))
        .layer(breaker.layer())
        .map_err(Error::Inner)
        .service(client());
    service.ready().await?.call(request).await
}

fn request(method: Method, server: &Server, body: impl Into<Body>) -> Request {
    let mut request = Request::new(method, server.url().parse().unwrap());
    *request.body_mut() = Some(body.into());
    request
}

/// A body that can be read once.
fn streamed() -> Body {
    let frame = Ok::<_, std::io::Error>(Frame::data(Bytes::from("stock: 8")));
    Body::wrap(StreamBody::new(stream::iter([frame])))
}

#[tokio::test]
async fn a_get_outlives_errors_and_resets() {
    let server = Server::start([Act::Status(503), Act::Reset]).await;
    let breaker = breaker();
    let request = Request::new(Method::GET, server.url().parse().unwrap());
    let response = send(Idempotent::new(), &breaker, request).await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (200, "stock: 7"));
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn only_what_may_be_sent_twice_is() {
    let rows: [(Method, bool, usize); 9] = [
        (Method::GET, false, 2),
        (Method::HEAD, false, 2),
        (Method::OPTIONS, false, 2),
        (Method::PUT, false, 2),
        (Method::DELETE, false, 2),
        (Method::POST, false, 1),
        (Method::PATCH, false, 1),
        (Method::POST, true, 2),
        (Method::PATCH, true, 2),
    ];
    for (method, has_key, times) in rows {
        for act in [Act::Status(503), Act::Reset] {
            let server = Server::start([act]).await;
            let mut request = request(method.clone(), &server, "stock: 8");
            if has_key {
                request.headers_mut().insert("idempotency-key", "8e03978e".parse().unwrap());
            }
            let result = send(Idempotent::new().by_key(), &breaker(), request).await;
            let seen = server.seen();
            assert_eq!(seen.len(), times, "{method} {act:?}");
            let all_there = seen.iter().all(|seen| seen.method == method.as_str() && seen.body == "stock: 8");
            assert!(all_there, "{method} {act:?}: {seen:?}");
            let succeeded = result.is_ok_and(|response| response.status() == 200);
            assert_eq!(succeeded, times == 2, "{method} {act:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_is_sent_once() {
    for clone in [Idempotent::new(), Idempotent::new().all_methods()] {
        let server = Server::start([Act::Status(503)]).await;
        let response = send(clone, &breaker(), request(Method::PUT, &server, streamed())).await.unwrap();
        assert_eq!((response.status().as_u16(), server.count()), (503, 1));
        assert_eq!(server.seen()[0].body, "stock: 8");
    }
}

#[tokio::test]
async fn who_knows_may_have_all_methods_repeated() {
    let server = Server::start([Act::Status(503)]).await;
    let request = request(Method::POST, &server, "stock: 8");
    assert_eq!(send(Idempotent::new().all_methods(), &breaker(), request).await.unwrap().status(), 200);
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn what_stands_is_not_asked_for_again() {
    for status in [200, 304, 400, 401, 404, 409, 501, 505] {
        let server = Server::start([Act::Status(status)]).await;
        let response = send(Idempotent::new(), &breaker(), request(Method::GET, &server, "")).await.unwrap();
        assert_eq!((response.status().as_u16(), server.count()), (status, 1));
    }
}

#[tokio::test]
async fn a_server_is_left_alone_for_as_long_as_it_asks() {
    for status in [429, 503] {
        let server = Server::start([Act::With(status, "retry-after-ms", "120")]).await;
        let response = send(Idempotent::new(), &breaker(), request(Method::GET, &server, "")).await.unwrap();
        assert_eq!((response.status().as_u16(), server.count()), (200, 2));
        assert!(server.last_gap() >= 120 * MILLISECOND, "{:?}", server.last_gap());
    }
    // The same of no wait, and of an answer whose header means something else.
    for act in [Act::With(503, "retry-after-ms", "0"), Act::With(500, "retry-after-ms", "30000")] {
        let server = Server::start([act]).await;
        let began = Instant::now();
        let response = send(Idempotent::new(), &breaker(), request(Method::GET, &server, "")).await.unwrap();
        assert_eq!((response.status().as_u16(), server.count()), (200, 2));
        assert!(began.elapsed() < Duration::from_secs(20), "{act:?}");
    }
}

#[tokio::test]
async fn the_breaker_below_counts_each_attempt() {
    let server = Server::start([Act::Status(500), Act::Reset, Act::Status(502)]).await;
    let breaker = CircuitBreaker::builder("inventory").trip(Trip::consecutive(3)).classify(Health).build();
    let response = send(Idempotent::new(), &breaker, request(Method::GET, &server, "")).await.unwrap();
    assert_eq!((response.status().as_u16(), server.count(), breaker.state()), (502, 3, State::Open));
    // Forced open, it says no time to wait for: the rejection is what the caller gets.
    breaker.force_open();
    let refused = send(Idempotent::new(), &breaker, request(Method::GET, &server, "")).await.unwrap_err();
    assert!(matches!(refused, Error::Rejected(Rejection::CircuitOpen(_))), "{refused}");
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn a_rejection_below_is_waited_out_and_is_not_the_callees_fault() {
    let server = Server::start([]).await;
    // Open, it would be so for longer than a retry waits.
    let breaker =
        CircuitBreaker::builder("inventory").trip(Trip::consecutive(1)).open_for(exactly(Duration::from_secs(300)));
    let breaker = breaker.classify(Health).build();
    let limiter = RateLimiter::new("inventory", Quota::per_second(20).burst(1));
    let retry = quick().classify(Transient).build();
    let mut service = ServiceBuilder::new()
        .layer(retry.layer().clone_request(Idempotent::new()))
        .layer(breaker.layer())
        .layer(limiter.layer())
        .map_err(Error::Inner)
        .service(client());
    for _ in 0..3 {
        let request = request(Method::GET, &server, "");
        assert_eq!(service.ready().await.unwrap().call(request).await.unwrap().status(), 200);
    }
    assert!(limiter.snapshot().rejected() >= 1);
    assert_eq!((server.count(), breaker.state()), (3, State::Closed));
}

#[tokio::test]
async fn a_timeout_below_is_the_callees_fault_and_tried_again() {
    let server = Server::start([Act::Hang]).await;
    let breaker = CircuitBreaker::builder("inventory").trip(Trip::consecutive(1)).classify(Health).build();
    let retry = quick().classify(Transient).build();
    let timeout = Timeout::new("timeout", 100 * MILLISECOND);
    let mut service = ServiceBuilder::new()
        .layer(retry.layer().clone_request(Idempotent::new()))
        .layer(timeout.layer())
        .map_err(Error::Inner)
        .service(client());
    let answer = service.ready().await.unwrap().call(request(Method::GET, &server, "")).await;
    assert_eq!((answer.unwrap().status().as_u16(), server.count()), (200, 2));

    let server = Server::start([Act::Hang]).await;
    let hung = breaker.call(|| timeout.execute(|| client().get(server.url()).send())).await;
    assert!(matches!(hung, Err(Error::Rejected(Rejection::TimedOut(_)))));
    assert_eq!(breaker.state(), State::Open);
}
