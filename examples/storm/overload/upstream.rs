//! A server of fixed capacity, which works on whatever has come.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::Response;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use super::{SERVERS, SERVICE};
use crate::server::Server;

pub(super) struct Upstream {
    server: Server,
    work: Arc<Mutex<Work>>,
}

/// What it has done so far.
#[derive(Default)]
pub(super) struct Work {
    /// Requests that have come.
    pub(super) reached: u64,
    /// Answers that nobody waited for.
    pub(super) dead: Vec<Instant>,
}

struct Request {
    came: Instant,
    answer: oneshot::Sender<()>,
}

impl Upstream {
    pub(super) async fn bind() -> io::Result<Self> {
        Ok(Self { server: Server::bind().await?, work: Arc::default() })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(super) fn work(&self) -> Arc<Mutex<Work>> {
        Arc::clone(&self.work)
    }

    /// Answers until it is dropped.
    pub(super) async fn serve(self) -> Infallible {
        let Self { server, work } = self;
        // Without a bound, and what is in it stays when its client goes: as in the listen and socket buffers, thread pools
        // and databases of real servers.
        let (queue, requests) = mpsc::unbounded_channel();
        let requests = Arc::new(AsyncMutex::new(requests));
        let mut servers = JoinSet::new();
        for _ in 0..SERVERS {
            servers.spawn(answer(Arc::clone(&requests), Arc::clone(&work)));
        }
        server
            .serve(move || {
                work.lock().expect("nothing panics under it").reached += 1;
                let (answer, answered) = oneshot::channel();
                // Fails only when the servers are gone, and then there is no answer either.
                let _ = queue.send(Request { came: Instant::now(), answer });
                async move { answered.await.map(|()| Response::new(Full::from("overload\n"))) }
            })
            .await
    }
}

/// One of its servers: takes the next request, whoever may still wait for it.
async fn answer(requests: Arc<AsyncMutex<mpsc::UnboundedReceiver<Request>>>, work: Arc<Mutex<Work>>) {
    let mut free_at = Instant::now();
    while let Some(request) = next(&requests).await {
        // From when it could have begun: timers are late by a millisecond, which must not cost capacity.
        free_at = free_at.max(request.came) + SERVICE;
        time::sleep_until(free_at).await;
        if request.answer.send(()).is_err() {
            work.lock().expect("nothing panics under it").dead.push(Instant::now());
        }
    }
}

async fn next(requests: &AsyncMutex<mpsc::UnboundedReceiver<Request>>) -> Option<Request> {
    requests.lock().await.recv().await
}
