//! Requests that are sent again: which are copied, what a copy is, and what a retry makes of it.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::body_support::{Script, broken, poll};
use http::{HeaderName, Method, Request, Uri, Version};
use http_body::Body;
use http_body_util::BodyExt;
use seawall::{
    Budget, Error, Retry,
    retry::{Attempt, CloneRequest},
};
use seawall_http::{CloneIdempotent, ReplayBody, ReplayLayer};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_test::mock::{self, Mock};

type Sent = Request<ReplayBody<Script>>;

const MARK: HeaderName = HeaderName::from_static("x-attempt");

fn request(method: Method, pieces: &[&'static str]) -> Request<Script> {
    Request::builder().method(method).uri("/stock/7?all").body(Script::pieces(pieces)).unwrap()
}

fn retry() -> Retry {
    Retry::builder("t").backoff(Duration::ZERO).budget(Budget::unlimited()).build()
}

#[test]
fn a_copy_is_the_request_in_all_its_parts() {
    let mut request = request(Method::PUT, &["a"]).map(|body| ReplayBody::new(body, 10));
    *request.version_mut() = Version::HTTP_2;
    request.headers_mut().append("x-many", "1".parse().unwrap());
    request.headers_mut().append("x-many", "2".parse().unwrap());
    request.extensions_mut().insert(7_u8);
    let mut copy = CloneIdempotent::new().clone_request(&request).unwrap();
    assert_eq!((copy.method(), copy.uri()), (&Method::PUT, &Uri::from_static("/stock/7?all")));
    assert_eq!((copy.version(), copy.headers()), (Version::HTTP_2, request.headers()));
    assert_eq!(copy.extensions().get::<u8>(), Some(&7));
    assert_eq!([poll(request.body_mut()), poll(copy.body_mut())], ["a", "a"]);
}

#[test]
fn requests_are_copied_if_they_may_be_made_twice_and_their_bodies_can_be_sent_twice() {
    let (plain, by_key, all) =
        (CloneIdempotent::new(), CloneIdempotent::new().by_key(), CloneIdempotent::new().all_methods());
    for (method, key, cap, copied) in [
        (Method::GET, false, 10, [true, true, true]),
        (Method::PUT, false, 10, [true, true, true]),
        (Method::POST, false, 10, [false, false, true]),
        (Method::POST, true, 10, [false, true, true]),
        (Method::PATCH, true, 10, [false, true, true]),
        (Method::CONNECT, true, 10, [false, false, true]),
        (Method::PUT, false, 2, [false, false, false]),
    ] {
        let mut request = request(method, &["abc"]).map(|body| ReplayBody::new(body.exactly(3), cap));
        if key {
            request.headers_mut().insert("idempotency-key", "\"a\"".parse().unwrap());
        }
        let seen = [&plain, &by_key, &all].map(|clone| clone.clone_request(&request).is_some());
        assert_eq!(seen, copied, "{} {key} {cap}", request.method());
    }
}

#[test]
fn an_attempt_is_marked_only_if_that_was_asked_for_and_over_what_the_request_says() {
    let mut request = request(Method::PUT, &[]).map(|body| ReplayBody::new(body, 10));
    CloneIdempotent::new().mark(&mut request, Attempt::FIRST);
    assert!(request.headers().is_empty());
    request.headers_mut().append(MARK, "99".parse().unwrap());
    request.headers_mut().append(MARK, "98".parse().unwrap());
    CloneIdempotent::new().mark_attempts(MARK).mark(&mut request, Attempt::FIRST);
    let marks: Vec<_> = request.headers().get_all(MARK).iter().collect();
    assert_eq!(marks, ["1"]);
}

#[test]
fn the_layer_is_as_ready_as_the_inner_service() {
    let (mut service, mut handle) = mock::spawn_layer::<_, (), _>(ReplayLayer::new());
    let _: &mut mock::Spawn<seawall_http::body::ReplayService<Mock<Sent, ()>>> = &mut service;
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(request(Method::PUT, &["a"])));
    let (mut sent, answer) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(sent.method(), Method::PUT);
    assert_eq!([poll(sent.body_mut()), poll(sent.body_mut())], ["a", "end"]);
    answer.send_response(());
    assert_ready_ok!(call.poll());
    handle.send_error("broken");
    assert_eq!(assert_ready_err!(service.poll_ready()).to_string(), "broken");
}

/// The mock under a retry, as a client of ours would be.
fn stack(cap: usize) -> (impl Service<Request<Script>, Response = (), Error = BoxError>, mock::Handle<Sent, ()>) {
    let (inner, handle) = mock::pair::<Sent, ()>();
    let service = ServiceBuilder::new()
        .layer(ReplayLayer::new().max_kept(cap))
        .layer(retry().layer().clone_request(CloneIdempotent::new().mark_attempts(MARK)))
        .service(inner);
    (service, handle)
}

#[test]
fn the_next_attempt_has_the_whole_body_wherever_the_first_one_stopped() {
    for polls in 0..=4 {
        let (mut service, mut handle) = stack(10);
        let mut ready = task::spawn(());
        handle.allow(2);
        ready.enter(|cx, _| assert_ready_ok!(service.poll_ready(cx)));
        let mut call = task::spawn(service.call(request(Method::PUT, &["ab", "cd", "ef"])));
        assert_pending!(call.poll());
        let (mut first, answer) = assert_ready!(handle.poll_request()).unwrap();
        (0..polls).for_each(|_| drop(poll(first.body_mut())));
        answer.send_error(broken());
        assert_pending!(call.poll());
        // The first is still alive, as in a connection's task that has not heard of it yet.
        let (mut second, answer) = assert_ready!(handle.poll_request()).unwrap();
        assert_eq!(second.headers()[MARK], "2");
        let mut seen = String::new();
        while !seen.ends_with("end") {
            seen += &poll(second.body_mut());
        }
        assert_eq!(seen, "abcdefend", "after {polls}");
        answer.send_response(());
        assert_ready_ok!(call.poll());
    }
}

#[test]
fn a_request_that_may_not_be_made_twice_is_sent_once_and_not_kept() {
    for (method, cap) in [(Method::POST, 10), (Method::PUT, 2)] {
        let (mut service, mut handle) = stack(cap);
        let mut ready = task::spawn(());
        handle.allow(2);
        ready.enter(|cx, _| assert_ready_ok!(service.poll_ready(cx)));
        let mut call = task::spawn(service.call(request(method, &["ab", "cd"]).map(|body| body.exactly(4))));
        assert_pending!(call.poll());
        let (mut first, answer) = assert_ready!(handle.poll_request()).unwrap();
        assert_eq!(poll(first.body_mut()), "ab");
        assert!(first.body().try_clone().is_none());
        answer.send_error(broken());
        assert_eq!(assert_ready_err!(call.poll()).to_string(), broken().to_string());
        assert_pending!(handle.poll_request());
    }
}

#[test]
fn a_call_that_is_dropped_at_any_poll_leaves_nothing_behind() {
    for polls in 0..4 {
        let (mut service, mut handle) = stack(10);
        let mut ready = task::spawn(());
        handle.allow(1);
        ready.enter(|cx, _| assert_ready_ok!(service.poll_ready(cx)));
        let body = Script::pieces(&["ab", "cd"]);
        let watch = body.watch();
        let mut call = task::spawn(service.call(Request::put("/").body(body).unwrap()));
        let (mut first, answer) = assert_ready!(handle.poll_request()).unwrap();
        assert_eq!(poll(first.body_mut()), "ab");
        let mut answer = Some(answer);
        for at in 0..polls {
            if at == 1 {
                answer.take().unwrap().send_error(broken());
            }
            // The second attempt waits for the inner service to be ready.
            assert_pending!(call.poll());
        }
        drop(first);
        assert!(!watch.is_dropped(), "the copy has it");
        drop((call, answer, service, handle));
        assert!(watch.is_dropped(), "after {polls}");
    }
}

#[test]
fn what_outgrows_the_cap_is_not_sent_a_second_time_and_the_result_stands() {
    for (cap, attempts) in [(3, 1), (4, 2)] {
        let (mut service, mut handle) = stack(cap);
        let mut ready = task::spawn(());
        handle.allow(2);
        ready.enter(|cx, _| assert_ready_ok!(service.poll_ready(cx)));
        let mut call = task::spawn(service.call(request(Method::PUT, &["ab", "cd"])));
        assert_pending!(call.poll());
        let (mut first, answer) = assert_ready!(handle.poll_request()).unwrap();
        assert_eq!([poll(first.body_mut()), poll(first.body_mut())], ["ab", "cd"], "undisturbed");
        answer.send_error(broken());
        if attempts == 1 {
            assert_eq!(assert_ready_err!(call.poll()).to_string(), broken().to_string());
            assert_pending!(handle.poll_request());
        } else {
            assert_pending!(call.poll());
            assert_eq!(poll(assert_ready!(handle.poll_request()).unwrap().0.body_mut()), "abcd");
        }
    }
}

#[tokio::test]
async fn any_attempt_reads_the_whole_where_each_stops_somewhere_else() {
    let attempts = AtomicUsize::new(0);
    let client = service_fn(|request: Sent| {
        let stop = attempts.fetch_add(1, Ordering::Relaxed);
        async move {
            let mut body = request.into_body();
            assert_eq!(body.size_hint().exact(), Some(8));
            if stop < 2 {
                for _ in 0..=stop {
                    body.frame().await.unwrap().unwrap();
                }
                return Err(Error::Inner(broken()));
            }
            Ok::<_, Error<io::Error>>(body.collect().await.unwrap().to_bytes())
        }
    });
    let mut service = ServiceBuilder::new()
        .layer(ReplayLayer::new())
        .layer(retry().layer().clone_request(CloneIdempotent::new()))
        .service(client);
    let request = request(Method::PUT, &["ab", "cd", "ef", "gh"]).map(|body| body.exactly(8));
    assert_eq!(service.ready().await.unwrap().call(request).await.unwrap(), "abcdefgh");
}
