//! Deadlines that come with requests and go on with them, over a mock service.

use std::{
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use proptest::prelude::*;
use seawall::Deadline;
use seawall_core::time::Instant;
use seawall_http::{DeadlineHeader, GrpcTimeout, ReadDeadlineLayer, TimeoutMillis, WriteDeadlineLayer};
use tokio::time;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_test::mock;

const CAP: Duration = Duration::from_secs(30);
const MILLIS: HeaderName = HeaderName::from_static("x-request-timeout-ms");

fn request(headers: &[(HeaderName, &[u8])]) -> Request<()> {
    let mut request = Request::new(());
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value).expect("a header's value");
        request.headers_mut().append(name, value);
    }
    request
}

fn grpc(value: &[u8]) -> (HeaderName, &[u8]) {
    (HeaderName::from_static("grpc-timeout"), value)
}

/// What is left, as a handler sees it in its call and in its polls.
async fn seen<H>(layer: &ReadDeadlineLayer<H>, request: Request<()>) -> [Option<Duration>; 2]
where
    H: DeadlineHeader + Clone,
{
    let left = || Deadline::current().map(Deadline::remaining);
    let handler = service_fn(|_: Request<()>| {
        let called = left();
        async move { Ok::<_, ()>([called, left()]) }
    });
    layer.layer(handler).oneshot(request).await.expect("it does not fail")
}

#[tokio::test(start_paused = true)]
async fn a_handler_sees_the_deadline_that_came_capped() {
    let layer = ReadDeadlineLayer::grpc(CAP);
    for (values, left) in [
        (&[] as &[&[u8]], None),
        (&[b"250m"], Some(Duration::from_millis(250))),
        (&[b"0n"], Some(Duration::ZERO)),
        (&[b"30S"], Some(CAP)),
        (&[b"31S"], Some(CAP)),
        (&[b"99999999H"], Some(CAP)),
        (&[b"", b"1S"], Some(Duration::from_secs(1))),
        (&[b"2S", b"1S"], Some(Duration::from_secs(1))),
        (&[b"1S", b"2S"], Some(Duration::from_secs(1))),
        (&[b""], Some(CAP)),
        (&[b"-1S"], Some(CAP)),
        (&[b"123456789S"], Some(CAP)),
        (&[b"\xff\xfe"], Some(CAP)),
    ] {
        let headers: Vec<_> = values.iter().map(|value| grpc(value)).collect();
        assert_eq!(seen(&layer, request(&headers)).await, [left; 2], "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_of_milliseconds_does_the_same() {
    let layer = ReadDeadlineLayer::millis(MILLIS, CAP);
    for (value, left) in
        [("250", Duration::from_millis(250)), ("30001", CAP), ("1.5", CAP), ("99999999999999999999", CAP)]
    {
        let seen = seen(&layer, request(&[(MILLIS, value.as_bytes()), grpc(b"1m")])).await;
        assert_eq!(seen, [Some(left); 2], "{value}");
    }
    assert_eq!(seen(&layer, request(&[grpc(b"1m")])).await, [None; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_outside_holds_if_it_is_earlier() {
    let layer = ReadDeadlineLayer::grpc(CAP);
    let outside = Deadline::after(Duration::from_secs(1));
    for (headers, left) in [(&[][..], 1_000), (&[grpc(b"250m")], 250), (&[grpc(b"2S")], 1_000)] {
        let seen = outside.scope(seen(&layer, request(headers))).await;
        assert_eq!(seen, [Some(Duration::from_millis(left)); 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_in_each_poll_and_nowhere_else() {
    let handler = service_fn(|_: Request<()>| {
        let mut polls = 0;
        poll_fn(move |_| {
            polls += 1;
            let left = Deadline::current().map(Deadline::remaining);
            if polls == 3 {
                Poll::Ready(Ok::<_, ()>(left))
            } else {
                assert!(left.is_some());
                Poll::Pending
            }
        })
    });
    let mut service = ReadDeadlineLayer::grpc(CAP).layer(handler);
    let mut call = task::spawn(service.call(request(&[grpc(b"10S")])));
    for _ in 0..2 {
        assert_pending!(call.poll());
        assert_eq!(Deadline::current(), None);
        time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(assert_ready_ok!(call.poll()), Some(Duration::from_secs(8)));
    assert_eq!(Deadline::current(), None);
}

#[tokio::test]
async fn they_are_as_ready_as_the_inner_service_and_pass_its_errors_on() {
    let layer =
        tower::layer::layer_fn(|inner| WriteDeadlineLayer::grpc().layer(ReadDeadlineLayer::grpc(CAP).layer(inner)));
    let (mut service, mut handle) = mock::spawn_layer::<Request<()>, Response<()>, _>(layer);
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(request(&[])));
    assert_pending!(call.poll());
    let (_, response) = handle.next_request().await.expect("it was sent");
    response.send_error("broken");
    assert_eq!(assert_ready!(call.poll()).expect_err("it failed").to_string(), "broken");
    assert_pending!(service.poll_ready());
    handle.send_error("gone");
    assert_eq!(assert_ready!(service.poll_ready()).expect_err("it is gone").to_string(), "gone");
}

#[tokio::test]
async fn a_call_that_is_dropped_drops_the_inner_one() {
    for polled in [false, true] {
        let held = Arc::new(());
        let handler = service_fn(|_: Request<()>| {
            let held = Arc::clone(&held);
            poll_fn(move |_| {
                assert_eq!(Arc::strong_count(&held), 2);
                Poll::<Result<(), ()>>::Pending
            })
        });
        let mut service = ReadDeadlineLayer::grpc(CAP).layer(handler);
        let mut call = task::spawn(service.call(request(&[grpc(b"1S")])));
        if polled {
            assert_pending!(call.poll());
        }
        drop(call);
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!(Deadline::current(), None);
    }
}

#[tokio::test]
async fn a_panic_of_the_handler_leaves_no_deadline_behind() {
    for in_call in [true, false] {
        let handler = service_fn(move |_: Request<()>| {
            assert!(!in_call, "in the call");
            async { if Deadline::current().is_some() { panic!("in a poll") } else { Ok::<(), ()>(()) } }
        });
        let mut service = ReadDeadlineLayer::grpc(CAP).layer(handler);
        let run = std::panic::AssertUnwindSafe(|| {
            let mut call = task::spawn(service.call(request(&[grpc(b"1S")])));
            let _ = call.poll();
        });
        std::panic::catch_unwind(run).expect_err("it panics");
        assert_eq!(Deadline::current(), None);
    }
}

/// What a callee is told.
async fn told<H: DeadlineHeader + Clone>(layer: &WriteDeadlineLayer<H>, request: Request<()>) -> HeaderMap {
    let callee =
        service_fn(|request: Request<()>| async move { Ok::<_, ()>(Response::new(request.headers().clone())) });
    layer.layer(callee).oneshot(request).await.expect("it does not fail").into_body()
}

#[tokio::test(start_paused = true)]
async fn a_callee_is_told_what_is_left_and_no_more() {
    let layer = WriteDeadlineLayer::grpc();
    let deadline = Deadline::after(Duration::from_secs(10));
    for (said, written) in [
        (&[] as &[&[u8]], "10000000u"),
        (&[b"11S"], "10000000u"),
        (&[b"99999999H"], "10000000u"),
        (&[b"2S"], "2000000u"),
        (&[b"12S", b"3S", b"4S"], "3000000u"),
        (&[b"soon"], "10000000u"),
        (&[b"soon", b"1S"], "1000000u"),
    ] {
        let headers: Vec<_> = said.iter().map(|value| grpc(value)).collect();
        let told = deadline.scope(told(&layer, request(&headers))).await;
        let values: Vec<_> = told.get_all("grpc-timeout").iter().collect();
        assert_eq!(values, [written], "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_is_reckoned_when_it_is_sent() {
    let layer = WriteDeadlineLayer::millis(MILLIS);
    let deadline = Deadline::after(Duration::from_millis(1_500));
    for left in ["1500", "500", "0", "0"] {
        let told = deadline.scope(told(&layer, request(&[]))).await;
        assert_eq!(told[MILLIS], left);
        time::advance(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn without_a_deadline_a_request_is_left_alone() {
    let headers = [grpc(b"soon"), grpc(b"1S"), (MILLIS, b"7".as_slice())];
    let told = told(&WriteDeadlineLayer::grpc(), request(&headers)).await;
    assert_eq!(&told, request(&headers).headers());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_goes_from_hop_to_hop_and_is_cut_to_the_first_cap() {
    let last = ReadDeadlineLayer::grpc(Duration::from_secs(60));
    let first = ReadDeadlineLayer::grpc(CAP);
    let callee = service_fn(move |request: Request<()>| {
        let last = last.clone();
        async move { Ok::<_, ()>(Response::new(seen(&last, request).await)) }
    });
    let hop = first.layer(WriteDeadlineLayer::grpc().layer(callee));
    let seen = hop.oneshot(request(&[grpc(b"99999999H")])).await.expect("it does not fail");
    assert_eq!(*seen.body(), [Some(CAP); 2]);
}

#[test]
fn futures_stay_small() {
    let mut service = ReadDeadlineLayer::grpc(CAP).layer(service_fn(|_: Request<()>| async { Ok::<(), ()>(()) }));
    let inner = size_of_val(&service.get_mut().call(request(&[])));
    let call = service.call(request(&[]));
    // A deadline is an instant and its timeline.
    assert!(
        size_of_val(&call) <= inner + size_of::<Instant>() + size_of::<Deadline>(),
        "{} above {inner}",
        size_of_val(&call)
    );
    drop(call);
    fn is_send<T: Future + Send>(_: &T) {}
    is_send(&service.call(request(&[])));
}

proptest! {
    /// Whatever comes, no more is given than the cap, and than what was said.
    #[test]
    fn no_header_gives_more_than_it_says_or_the_cap(
        values in proptest::collection::vec("[0-9]{0,9}[HMSmunx-]?", 0..4),
        cap in 0..100_000_u64,
    ) {
        let cap = Duration::from_millis(cap);
        let headers: Vec<_> = values.iter().map(|value| grpc(value.as_bytes())).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let [in_call, in_poll] = runtime
            .expect("a runtime")
            .block_on(async { seen(&ReadDeadlineLayer::grpc(cap), request(&headers)).await });
        let said = values.iter().map(|value| GrpcTimeout.read(value.as_bytes()).map_or(cap, |left| left.min(cap)));
        prop_assert_eq!(in_call, said.min());
        prop_assert_eq!(in_poll, in_call);
    }

    /// What a caller has left, in the header's precision and rounded down, is what the callee is told.
    #[test]
    fn what_is_written_is_never_more_than_what_is_left(nanos in any::<u64>()) {
        let left = Duration::from_nanos(nanos);
        for (written, read) in [
            (GrpcTimeout.write(left), GrpcTimeout.read(GrpcTimeout.write(left).as_bytes())),
            (TimeoutMillis::new(MILLIS).write(left), TimeoutMillis::new(MILLIS).read(TimeoutMillis::new(MILLIS).write(left).as_bytes())),
        ] {
            prop_assert!(read.is_ok_and(|read| read <= left), "{left:?} as {written}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_axum_router_takes_the_layer_as_it_is() {
    let left =
        || async { Deadline::current().map_or("none".to_owned(), |left| left.remaining().as_secs().to_string()) };
    let router = axum::Router::new().route("/", axum::routing::get(left)).layer(ReadDeadlineLayer::millis(MILLIS, CAP));
    for (said, seen) in [(None, "none".to_owned()), (Some("3600000"), CAP.as_secs().to_string())] {
        let mut request = Request::new(axum::body::Body::empty());
        if let Some(said) = said {
            request.headers_mut().insert(MILLIS, HeaderValue::from_static(said));
        }
        let response = router.clone().oneshot(request).await.expect("it cannot fail");
        let body = http_body_util::BodyExt::collect(response.into_body()).await.expect("a body").to_bytes();
        assert_eq!(body, seen);
    }
}
