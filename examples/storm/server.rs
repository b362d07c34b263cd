//! The server of all upstreams: hyper on loopback.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time;

/// A server that is bound but does not answer yet, so that the run starts when both sides are ready.
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

pub(crate) type Answer = Response<Full<Bytes>>;

impl Server {
    pub(crate) async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self { address: listener.local_addr()?, listener })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the future is dropped, and then closes every connection. An answer is dropped before it is ready if its
    /// client has gone. An error drops the connection without an answer.
    pub(crate) async fn serve<F, A, E>(self, answer: F) -> Infallible
    where
        F: Fn() -> A + Clone + Send + 'static,
        A: Future<Output = Result<Answer, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                // Only to remove ended connections.
                Some(_) = connections.join_next() => continue,
            };
            let Ok((stream, _)) = accepted else {
                // The process may have all the files open that it is allowed to; some will be closed soon.
                time::sleep(ACCEPT_AGAIN).await;
                continue;
            };
            // Without linger every close from this side is a reset. In a run, only an error of `answer` closes a connection.
            if stream.set_nodelay(true).and_then(|()| stream.set_zero_linger()).is_err() {
                // Some systems return an error if the client has gone already.
                continue;
            }
            let answer = answer.clone();
            let connection =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(move |_| answer()));
            connections.spawn(async move {
                // A client that has gone, and an error of `answer`, are both part of the act.
                let _ = connection.await;
            });
        }
    }
}

const ACCEPT_AGAIN: Duration = Duration::from_millis(10);
