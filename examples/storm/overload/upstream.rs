//! A server of fixed capacity, which works on whatever has come.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

/// A server that is bound, and answers while it is served.
pub(super) struct Upstream {
    listener: TcpListener,
    address: SocketAddr,
    servers: Servers,
}

/// What it has seen.
#[derive(Clone, Default)]
pub(super) struct Counts(Arc<[AtomicU64; 2]>);

/// When each of those that answer is free again.
#[derive(Clone)]
struct Servers {
    free_at: Arc<Mutex<Vec<Instant>>>,
    service: Duration,
    counts: Counts,
}

impl Upstream {
    pub(super) async fn bind(servers: usize, service: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let free_at = Arc::new(Mutex::new(vec![Instant::now(); servers]));
        let servers = Servers { free_at, service, counts: Counts::default() };
        Ok(Self { address: listener.local_addr()?, listener, servers })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn counts(&self) -> Counts {
        self.servers.counts.clone()
    }

    /// Answers until it is dropped, and takes every connection with it then.
    pub(super) async fn serve(self) -> io::Result<Infallible> {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = tokio::select! {
                accepted = self.listener.accept() => accepted?,
                // Only to forget those that ended.
                Some(_) = connections.join_next() => continue,
            };
            if stream.set_nodelay(true).and_then(|()| stream.set_zero_linger()).is_err() {
                // Some systems say so when the client has gone already.
                continue;
            }
            let servers = self.servers.clone();
            let service = service_fn(move |_| {
                let servers = servers.clone();
                async move { Ok::<_, Infallible>(servers.answer().await) }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            connections.spawn(async move {
                // Clients hang up: that is what this is about.
                let _ = connection.await;
            });
        }
    }
}

impl Servers {
    /// Works for a while, as soon as there is somebody to; in a task of its own, which does not end with the connection.
    async fn answer(&self) -> Response<Full<Bytes>> {
        self.counts.0[0].fetch_add(1, Ordering::Relaxed);
        let (ready, answer) = oneshot::channel();
        let (done_at, counts) = (self.take_turn(), self.counts.clone());
        tokio::spawn(async move {
            time::sleep_until(done_at).await;
            if ready.send(()).is_err() {
                counts.0[1].fetch_add(1, Ordering::Relaxed);
            }
        });
        // The task sends in any case.
        let _ = answer.await;
        Response::new(Full::from("overload\n"))
    }

    /// When the one that is free first will be done.
    fn take_turn(&self) -> Instant {
        let mut free_at = self.free_at.lock().expect("nothing panics under it");
        let first = free_at.iter_mut().min().expect("there is a server");
        *first = (*first).max(Instant::now()) + self.service;
        *first
    }
}

impl Counts {
    /// Requests that have come.
    pub(super) fn reached(&self) -> u64 {
        self.0[0].load(Ordering::Relaxed)
    }

    /// Answers that nobody waited for, so far.
    pub(super) fn dead(&self) -> u64 {
        self.0[1].load(Ordering::Relaxed)
    }
}
