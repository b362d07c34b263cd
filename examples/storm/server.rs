//! What both upstreams are: a hyper server on loopback.

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

/// A server that is bound but does not answer yet, so that the run can start when both sides are there.
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

    /// Answers until it is dropped, and takes every connection with it then. An answer that is dropped before it is
    /// ready had a client that has gone; an error drops the connection without a word.
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
                // Only to forget those that ended.
                Some(_) = connections.join_next() => continue,
            };
            let Ok((stream, _)) = accepted else {
                // The process may have as many files open as it is allowed to; some of them will be closed.
                time::sleep(ACCEPT_AGAIN).await;
                continue;
            };
            // Without linger every close from this side is a reset; the only one in a run is an error of `answer`.
            if stream.set_nodelay(true).and_then(|()| stream.set_zero_linger()).is_err() {
                // Some systems say so when the client has gone already.
                continue;
            }
            let answer = answer.clone();
            let connection =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(move |_| answer()));
            connections.spawn(async move {
                // A client that went away and an error of `answer` are both part of the play.
                let _ = connection.await;
            });
        }
    }
}

const ACCEPT_AGAIN: Duration = Duration::from_millis(10);
