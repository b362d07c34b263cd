//! What does not pass by itself is not tried again: a handshake that was refused, a body that does not decode.

use std::{
    error, fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use reqwest::Client;
use seawall::{CircuitBreaker, Outcome, State, Trip};
use seawall_http::reqwest::{Health, Transient};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tower::{BoxError, util::MapErrLayer};

use crate::reqwest::{client, quick};

/// An error with these words, above that cause. The connectors of TLS libraries fail with such errors.
#[derive(Debug)]
struct Made(&'static str, Option<BoxError>);

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl error::Error for Made {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

/// A client whose connections fail so, and the count of the connections that it began.
fn fails(with: fn() -> BoxError) -> (Client, Arc<AtomicU32>) {
    let begun = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&begun);
    // What it would connect to is not there; the error of the handshake takes the place of that error.
    let layer = MapErrLayer::new(move |_: BoxError| {
        seen.fetch_add(1, Ordering::SeqCst);
        with()
    });
    (Client::builder().no_proxy().connector_layer(layer).build().unwrap(), begun)
}

/// How many attempts a retry makes, and what a breaker says of the last error.
async fn attempts(with: fn() -> BoxError) -> (u32, Outcome) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let (client, begun) = fails(with);
    let retry = quick().max_attempts(3).classify(Transient).build();
    let error = retry.execute(|| client.get(&url).send()).await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    (begun.load(Ordering::SeqCst), Health.of_error(&error))
}

#[tokio::test]
async fn an_untrusted_certificate_is_met_once_and_is_the_callees_failure() {
    // As rustls is seen through its connector: an I/O error in an I/O error.
    let rustls: fn() -> BoxError = || {
        let refused = Made("invalid peer certificate: UnknownIssuer", None);
        io::Error::other(io::Error::new(io::ErrorKind::InvalidData, refused)).into()
    };
    assert_eq!(attempts(rustls).await, (1, Outcome::Failure));
    let no_tls: fn() -> BoxError = || {
        let garbage = Made("received corrupt message of type InvalidContentType", None);
        io::Error::other(io::Error::new(io::ErrorKind::InvalidData, garbage)).into()
    };
    assert_eq!(attempts(no_tls).await, (1, Outcome::Failure));
    // As OpenSSL is.
    let openssl: fn() -> BoxError =
        || Made("error:0A000086:SSL routines::certificate verify failed", Some(Made("ssl", None).into())).into();
    assert_eq!(attempts(openssl).await, (1, Outcome::Failure));
}

#[tokio::test]
async fn a_handshake_whose_connection_is_lost_is_tried_again() {
    for lost in [
        (|| io::Error::other(io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof")).into())
            as fn() -> BoxError,
        || io::Error::from(io::ErrorKind::ConnectionReset).into(),
        || Made("dns error", Some(io::Error::other("try again").into())).into(),
    ] {
        assert_eq!(attempts(lost).await, (3, Outcome::Failure));
    }
}

/// A server that answers each request with these bytes and then closes the connection.
async fn serve(answer: &'static str) -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                if connection.read_buf(&mut request).await.unwrap() == 0 {
                    return;
                }
            }
            seen.fetch_add(1, Ordering::SeqCst);
            connection.write_all(answer.as_bytes()).await.unwrap();
            connection.shutdown().await.unwrap();
        }
    });
    (url, requests)
}

/// How many requests a retry makes for a number in JSON, and whether a breaker opens at the first failure.
async fn requests(answer: &'static str) -> (u32, bool) {
    let (url, seen) = serve(answer).await;
    let client = client();
    let judge = |result: &Result<u32, reqwest::Error>| {
        result.as_ref().err().map_or(Outcome::Success, |error| Health.of_error(error))
    };
    let again = |result: &Result<u32, reqwest::Error>| {
        result.as_ref().err().map_or(Outcome::Success, |error| Transient.of_error(error))
    };
    let breaker = CircuitBreaker::builder("t").trip(Trip::consecutive(9)).classify(judge).build();
    let strict = CircuitBreaker::builder("t").trip(Trip::consecutive(1)).classify(judge).build();
    let retry = quick().max_attempts(3).classify(again).build();
    let get = || async { client.get(&url).send().await?.json::<u32>().await };
    let result =
        retry.execute(|| async { breaker.execute(get).await.map_err(|error| error.into_inner().unwrap()) }).await;
    let seen = seen.load(Ordering::SeqCst);
    assert!(result.unwrap_err().is_decode());
    assert!(strict.execute(get).await.is_err());
    (seen, strict.state() == State::Open)
}

#[tokio::test]
async fn a_body_that_came_whole_and_does_not_decode_is_read_once_and_is_no_failure_of_the_callee() {
    let whole = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{\"no\": 7";
    assert_eq!(requests(whole).await, (1, false));
    let to_the_close = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nno number";
    assert_eq!(requests(to_the_close).await, (1, false));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_read_again_though_reqwest_says_that_it_does_not_decode() {
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 80\r\n\r\n{\"no\": 7";
    assert_eq!(requests(short).await, (3, true));
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"no\": 7\r\n";
    assert_eq!(requests(chunked).await, (3, true));
}
