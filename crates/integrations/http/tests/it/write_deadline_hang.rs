//! A layer that tells the callee the deadline does not change how a call ends that hangs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::{Request, Response, StatusCode};
use seawall::{Deadline, Error, Retry, Timeout};
use seawall_http::{
    CloneIdempotent, GrpcCode, GrpcCodes, ReplayBody, ReplayLayer, WriteDeadlineLayer, grpc_respond,
    tonic::{code, into_status},
};
use tokio::time::{self, Instant};
use tonic::{Code, Response as TonicResponse, Status, body::Body};
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, layer::util::Identity, service_fn, util::option_layer};

use crate::rpc::{Handler, client_by, serve};

/// A handler that never answers, and counts its calls.
fn hangs() -> (Arc<AtomicU32>, Handler) {
    let calls = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&calls);
    let handler = Handler::new(move |_| {
        seen.fetch_add(1, Ordering::SeqCst);
        std::future::pending()
    });
    (calls, handler)
}

fn attempt() -> Timeout {
    Timeout::new("timeout", Duration::from_millis(30))
}

#[tokio::test]
async fn a_hang_ends_alike_in_plain_calls_with_the_layer_and_without() {
    for tells in [false, true] {
        let (calls, handler) = hangs();
        let server = serve(Identity::new(), handler).await;
        let tell = option_layer(tells.then(WriteDeadlineLayer::grpc));
        let client =
            client_by(server.connect().await, ServiceBuilder::new().map_err(BoxError::from).layer(tell).into_inner());
        let retry =
            Retry::builder("t").max_attempts(3).backoff(Duration::ZERO).classify(GrpcCodes::transient()).build();
        let timeout = attempt();
        let result: Result<TonicResponse<String>, Error<Status>> =
            retry.call(|| timeout.execute(|| async { client.call("").await.map(TonicResponse::new) })).await;
        let status = into_status(result.unwrap_err());
        assert_eq!((calls.load(Ordering::SeqCst), status.code()), (3, Code::DeadlineExceeded), "{tells}: {status:?}");
    }
}

#[tokio::test]
async fn a_hang_ends_alike_under_layers_with_the_layer_and_without() {
    for tells in [false, true] {
        let (calls, handler) = hangs();
        let server = serve(Identity::new(), handler).await;
        let retry = Retry::builder("t")
            .max_attempts(3)
            .backoff(Duration::ZERO)
            // An attempt that takes too long is made again: the method bears that.
            .classify(
                GrpcCodes::transient().count_as(GrpcCode::DeadlineExceeded, seawall::Outcome::Failure).any_error(),
            )
            .build();
        let layers = ServiceBuilder::new()
            .layer(ReplayLayer::new())
            .layer(retry.layer().any_error().clone_request(CloneIdempotent::new().all_methods()))
            .layer(grpc_respond(attempt().layer()))
            .option_layer(tells.then(WriteDeadlineLayer::grpc))
            .map_request(|request: Request<ReplayBody<Body>>| request.map(Body::new));
        let status = client_by(server.connect().await, layers).call("").await.unwrap_err();
        assert_eq!((calls.load(Ordering::SeqCst), status.code()), (3, Code::DeadlineExceeded), "{tells}: {status:?}");
    }
}

#[tokio::test]
async fn without_a_policy_that_cuts_it_the_call_still_ends() {
    let (calls, handler) = hangs();
    let server = serve(Identity::new(), handler).await;
    let client = client_by(server.connect().await, WriteDeadlineLayer::grpc());
    let status = Deadline::after(Duration::from_millis(20)).scope(client.call("")).await.unwrap_err();
    assert_eq!((calls.load(Ordering::SeqCst), code(&status)), (1, GrpcCode::DeadlineExceeded), "{status:?}");
    assert_eq!(into_status(Error::Inner(status)).code(), Code::DeadlineExceeded);
}

/// When a call ends whose callee ends so after that time, within a deadline of a second.
async fn ends(
    after: Duration,
    result: fn() -> Result<Response<()>, &'static str>,
    said: Option<&'static str>,
) -> Duration {
    let callee = service_fn(move |_: Request<()>| async move {
        time::sleep(after).await;
        result()
    });
    let mut request = Request::new(());
    if let Some(said) = said {
        request.headers_mut().insert("grpc-timeout", said.parse().unwrap());
    }
    let (began, call) = (Instant::now(), WriteDeadlineLayer::grpc().layer(callee).oneshot(request));
    assert_eq!(Deadline::after(Duration::from_secs(1)).scope(call).await.is_ok(), result().is_ok());
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn only_what_says_out_of_time_is_held_and_only_when_the_told_time_is_over() {
    let second = Duration::from_secs(1);
    assert!(ends(second, || Err("cut off"), None).await > second);
    assert!(
        ends(second, || Ok(Response::builder().status(StatusCode::GATEWAY_TIMEOUT).body(()).unwrap()), None).await
            > second
    );
    for result in [(|| Ok(Response::builder().header("grpc-status", "1").body(()).unwrap())) as fn() -> _, || {
        Ok(Response::builder().header("grpc-status", "4").body(()).unwrap())
    }] {
        assert!(ends(second, result, None).await > second, "a callee that keeps to the deadline, too");
    }
    assert_eq!(ends(second, || Ok(Response::new(())), None).await, second, "what is done is done");
    assert_eq!(
        ends(second, || Ok(Response::builder().header("grpc-status", "14").body(()).unwrap()), None).await,
        second
    );
    let early = Duration::from_millis(999);
    assert_eq!(ends(early, || Err("broken"), None).await, early, "it broke by itself");
    let half = second / 2;
    assert_eq!(ends(half, || Err("cut off"), Some("500m")).await, half, "by a limit of the request's own");
}
