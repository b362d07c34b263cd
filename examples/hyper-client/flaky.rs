//! A server that plays a script.

use std::future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use hyper::Method;
use tokio::net::TcpListener;

/// A server on loopback, until the process ends.
pub(crate) struct Flaky {
    address: SocketAddr,
    script: Arc<Script>,
}

struct Script {
    began: Instant,
    time: Duration,
    requests: AtomicU64,
    posts: AtomicU64,
}

impl Flaky {
    pub(crate) async fn serve(time: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let script = Arc::new(Script { began: Instant::now(), time, requests: 0.into(), posts: 0.into() });
        let app = Router::new().route("/", get(answer).post(answer)).with_state(Arc::clone(&script));
        tokio::spawn(async { axum::serve(listener, app).await });
        Ok(Self { address, script })
    }

    pub(crate) fn uri(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Returns how many requests came.
    pub(crate) fn requests(&self) -> u64 {
        self.script.requests.load(Relaxed)
    }

    /// Returns how many requests were not `GET`s.
    pub(crate) fn posts(&self) -> u64 {
        self.script.posts.load(Relaxed)
    }
}

async fn answer(State(script): State<Arc<Script>>, method: Method) -> StatusCode {
    let number = script.requests.fetch_add(1, Relaxed);
    if method == Method::POST {
        script.posts.fetch_add(1, Relaxed);
    }
    match script.began.elapsed().as_secs_f64() / script.time.as_secs_f64() {
        // Now and then an answer is lost, or is an error.
        ..0.25 if number % 50 == 49 => future::pending().await,
        ..0.25 if number % 10 == 9 => StatusCode::SERVICE_UNAVAILABLE,
        0.25..0.5 => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::OK,
    }
}
