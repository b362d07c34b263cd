//! A server that plays acts.

use std::collections::VecDeque;
use std::future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::header::RETRY_AFTER;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time;

/// What the server does with a request.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// Answers with a 500.
    Fail,
    /// Answers with a 503, and asks for another call after this many seconds.
    Busy(u32),
    /// Closes the connection without an answer.
    Reset,
    /// Never answers.
    Hang,
    /// Answers after this duration.
    Slow(Duration),
}

/// A server on loopback, until the process ends, shared by its clones.
#[derive(Clone)]
pub(crate) struct Upstream {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    acts: VecDeque<Act>,
    requests: usize,
}

impl Upstream {
    pub(crate) async fn serve() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let upstream = Self { address: listener.local_addr()?, script: Arc::default() };
        let server = upstream.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(server.clone().connection(socket));
            }
        });
        Ok(upstream)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/stock/7", self.address)
    }

    /// Sets the next acts. After them the server answers with 200.
    pub(crate) fn play(&self, acts: &[Act]) {
        self.script(|script| *script = Script { acts: acts.iter().copied().collect(), requests: 0 });
    }

    /// Returns how many requests came since the acts were set.
    pub(crate) fn requests(&self) -> usize {
        self.script(|script| script.requests)
    }

    async fn connection(self, socket: TcpStream) {
        let service = service_fn(|request| self.answer(request));
        // A connection ends with an error if the act says so, or if the client has gone.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
    }

    async fn answer(&self, _: Request<Incoming>) -> io::Result<Response<Empty<Bytes>>> {
        let act = self.script(|script| {
            script.requests += 1;
            script.acts.pop_front()
        });
        let mut response = Response::new(Empty::new());
        match act {
            None => {}
            Some(Act::Fail) => *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR,
            Some(Act::Busy(seconds)) => {
                *response.status_mut() = hyper::StatusCode::SERVICE_UNAVAILABLE;
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
            Some(Act::Reset) => return Err(io::Error::other("as the script says")),
            Some(Act::Hang) => future::pending().await,
            Some(Act::Slow(latency)) => time::sleep(latency).await,
        }
        Ok(response)
    }

    fn script<T>(&self, f: impl FnOnce(&mut Script) -> T) -> T {
        f(&mut self.script.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
