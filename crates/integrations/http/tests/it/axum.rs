//! An axum `Router` takes layers that answer, with no `HandleErrorLayer`; a real server's answers as a client gets them.

use std::{future, net::SocketAddr, sync::Arc, time::SystemTime};

use crate::rejections::{SECOND, SECRET};
use axum::{Router, body::Body, extract::Request, routing::get};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use seawall::{
    Bulkhead, CircuitBreaker, Error, KeyedRateLimiter, ManualClock, Quota, RateLimiter, Stack, Timeout, Trip,
};
use seawall_http::{Responder, respond, retry_after};
use seawall_testkit::time::exactly;
use tokio::{net::TcpListener, sync::Notify};

/// A server on the loopback, and a client of it.
struct Server {
    address: SocketAddr,
    client: Client<HttpConnector, Empty<Bytes>>,
}

/// What came over the wire.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Server {
    async fn of(app: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { address, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    async fn get(&self) -> Answer {
        self.get_as("anybody").await
    }

    async fn get_as(&self, user: &str) -> Answer {
        let request = Request::get(format!("http://{}/", self.address)).header("x-user", user);
        let response = self.client.request(request.body(Empty::new()).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap();
        Answer { status: head.status, headers: head.headers, body }
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn is(&self, status: u16, body: &str) {
        assert_eq!((self.status.as_u16(), self.body.as_str()), (status, body));
        assert_eq!(self.header("content-length"), Some(body.len().to_string().as_str()));
        let all = format!("{:?}{}", self.headers, self.body);
        assert!(!all.contains(SECRET), "{all}");
    }

    /// As a client reads it, in seconds.
    fn wait(&self) -> Option<u64> {
        retry_after(&self.headers, SystemTime::now()).map(|wait| wait.as_secs())
    }
}

fn home() -> Router {
    Router::new().route("/", get(async || "home"))
}

fn user(request: &Request) -> String {
    request.headers()["x-user"].to_str().unwrap().to_owned()
}

#[test]
fn a_router_takes_each_layer() {
    let (breaker, bulkhead) = (CircuitBreaker::new(SECRET), Bulkhead::new(SECRET, 1));
    let limiter = RateLimiter::new(SECRET, Quota::per_second(1));
    let keyed = KeyedRateLimiter::<String>::new(SECRET, Quota::per_second(1));
    let timeout = Timeout::new("timeout", SECOND);
    let per_request = Timeout::builder(SECRET, |_: &Request| SECOND).build();
    let _: Router = home()
        .layer(respond(limiter.layer()))
        .layer(respond(limiter.layer().waits_in_ready()))
        .layer(respond(keyed.layer(user)))
        .layer(respond(breaker.layer()))
        .layer(respond(bulkhead.layer()))
        .layer(respond(bulkhead.layer().backpressure()))
        .layer(respond(timeout.layer()))
        .layer(respond(per_request.layer()))
        .layer(Responder::new().with_body(Body::from).respond(limiter.layer()))
        // One that answers already is told to answer otherwise.
        .layer(Responder::new().problem_json().respond(respond(limiter.layer())));
    let _: Router = Router::new().route("/", get(async || "home").layer(respond(limiter.layer())));
    let _: Router = home().route_layer(tower::ServiceBuilder::new().layer(respond(breaker.layer())).into_inner());
}

#[tokio::test]
async fn a_rate_limit_answers_429() {
    let clock = ManualClock::new();
    let limiter = RateLimiter::builder(SECRET, Quota::per_minute(3).burst(1)).clock(clock.clone()).build();
    let server = Server::of(home().layer(respond(limiter.layer()))).await;
    server.get().await.is(200, "home");
    let refused = server.get().await;
    refused.is(429, "too many requests");
    assert_eq!(refused.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(refused.header("retry-after"), Some("20"));
    assert_eq!(refused.header("ratelimit-policy"), Some(r#""default";q=3;w=60"#));
    assert_eq!(refused.header("ratelimit"), Some(r#""default";r=0;t=20"#));
    assert_eq!(refused.header("x-ratelimit-limit"), None);
    clock.advance(20 * SECOND);
    server.get().await.is(200, "home");
}

#[tokio::test]
async fn a_whole_stack_answers_whichever_of_its_policies_refuses() {
    let limiter = RateLimiter::builder(SECRET, Quota::per_minute(3).burst(2)).clock(ManualClock::new()).build();
    let bulkhead = Bulkhead::new(SECRET, 1);
    let stack = Stack::new().rate_limit(limiter).bulkhead(bulkhead.clone()).timeout(Timeout::new("timeout", SECOND));
    let server = Server::of(home().layer(respond(stack.layer()))).await;
    server.get().await.is(200, "home");
    let taken = bulkhead.try_acquire().unwrap();
    server.get().await.is(503, "too busy");
    drop(taken);
    let refused = server.get().await;
    refused.is(429, "too many requests");
    assert_eq!(refused.header("retry-after"), Some("20"));
}

#[tokio::test]
async fn a_rate_limit_for_each_key_answers_429_to_those_who_are_over_it() {
    let quota = Quota::per_minute(3).burst(1);
    let limiter = KeyedRateLimiter::<String>::builder(SECRET, quota).clock(ManualClock::new()).build();
    let responder = Responder::new().policy_name("peruser").legacy_fields().problem_json();
    let server = Server::of(home().layer(responder.respond(limiter.layer(user)))).await;
    server.get_as("one").await.is(200, "home");
    server.get_as("two").await.is(200, "home");
    let refused = server.get_as("one").await;
    refused.is(429, r#"{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"too many requests"}"#);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert_eq!(refused.wait(), Some(20));
    assert_eq!(refused.header("ratelimit"), Some(r#""peruser";r=0;t=20"#));
    assert_eq!(refused.header("x-ratelimit-limit"), Some("3"));
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(refused.header("x-ratelimit-reset"), Some("20"));
}

#[tokio::test]
async fn a_circuit_breaker_answers_503() {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder(SECRET)
        .trip(Trip::consecutive(1))
        .open_for(exactly(90 * SECOND))
        .clock(clock.clone())
        .build();
    let server = Server::of(home().layer(respond(breaker.layer()))).await;
    server.get().await.is(200, "home");
    // The same breaker, by a plain call.
    let down = breaker.execute(async || Err::<(), _>("down")).await;
    assert_eq!(down, Err(Error::Inner("down")));
    let refused = server.get().await;
    refused.is(503, "temporarily unavailable");
    assert_eq!((refused.header("retry-after"), refused.wait()), (Some("90"), Some(90)));
    assert_eq!(refused.header("ratelimit-policy"), None);
    clock.advance(90 * SECOND);
    server.get().await.is(200, "home");
    breaker.force_open();
    let refused = server.get().await;
    refused.is(503, "temporarily unavailable");
    assert_eq!(refused.header("retry-after"), None);
}

#[tokio::test]
async fn a_bulkhead_answers_503() {
    let bulkhead = Bulkhead::new(SECRET, 1);
    let server = Server::of(home().layer(respond(bulkhead.layer()))).await;
    let permit = bulkhead.try_acquire().unwrap();
    let refused = server.get().await;
    refused.is(503, "too busy");
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), (None, None));
    drop(permit);
    server.get().await.is(200, "home");
}

#[tokio::test]
async fn a_timeout_answers_504() {
    let (clock, begun) = (ManualClock::new(), Arc::new(Notify::new()));
    let timeout = Timeout::builder(SECRET, SECOND).clock(clock.clone()).build();
    let stuck = {
        let begun = begun.clone();
        async move || {
            begun.notify_one();
            future::pending::<&str>().await
        }
    };
    let server = Server::of(Router::new().route("/", get(stuck)).layer(respond(timeout.layer()))).await;
    let pass_time = async {
        begun.notified().await;
        clock.advance(SECOND);
    };
    let (cut_off, ()) = tokio::join!(server.get(), pass_time);
    cut_off.is(504, "timed out");
    assert_eq!((cut_off.header("retry-after"), cut_off.header("ratelimit")), (None, None));
}

/// A server whose only slot is taken, and what a client gets of it when the timeout's time has passed.
async fn full(layered: impl FnOnce(Router, &Bulkhead, &Timeout<std::time::Duration, ManualClock>) -> Router) {
    let clock = ManualClock::new();
    let timeout = Timeout::builder(SECRET, SECOND).clock(clock.clone()).build();
    let bulkhead = Bulkhead::builder(SECRET, 1).max_queued(9).build();
    let _permit = bulkhead.try_acquire().unwrap();
    let server = Server::of(layered(home(), &bulkhead, &timeout)).await;
    let pass_time = async {
        while bulkhead.queued() == 0 {
            tokio::task::yield_now().await;
        }
        clock.advance(SECOND);
    };
    let (cut_off, ()) = tokio::join!(server.get(), pass_time);
    cut_off.is(504, "timed out");
    assert_eq!(bulkhead.queued(), 0);
}

#[tokio::test]
async fn a_timeout_around_a_bulkhead_with_a_queue_answers_504() {
    full(|home, bulkhead, timeout| home.layer(respond(bulkhead.layer())).layer(respond(timeout.layer()))).await;
}

#[tokio::test]
async fn a_timeout_that_bounds_readiness_answers_504_for_all_that_waits_in_poll_ready() {
    full(|home, bulkhead, timeout| {
        let waits = respond(bulkhead.layer().waits_in_ready());
        home.layer(waits).layer(respond(timeout.layer().ready_within(SECOND)))
    })
    .await;
    full(|home, bulkhead, timeout| {
        let waits = respond(bulkhead.layer().backpressure());
        home.layer(waits).layer(respond(timeout.layer().ready_within(SECOND)))
    })
    .await;
}

#[tokio::test]
async fn the_rejections_own_words_go_over_the_wire_if_asked_for() {
    let bulkhead = Bulkhead::new(SECRET, 1);
    let _permit = bulkhead.try_acquire().unwrap();
    let server = Server::of(home().layer(Responder::new().own_words().respond(bulkhead.layer()))).await;
    let refused = server.get().await;
    assert_eq!(refused.body, "bulkhead `secret` is full: 1 of 1 in flight");
}

#[tokio::test]
async fn a_handler_answers_a_plain_calls_rejection_by_itself() {
    let limiter = RateLimiter::builder(SECRET, Quota::per_minute(3).burst(1)).clock(ManualClock::new()).build();
    let responder = Responder::new();
    let handler = async move || match limiter.try_acquire() {
        Ok(()) => axum::response::Response::new(Body::from("home")),
        Err(rejection) => responder.response(&rejection),
    };
    let server = Server::of(Router::new().route("/", get(handler))).await;
    server.get().await.is(200, "home");
    let refused = server.get().await;
    refused.is(429, "too many requests");
    assert_eq!(refused.wait(), Some(20));
}
