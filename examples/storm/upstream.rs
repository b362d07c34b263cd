//! A server of fixed capacity that works on every request, also if its client has gone.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::{Response, StatusCode};
use tokio::sync::mpsc::{self, Receiver};
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use crate::server::Server;

/// The server's capacity.
#[derive(Clone, Copy)]
pub(crate) struct Means {
    /// The requests that the server works on at once.
    pub(crate) servers: usize,
    /// How long the server works on a request.
    pub(crate) service: Duration,
    /// The requests that may wait. With a full queue, a new request gets a 503 at once. A waiting request stays when its client
    /// goes, as in the listen and socket buffers, thread pools and databases of real servers.
    pub(crate) queue: usize,
}

pub(crate) struct Upstream {
    server: Server,
    means: Means,
    work: Arc<Mutex<Work>>,
}

/// The server's work so far.
#[derive(Clone, Default)]
pub(crate) struct Work {
    /// When requests came.
    pub(crate) came: Vec<Instant>,
    /// The times of answers for which no client waited.
    pub(crate) dead: Vec<Instant>,
}

struct Request {
    came: Instant,
    answer: oneshot::Sender<StatusCode>,
}

impl Upstream {
    pub(crate) async fn bind(means: Means) -> io::Result<Self> {
        Ok(Self { server: Server::bind().await?, means, work: Arc::default() })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(crate) fn work(&self) -> Arc<Mutex<Work>> {
        Arc::clone(&self.work)
    }

    /// Answers until the future is dropped. A sick server works as usual, and then answers with a 500.
    pub(crate) async fn serve(self, sick: Option<Range<Instant>>) -> Infallible {
        let Self { server, means, work } = self;
        let (queue, requests) = mpsc::channel(means.queue);
        let requests = Arc::new(AsyncMutex::new(requests));
        let mut servers = JoinSet::new();
        for _ in 0..means.servers {
            servers.spawn(answer(Arc::clone(&requests), means.service, sick.clone(), Arc::clone(&work)));
        }
        server
            .serve(move || {
                let came = Instant::now();
                work.lock().expect("nothing panics under it").came.push(came);
                let (answer, answered) = oneshot::channel();
                let refused = queue.try_send(Request { came, answer }).is_err();
                async move {
                    let status = if refused { StatusCode::SERVICE_UNAVAILABLE } else { answered.await? };
                    let mut response = Response::new(Full::from("storm\n"));
                    *response.status_mut() = status;
                    Ok::<_, oneshot::error::RecvError>(response)
                }
            })
            .await
    }
}

/// One of the workers: takes the next request, also if its client has gone.
async fn answer(
    requests: Arc<AsyncMutex<Receiver<Request>>>,
    service: Duration,
    sick: Option<Range<Instant>>,
    work: Arc<Mutex<Work>>,
) {
    let mut free_at = Instant::now();
    while let Some(request) = next(&requests).await {
        // From the time at which the work could begin: timers are late by a millisecond, which must not cost capacity.
        free_at = free_at.max(request.came) + service;
        time::sleep_until(free_at).await;
        let is_sick = sick.as_ref().is_some_and(|sick| sick.contains(&free_at));
        let status = if is_sick { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
        if request.answer.send(status).is_err() {
            work.lock().expect("nothing panics under it").dead.push(Instant::now());
        }
    }
}

async fn next(requests: &AsyncMutex<Receiver<Request>>) -> Option<Request> {
    requests.lock().await.recv().await
}
