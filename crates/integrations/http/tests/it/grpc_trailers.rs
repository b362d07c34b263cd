//! A gRPC status in trailers counts: for a breaker that holds the body, and for a retry above the layer that reads one frame.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use seawall::{CircuitBreaker, Error, Retry, State, Trip};
use seawall_http::{
    CloneIdempotent, EarlyStatusLayer, GrpcCode, GrpcCodes, ReplayBody, ReplayLayer, hold_body, pushback,
};
use tonic::{Code, body::Body as TonicBody};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, layer::layer_fn, service_fn};

use crate::rpc::{Handler, client_by, serve};

type Frames = Vec<Result<Frame<Bytes>, Failed>>;

/// How a body breaks off.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it broke off")
    }
}

impl std::error::Error for Failed {}

fn trailers(code: GrpcCode) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(u16::from(code.number())));
    trailers.insert("grpc-retry-pushback-ms", HeaderValue::from_static("3"));
    Frame::trailers(trailers)
}

fn message() -> Frame<Bytes> {
    Frame::data(Bytes::from_static(b"\0\0\0\0\x08one book"))
}

type Streamed = StreamBody<futures::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Failed>>>>;

fn answer(frames: Frames) -> Response<Streamed> {
    let body = StreamBody::new(futures::stream::iter(frames));
    Response::builder().header("content-type", "application/grpc").body(body).unwrap()
}

// ===== a breaker that holds the body =====

/// The state of a breaker that opens at the first failure, after a call that is answered so and read to its end.
async fn state_after(frames: fn() -> Frames, reads: usize) -> State {
    let breaker = CircuitBreaker::builder("t").trip(Trip::consecutive(1)).classify(GrpcCodes::health()).build();
    let callee = service_fn(async |_: Request<()>| Ok::<_, Error<Infallible>>(answer(frames())));
    let response = hold_body(breaker.layer()).layer(callee).oneshot(Request::new(())).await.unwrap();
    assert_eq!(breaker.state(), State::Closed, "the head says nothing yet");
    let mut body = response.into_body();
    for _ in 0..reads {
        let _ = body.frame().await;
    }
    drop(body);
    breaker.state()
}

#[tokio::test]
async fn a_held_body_is_judged_by_its_trailers() {
    let failed = || vec![Ok(message()), Ok(trailers(GrpcCode::Internal))];
    assert_eq!(state_after(failed, 3).await, State::Open);
    assert_eq!(state_after(failed, 2).await, State::Open, "after the trailers nothing follows, asked for or not");
    assert_eq!(state_after(failed, 1).await, State::Closed, "dropped before its end, it is abandoned");
    assert_eq!(state_after(|| vec![Ok(trailers(GrpcCode::Unavailable))], 1).await, State::Open);
    let well = || vec![Ok(message()), Ok(trailers(GrpcCode::Ok))];
    assert_eq!(state_after(well, 3).await, State::Closed);
    let mistake = || vec![Ok(message()), Ok(trailers(GrpcCode::NotFound))];
    assert_eq!(state_after(mistake, 3).await, State::Closed, "the callee judged the request");
}

// ===== the layer that reads one frame =====

async fn early(frames: Frames) -> Response<impl Body<Data = Bytes, Error = Failed>> {
    let mut frames = Some(frames);
    let callee = service_fn(|_: Request<()>| {
        let frames = frames.take().unwrap();
        async move { Ok::<_, Infallible>(answer(frames)) }
    });
    EarlyStatusLayer::new().layer(callee).oneshot(Request::new(())).await.unwrap()
}

#[tokio::test]
async fn a_status_before_any_message_is_in_the_head() {
    for code in GrpcCode::ALL.into_iter().filter(|code| *code != GrpcCode::Ok) {
        for nothing in [vec![], vec![Ok(Frame::data(Bytes::new()))]] {
            let mut frames: Frames = nothing;
            frames.push(Ok(trailers(code)));
            let response = early(frames).await;
            assert_eq!(GrpcCode::of_response(&response), Some(code));
            let wait = Duration::from_millis(3);
            assert_eq!(pushback(response.headers()), seawall::Hint::Exactly(wait), "all trailers came");
            assert!(response.body().is_end_stream());
            assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
        }
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_before_any_message_is_unavailable_in_the_head() {
    let response = early(vec![Err(Failed)]).await;
    let code = GrpcCode::of_response(&response);
    assert!(matches!(code, Some(GrpcCode::Unavailable | GrpcCode::Unknown)), "{code:?}");
    assert_eq!(response.headers()["grpc-message"], "it broke off");
    assert!(response.body().is_end_stream());
}

#[tokio::test]
async fn what_begins_with_a_message_goes_on_as_it_came() {
    for end in [Ok(trailers(GrpcCode::Ok)), Ok(trailers(GrpcCode::Internal)), Err(Failed)] {
        let ends_well = end.is_ok();
        let response = early(vec![Ok(message()), Ok(message()), end]).await;
        assert_eq!(GrpcCode::of_response(&response), None);
        assert!(!response.headers().contains_key("grpc-status"));
        let mut body = std::pin::pin!(response.into_body());
        for _ in 0..2 {
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), message().into_data().unwrap());
        }
        assert_eq!(body.frame().await.unwrap().is_ok(), ends_well);
    }
    let empty = early(vec![Ok(trailers(GrpcCode::Ok))]).await;
    assert_eq!(GrpcCode::of_response(&empty), None, "that it went well is left where it was");
    assert!(empty.into_body().collect().await.unwrap().trailers().is_some());
}

#[tokio::test]
async fn only_a_grpc_response_without_a_status_waits_for_its_body() {
    let endless = || StreamBody::new(futures::stream::pending::<Result<Frame<Bytes>, Failed>>());
    for (status, kind, code) in
        [(200, "text/html", None), (502, "application/grpc", None), (200, "application/grpc", Some("5"))]
    {
        let callee = service_fn(async |_: Request<()>| {
            let head = Response::builder().status(status).header("content-type", kind);
            let head = code.into_iter().fold(head, |head, code| head.header("grpc-status", code));
            Ok::<_, Infallible>(head.body(endless()).unwrap())
        });
        let response = EarlyStatusLayer::new().layer(callee).oneshot(Request::new(())).await.unwrap();
        assert_eq!(response.status(), status);
    }
}

// ===== over tonic =====

/// A server that sends the head of each call first, and then its end: `UNAVAILABLE` until the last, which is answered.
fn late(
    calls: &Arc<AtomicU32>,
    failures: u32,
) -> impl Layer<tonic::service::Routes, Service: Late> + Clone + Send + Sync + 'static {
    let calls = Arc::clone(calls);
    layer_fn(move |_| {
        let calls = Arc::clone(&calls);
        service_fn(move |_: Request<TonicBody>| {
            let fails = calls.fetch_add(1, Ordering::SeqCst) < failures;
            let frames = if fails {
                vec![Ok(trailers(GrpcCode::Unavailable))]
            } else {
                vec![Ok(message()), Ok(trailers(GrpcCode::Ok))]
            };
            std::future::ready(Ok::<_, Infallible>(
                answer(frames).map(|body| TonicBody::new(body.map_err(BoxError::from))),
            ))
        })
    })
}

trait Late:
    Service<Request<TonicBody>, Response = Response<TonicBody>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Late for S where
    S: Service<Request<TonicBody>, Response = Response<TonicBody>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

#[tokio::test]
async fn a_retry_above_a_channel_makes_a_call_again_that_failed_in_its_trailers() {
    for (failures, calls) in [(2, 3), (9, 3)] {
        let seen = Arc::new(AtomicU32::new(0));
        let server = serve(late(&seen, failures), Handler::new(async |text| Ok(text))).await;
        let retry = Retry::builder("t")
            .max_attempts(3)
            .backoff(Duration::ZERO)
            .classify(GrpcCodes::transient().any_error())
            .build();
        let layers = ServiceBuilder::new()
            .layer(ReplayLayer::new())
            .layer(retry.layer().any_error().clone_request(CloneIdempotent::new().all_methods()))
            .layer(EarlyStatusLayer::new())
            .map_request(|request: Request<ReplayBody<TonicBody>>| request.map(TonicBody::new));
        let result = client_by(server.connect().await, layers).call("which book").await;
        assert_eq!(seen.load(Ordering::SeqCst), calls);
        if failures < calls {
            assert_eq!(result.unwrap(), "one book");
        } else {
            assert_eq!(result.unwrap_err().code(), Code::Unavailable, "the client sees the status, too");
        }
    }
}
