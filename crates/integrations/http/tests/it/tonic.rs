//! A real tonic server and client on the loopback, without generated code.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use crate::rpc::{Client, Handler, client, client_by, serve};
use seawall::{Bulkhead, CircuitBreaker, Deadline, ManualClock, Quota, RateLimiter, Rejection, Retry, Timeout};
use seawall_core::Error;
use seawall_http::{
    GrpcCode, GrpcCodes, GrpcResponder, PUSHBACK, ReadDeadlineLayer, WriteDeadlineLayer, grpc_respond, pushback,
    tonic::{code, hint, into_status},
};
use tonic::{Code, Response, Status, transport::Endpoint};
use tower::{ServiceBuilder, layer::util::Identity};

const CAP: Duration = Duration::from_secs(30);

/// How many milliseconds the handler's deadline leaves; `none` without one.
fn left() -> Handler {
    Handler::new(|_| async {
        Ok(Deadline::current().map_or("none".to_owned(), |deadline| deadline.remaining().as_millis().to_string()))
    })
}

fn echo() -> Handler {
    Handler::new(|text| async { Ok(text) })
}

#[tokio::test]
async fn a_deadline_reaches_the_handler_of_the_next_server() {
    let server = serve(ReadDeadlineLayer::grpc(CAP), left()).await;
    let client = client_by(server.connect().await, WriteDeadlineLayer::grpc());
    assert_eq!(client.call("").await.expect("answered"), "none");
    let seen = Deadline::after(Duration::from_secs(20)).scope(client.call("")).await.expect("answered");
    let seen: u64 = seen.parse().expect("a number");
    assert!((10_000..=20_000).contains(&seen), "{seen} ms");
    let seen = Deadline::after(Duration::from_secs(1_000)).scope(client.call("")).await.expect("answered");
    assert!(seen.parse::<u64>().expect("a number") <= 30_000, "{seen} ms above the cap");
}

#[tokio::test]
async fn a_deadline_goes_on_through_two_servers() {
    let last = serve(ReadDeadlineLayer::grpc(CAP), left()).await;
    let onwards = client_by(last.connect().await, WriteDeadlineLayer::grpc());
    let relay = Handler::new(move |text| {
        let onwards = onwards.clone();
        async move { onwards.call(text).await }
    });
    let first = serve(ReadDeadlineLayer::grpc(CAP), relay).await;
    let client = client_by(first.connect().await, WriteDeadlineLayer::grpc());
    let seen = Deadline::after(Duration::from_secs(20)).scope(client.call("")).await.expect("answered");
    assert!((10_000..=20_000).contains(&seen.parse::<u64>().expect("a number")), "{seen} ms");
}

#[tokio::test]
async fn a_rejection_of_a_limiter_arrives_with_pushback() {
    let limiter = RateLimiter::new("secret", Quota::per_minute(1));
    let server = serve(grpc_respond(limiter.layer()), echo()).await;
    let client = client(server.connect().await);
    assert_eq!(client.call("first").await.expect("answered"), "first");
    let status = client.call("second").await.expect_err("refused");
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "too many calls"));
    let seawall::Hint::Exactly(wait) = pushback(status.metadata().as_ref()) else {
        panic!("no pushback in {status:?}");
    };
    assert!(wait > Duration::from_secs(30) && wait <= Duration::from_secs(60), "{wait:?}");
    assert!(!format!("{status:?}").contains("secret"), "{status:?}");
    let bare = server.head().await;
    assert_eq!(bare.status(), 200);
    assert_eq!(bare.headers()["content-type"], "application/grpc");
    assert_eq!(GrpcCode::of_response(&bare), Some(GrpcCode::ResourceExhausted));
}

#[tokio::test]
async fn a_retry_waits_for_exactly_what_the_server_asked_for() {
    let clock = ManualClock::new();
    let limiter = RateLimiter::builder("limit", Quota::per_second(5).burst(1)).clock(clock.clone()).build();
    let server = serve(grpc_respond(limiter.layer()), echo()).await;
    let client = client(server.connect().await);
    let waits = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&waits);
    let retry = Retry::builder("limit")
        // A backoff that would be far too long: pushback takes its place.
        .backoff(Duration::from_secs(3_600))
        .classify(GrpcCodes::transient())
        .hint(hint)
        .on_event(move |event| {
            if let seawall::retry::EventKind::Retrying { wait, .. } = event.kind() {
                // The limiter's time goes on by what the client waits, and by no more: a shorter wait would be refused again.
                clock.advance(*wait);
                seen.lock().expect("no panic").push(*wait);
            }
        })
        .build();
    for text in ["first", "second"] {
        let begun = Instant::now();
        let answer = retry.execute(|| async { client.call(text).await.map(Response::new) }).await;
        assert_eq!(answer.expect("it passes in the end").into_inner(), text);
        let waited: Duration = waits.lock().expect("no panic").iter().sum();
        assert!(begun.elapsed() >= waited);
    }
    assert_eq!(*waits.lock().expect("no panic"), [Duration::from_millis(200)]);
}

#[tokio::test]
async fn an_open_breaker_is_unavailable() {
    let breaker = CircuitBreaker::new("secret");
    let server = serve(grpc_respond(breaker.layer()), echo()).await;
    let client = client(server.connect().await);
    client.call("").await.expect("closed");
    breaker.force_open();
    let status = client.call("").await.expect_err("refused");
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "not available now"));
    assert!(status.metadata().get(PUSHBACK.as_str()).is_none(), "nobody knows when: {status:?}");
}

#[tokio::test]
async fn a_full_bulkhead_is_out_of_resources_and_a_timeout_out_of_time() {
    let bulkhead = Bulkhead::new("secret", 1);
    let server = serve(grpc_respond(bulkhead.layer()), echo()).await;
    let permit = bulkhead.try_acquire().expect("room");
    let status = client(server.connect().await).call("").await.expect_err("refused");
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "overloaded"));
    drop(permit);

    let never = Handler::new(|_| std::future::pending());
    let timeout = Timeout::new("timeout", Duration::from_millis(20));
    let server = serve(grpc_respond(timeout.layer()), never).await;
    let status = client(server.connect().await).call("").await.expect_err("cut off");
    assert_eq!((status.code(), status.message()), (Code::DeadlineExceeded, "not done in time"));
}

#[tokio::test]
async fn a_timeout_below_keeps_to_the_deadline_that_came() {
    let never = Handler::new(|_| std::future::pending());
    let timeout = GrpcResponder::new().respond(Timeout::new("timeout", Duration::from_secs(600)).layer());
    let layers = ServiceBuilder::new().layer(ReadDeadlineLayer::grpc(Duration::from_millis(20))).layer(timeout);
    let server = serve(layers.into_inner(), never).await;
    let client = client_by(server.connect().await, WriteDeadlineLayer::grpc());
    let begun = Instant::now();
    let status = Deadline::after(Duration::from_secs(300)).scope(client.call("")).await.expect_err("cut off");
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn above_a_channel_a_rejection_becomes_a_status_of_its_code() {
    let server = serve(Identity::new(), echo()).await;
    let breaker = CircuitBreaker::builder("inventory").classify(GrpcCodes::health().any_error()).build();
    let client = client_by(server.connect().await, grpc_respond(breaker.layer()));
    client.call("").await.expect("closed");
    breaker.force_open();
    assert_eq!(client.call("").await.expect_err("refused").code(), Code::Unavailable);
}

#[tokio::test]
async fn a_breaker_above_a_channel_sees_the_status_in_the_head() {
    for (answer, opens) in [(Code::Internal, true), (Code::NotFound, false), (Code::ResourceExhausted, false)] {
        let server = serve(Identity::new(), Handler::new(move |_| async move { Err(Status::new(answer, "")) })).await;
        let breaker = CircuitBreaker::builder("inventory")
            .trip(seawall::Trip::consecutive(1))
            .classify(GrpcCodes::health().any_error())
            .build();
        let client = client_by(server.connect().await, grpc_respond(breaker.layer()));
        assert_eq!(client.call("").await.expect_err("failed").code(), answer);
        assert_eq!(breaker.state() == seawall::State::Open, opens, "{answer:?}");
    }
}

#[tokio::test]
async fn a_guarded_call_fails_with_a_status_in_the_end() {
    let calls = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&calls);
    let down = Handler::new(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        async { Err(Status::unavailable("down")) }
    });
    let server = serve(Identity::new(), down).await;
    let client = client(server.connect().await);
    let breaker =
        CircuitBreaker::builder("inventory").trip(seawall::Trip::consecutive(2)).classify(GrpcCodes::health()).build();
    let retry = Retry::builder("inventory")
        .max_attempts(5)
        .max_retry_after(Duration::from_secs(1))
        .backoff(Duration::from_millis(1))
        .classify(GrpcCodes::transient())
        .hint(hint)
        .build();
    let result: Result<Response<String>, Error<Status>> =
        retry.call(|| breaker.execute(|| async { client.call("").await.map(Response::new) })).await;
    // The circuit opened after two, for longer than the retry is ready to wait.
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    let error = result.expect_err("refused");
    assert!(matches!(error, Error::Inner(_)), "the refusal hides no status that was received: {error:?}");
    assert_eq!(into_status(error).code(), Code::Unavailable);
    // The next call is not sent.
    let refused = breaker.execute(|| async { client.call("").await.map(Response::new) }).await.expect_err("refused");
    assert!(matches!(refused, Error::Rejected(Rejection::CircuitOpen(_))) && !refused.reached_callee(), "{refused:?}");
    let status = into_status(refused);
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.metadata().get(PUSHBACK.as_str()).is_some(), "{status:?}");
}

#[tokio::test]
async fn a_call_that_the_endpoint_cut_off_is_no_call_that_was_given_up() {
    let server = serve(Identity::new(), Handler::new(|_| std::future::pending())).await;
    let endpoint = Endpoint::from_shared(server.uri()).expect("a URI").timeout(Duration::from_millis(20));
    let client: Client<_> = client(endpoint.connect().await.expect("the server listens"));
    let status = client.call("").await.expect_err("cut off");
    assert_eq!((status.code(), code(&status)), (Code::Cancelled, GrpcCode::DeadlineExceeded));
}

#[tokio::test]
async fn a_message_of_any_letters_arrives() {
    let limiter = RateLimiter::new("Grüße, 100 %\n", Quota::per_minute(1));
    let server = serve(GrpcResponder::new().reasons().respond(limiter.layer()), echo()).await;
    let client = client(server.connect().await);
    client.call("").await.expect("the first passes");
    let status = client.call("").await.expect_err("refused");
    assert!(status.message().contains("Grüße, 100 %\n"), "{status:?}");
}
