//! An error of this process that tonic dresses as a status is `UNAVAILABLE`, in the code, the classifiers and the hints.

use std::{error, io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use seawall::{Classify, Error, Hint, Outcome, Retry};
use seawall_http::{
    GrpcCode, GrpcCodes,
    tonic::{code, hint, into_status},
};
use tokio::net::{TcpListener, TcpStream};
use tonic::{
    Code, Response, Status,
    body::Body,
    transport::{Channel, Endpoint},
};
use tower::{Service, ServiceExt};

use crate::rpc::client;

/// The HTTP/2 side of a server, one connection, driven by the test.
struct Peer {
    endpoint: Endpoint,
    listener: TcpListener,
}

type Server = h2::server::Connection<TcpStream, Bytes>;

impl Peer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        Self { endpoint: Endpoint::from_shared(uri).unwrap(), listener }
    }

    /// A channel, and the server's side of its connection.
    async fn connect(&self) -> (Channel, Server) {
        let server = async { h2::server::handshake(self.listener.accept().await.unwrap().0).await.unwrap() };
        let (channel, server) = tokio::join!(self.endpoint.connect(), server);
        (channel.unwrap(), server)
    }
}

/// What everything here says of that status: it is a lost connection, and the call may be made again.
fn is_unavailable(status: Status) {
    let text = format!("{status:?}");
    assert_eq!(code(&status), GrpcCode::Unavailable, "{text}");
    let result = Err::<Response<()>, _>(status.clone());
    assert_eq!(GrpcCodes::health().classify(&result), Outcome::Failure, "{text}");
    assert_eq!(GrpcCodes::transient().classify(&result), Outcome::Failure, "{text}");
    assert_eq!(hint(&seawall::Attempt::FIRST, &result), Hint::None, "{text}");
    let boxed: Box<dyn error::Error + Send + Sync> = Box::new(status);
    assert_eq!(GrpcCodes::transient().classify(&Err::<Response<()>, _>(boxed)), Outcome::Failure, "{text}");
}

#[tokio::test]
async fn a_server_that_is_killed_in_mid_call_is_unavailable() {
    let peer = Peer::start().await;
    let (channel, mut server) = peer.connect().await;
    let killed = async move {
        let _call = server.accept().await.unwrap().unwrap();
        drop(server);
    };
    let client = client(channel);
    let (result, ()) = tokio::join!(client.call("one book"), killed);
    let status = result.unwrap_err();
    assert_ne!(status.code(), Code::Unavailable, "tonic says it by itself now: {status:?}");
    is_unavailable(status);
}

#[tokio::test]
async fn a_call_that_was_never_sent_after_a_goaway_is_unavailable() {
    let peer = Peer::start().await;
    let (mut channel, mut server) = peer.connect().await;
    let request = Request::post("/seawall.Text/Say").body(Body::empty()).unwrap();
    let open = tokio::spawn(channel.ready().await.unwrap().call(request));
    let (_request, mut respond) = server.accept().await.unwrap().unwrap();
    let mut pings = server.ping_pong().unwrap();
    server.graceful_shutdown();
    let serving = tokio::spawn(async move { server.accept().await.is_none() });
    // The answer to a ping comes after the client's answer to the first GOAWAY, and so after the last GOAWAY was written. A client that
    // sees the head of the open call has therefore seen that it may send no other.
    pings.ping(h2::Ping::opaque()).await.unwrap();
    let end = respond.send_response(http::Response::new(()), false).unwrap();
    let response = open.await.unwrap().unwrap();
    let status = client(channel).call("the next").await.unwrap_err();
    assert_ne!(status.code(), Code::Unavailable, "tonic says it by itself now: {status:?}");
    is_unavailable(status);
    drop((end, response));
    assert!(serving.await.unwrap(), "the next call never reached the server");
}

#[tokio::test]
async fn a_stream_that_the_callee_resets_has_the_code_of_its_reason() {
    let peer = Peer::start().await;
    for (reason, expected) in [
        (h2::Reason::CANCEL, GrpcCode::Cancelled),
        (h2::Reason::INTERNAL_ERROR, GrpcCode::Internal),
        (h2::Reason::REFUSED_STREAM, GrpcCode::Unavailable),
    ] {
        let (channel, mut server) = peer.connect().await;
        let reset = async move {
            let (_request, mut respond) = server.accept().await.unwrap().unwrap();
            respond.send_reset(reason);
            assert!(server.accept().await.is_none());
        };
        let reset = tokio::spawn(reset);
        let status = client(channel).call("one book").await.unwrap_err();
        assert_eq!(code(&status), expected, "{reason:?}: {status:?}");
        reset.await.unwrap();
    }
}

#[test]
fn what_counts_is_what_lies_below_and_a_code_that_was_chosen_stays() {
    let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
    let below = |code: Code, cause: Arc<dyn error::Error + Send + Sync>| {
        let mut status = Status::new(code, "said by hand");
        status.set_source(cause);
        status
    };
    is_unavailable(below(Code::Unknown, Arc::new(reset())));
    is_unavailable(below(Code::Cancelled, Arc::new(io::Error::other(reset()))));
    for chosen in [Code::Internal, Code::Unauthenticated, Code::NotFound, Code::DeadlineExceeded] {
        assert_eq!(Code::from(code(&below(chosen, Arc::new(reset())))), chosen, "a handler says so of its own disk");
    }
    for sent in [Code::Unknown, Code::Cancelled, Code::Internal] {
        assert_eq!(Code::from(code(&Status::new(sent, "transport error"))), sent, "the callee sent it");
    }
}

#[tokio::test]
async fn a_retry_makes_a_call_again_whose_server_was_killed_and_a_caller_is_told_unavailable() {
    let peer = Peer::start().await;
    let retry =
        Retry::builder("t").max_attempts(2).backoff(Duration::ZERO).classify(GrpcCodes::transient()).hint(hint).build();
    let mut seen = 0;
    let result = retry
        .execute(|| {
            seen += 1;
            async {
                let (channel, mut server) = peer.connect().await;
                let killed = async move {
                    let _call = server.accept().await.unwrap().unwrap();
                    drop(server);
                };
                let client = client(channel);
                tokio::join!(client.call("one book"), killed).0.map(Response::new)
            }
        })
        .await;
    let status = into_status(Error::Inner(result.unwrap_err()));
    assert_eq!((seen, status.code()), (2, Code::Unavailable), "{status:?}");
    is_unavailable(status);
}
