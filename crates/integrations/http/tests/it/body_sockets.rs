//! Bodies on real sockets: a streamed request that is sent again when its connection breaks, and responses that keep a
//! slot until they have been read.

use std::{convert::Infallible, io, time::Duration};

use axum::{Router, body::Body as AxumBody, routing};
use bytes::Bytes;
use futures::{SinkExt, channel::mpsc};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use seawall::{Budget, Bulkhead, CircuitBreaker, Error, Outcome, Rejection, Retry, State, Trip};
use seawall_http::{CloneIdempotent, ReplayBody, ReplayLayer, hold_body};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::timeout,
};
use tower::{Service, ServiceBuilder, ServiceExt};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);

type Feed = mpsc::Sender<io::Result<Frame<Bytes>>>;
type Streamed = StreamBody<mpsc::Receiver<io::Result<Frame<Bytes>>>>;

fn streamed() -> (Feed, Streamed) {
    let (feed, stream) = mpsc::channel(0);
    (feed, StreamBody::new(stream))
}

async fn send(feed: &mut Feed, data: &'static str) {
    feed.send(Ok(Frame::data(Bytes::from_static(data.as_bytes())))).await.unwrap();
}

/// Reads from the connection until what was read ends so.
async fn read_until(connection: &TcpStream, end: &str) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end.as_bytes()) {
        connection.readable().await.unwrap();
        let mut buffer = [0; 256];
        match connection.try_read(&mut buffer) {
            Ok(0) => panic!("it ended with {}", String::from_utf8_lossy(&seen)),
            Ok(read) => seen.extend_from_slice(&buffer[..read]),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    String::from_utf8(seen).unwrap()
}

/// Writes what is so short that there is room for it.
async fn write(connection: &TcpStream, text: &str) {
    connection.writable().await.unwrap();
    assert_eq!(connection.try_write(text.as_bytes()).unwrap(), text.len());
}

fn client<B>() -> Client<HttpConnector, B>
where
    B: http_body::Body<Data: Send> + Send,
{
    Client::builder(TokioExecutor::new()).build_http()
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

#[tokio::test]
async fn a_streamed_put_whose_connection_is_reset_midway_is_sent_again_as_a_whole() {
    let (listener, address) = listen().await;
    let (go_on, may_go_on) = oneshot::channel();
    let server = tokio::spawn(async move {
        let (first, _) = listener.accept().await.unwrap();
        let seen = read_until(&first, "3\r\ntwo\r\n").await;
        // With data that was not read and no lingering, this is a reset.
        first.set_zero_linger().unwrap();
        drop(first);
        let (second, _) = listener.accept().await.unwrap();
        let replayed = read_until(&second, "\r\nonetwo\r\n").await;
        go_on.send(()).unwrap();
        let whole = replayed + &read_until(&second, "0\r\n\r\n").await;
        write(&second, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        (seen, whole)
    });

    let retry = Retry::builder("t").backoff(Duration::ZERO).budget(Budget::unlimited()).build();
    let mut service = ServiceBuilder::new()
        .layer(ReplayLayer::new())
        .layer(retry.layer().clone_request(CloneIdempotent::new().mark_attempts("x-attempt".parse().unwrap())))
        .map_err(Error::Inner)
        .service(client::<ReplayBody<Streamed>>());
    let (mut feed, body) = streamed();
    let feeder = tokio::spawn(async move {
        send(&mut feed, "one").await;
        send(&mut feed, "two").await;
        may_go_on.await.unwrap();
        send(&mut feed, "three").await;
    });
    let call = async { service.ready().await.unwrap().call(Request::put(address).body(body).unwrap()).await };
    let response = timeout(LONG, call).await.unwrap().unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
    feeder.await.unwrap();

    let (first, second) = server.await.unwrap();
    assert!(first.contains("x-attempt: 1\r\n") && first.ends_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n"), "{first}");
    assert!(second.contains("x-attempt: 2\r\n"), "{second}");
    let (_, chunks) = second.split_once("\r\n\r\n").unwrap();
    assert_eq!(chunks, "6\r\nonetwo\r\n5\r\nthree\r\n0\r\n\r\n");
}

/// An axum server whose one route streams what it is fed; a second call at once finds no room.
async fn downloads(bulkhead: &Bulkhead) -> (String, Feed) {
    let (listener, address) = listen().await;
    let (feed, body) = streamed();
    let body = std::sync::Arc::new(std::sync::Mutex::new(Some(body)));
    let download = move || async move { AxumBody::new(body.lock().unwrap().take().unwrap()) };
    let full = |_: Rejection| Response::builder().status(503).body(AxumBody::from("full")).unwrap();
    let app = Router::new().route("/", routing::get(download)).layer(hold_body(bulkhead.layer().on_reject(full)));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, feed)
}

async fn get(client: &Client<HttpConnector, Empty<Bytes>>, address: &str) -> Response<Incoming> {
    let call = client.request(Request::get(address).body(Empty::new()).unwrap());
    timeout(LONG, call).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_slow_download_keeps_its_slot_until_it_has_been_read() {
    let bulkhead = Bulkhead::new("downloads", 1);
    let (address, mut feed) = downloads(&bulkhead).await;
    let client = client();
    let first = get(&client, &address).await;
    assert_eq!((first.status(), bulkhead.in_flight()), (StatusCode::OK, 1));
    send(&mut feed, "one").await;
    for _ in 0..2 {
        let second = get(&client, &address).await;
        assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(second.into_body().collect().await.unwrap().to_bytes(), "full");
        assert_eq!(bulkhead.in_flight(), 1);
    }
    send(&mut feed, "two").await;
    drop(feed);
    let whole = timeout(LONG, first.into_body().collect()).await.unwrap().unwrap();
    assert_eq!((whole.to_bytes(), bulkhead.in_flight()), ("onetwo".into(), 0));
}

#[tokio::test]
async fn a_download_whose_client_goes_away_gives_its_slot_back() {
    let bulkhead = Bulkhead::new("downloads", 1);
    let (address, mut feed) = downloads(&bulkhead).await;
    let connection = TcpStream::connect(address.strip_prefix("http://").unwrap()).await.unwrap();
    write(&connection, "GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    send(&mut feed, "one").await;
    read_until(&connection, "one\r\n").await;
    assert_eq!(bulkhead.in_flight(), 1);
    drop(connection);
    let given_back = async {
        while bulkhead.in_flight() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, given_back).await.expect("it is given back");
}

#[tokio::test]
async fn a_response_that_breaks_off_is_a_failure_to_the_breaker_above_a_client() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        for answer in ["content-length: 3\r\n\r\none", "content-length: 9\r\n\r\none", "content-length: 0\r\n\r\n"] {
            let (connection, _) = listener.accept().await.unwrap();
            read_until(&connection, "\r\n\r\n").await;
            write(&connection, &format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{answer}")).await;
        }
    });
    let breaker = CircuitBreaker::builder("t").trip(Trip::consecutive(1)).build();
    let mut service =
        ServiceBuilder::new().layer(hold_body(breaker.layer())).map_err(Error::Inner).service(client::<Full<Bytes>>());
    let request = || Request::get(&address).body(Full::default()).unwrap();

    let whole = timeout(LONG, service.ready().await.unwrap().call(request())).await.unwrap().unwrap();
    assert!(whole.body().is_held());
    assert_eq!(whole.into_body().collect().await.unwrap().to_bytes(), "one");
    assert_eq!((breaker.state(), breaker.snapshot().consecutive_failures()), (State::Closed, 0));

    let broken = timeout(LONG, service.ready().await.unwrap().call(request())).await.unwrap().unwrap();
    assert_eq!((broken.status(), breaker.state()), (StatusCode::OK, State::Closed));
    assert!(timeout(LONG, broken.into_body().collect()).await.unwrap().is_err());
    assert_eq!(breaker.state(), State::Open);
    let refused = service.ready().await.unwrap().call(request()).await.unwrap_err();
    assert!(matches!(refused, Error::Rejected(Rejection::CircuitOpen(_))));

    breaker.reset();
    let empty = timeout(LONG, service.ready().await.unwrap().call(request())).await.unwrap().unwrap();
    assert!(!empty.body().is_held(), "there is nothing to read");
}

#[tokio::test]
async fn a_server_that_has_sent_all_that_was_announced_has_not_abandoned_the_call() {
    let (listener, address) = listen().await;
    // A stream does not know that it has ended before it is asked, and the server does not ask.
    let stream = || StreamBody::new(futures::stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from("one")))]));
    let download = move || async move { ([("content-length", "3")], AxumBody::new(stream())) };
    let breaker = CircuitBreaker::builder("t").trip(Trip::consecutive(1)).abandoned(Outcome::Failure).build();
    let full = |_: Rejection| Response::builder().status(503).body(AxumBody::empty()).unwrap();
    let app = Router::new().route("/", routing::get(download)).layer(hold_body(breaker.layer().on_reject(full)));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let client = client();
    for _ in 0..2 {
        let whole = get(&client, &address).await;
        assert_eq!(whole.status(), StatusCode::OK);
        assert_eq!(whole.into_body().collect().await.unwrap().to_bytes(), "one");
    }
    assert_eq!(breaker.state(), State::Closed);
}

/// That an axum router takes these layers, in either order, with a verdict by status.
#[tokio::test]
async fn a_router_takes_a_held_breaker_and_a_held_bulkhead() {
    let by_status = |result: &Result<Response<AxumBody>, Infallible>| match result {
        Ok(response) if response.status().is_server_error() => Outcome::Failure,
        Ok(_) => Outcome::Success,
        Err(never) => match *never {},
    };
    let unavailable = |_: Rejection| Response::builder().status(503).body(AxumBody::empty()).unwrap();
    let breaker = CircuitBreaker::builder("t").trip(Trip::consecutive(1)).classify(by_status).build();
    let bulkhead = Bulkhead::new("t", 1);
    let app: Router = Router::new()
        .route("/", routing::get(async || "hello"))
        .route("/down", routing::get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .layer(hold_body(breaker.layer().on_reject(unavailable)))
        .layer(hold_body(bulkhead.layer().on_reject(unavailable)));
    let get = |path| app.clone().oneshot(Request::get(path).body(AxumBody::empty()).unwrap());
    let hello = get("/").await.unwrap();
    assert_eq!(bulkhead.in_flight(), 1);
    assert_eq!(hello.into_body().collect().await.unwrap().to_bytes(), "hello");
    assert_eq!((bulkhead.in_flight(), breaker.state()), (0, State::Closed));
    assert_eq!(get("/down").await.unwrap().status(), 500);
    assert_eq!(breaker.state(), State::Open, "by its head");
    assert_eq!(get("/").await.unwrap().status(), 503);
}
