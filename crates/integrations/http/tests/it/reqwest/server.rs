use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// Answers with that status.
    Status(u16),
    /// Answers with that status, and a header.
    With(u16, &'static str, &'static str),
    /// Reads the request, and closes the connection.
    Reset,
    /// Answers, and closes the connection in the midst of the body.
    CutBody,
    /// Never answers.
    Hang,
}

/// A server that acts by a script, and then answers 200.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    acts: VecDeque<Act>,
    seen: Vec<Seen>,
}

/// A request that reached the server.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) body: Bytes,
    pub(crate) at: Instant,
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

impl Server {
    pub(crate) async fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(Script { acts: acts.into_iter().collect(), seen: Vec::new() }));
        let shared = script.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, shared.clone()));
            }
        });
        Self { addr, script }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/7", self.addr)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.lock().unwrap().seen.clone()
    }

    /// How many requests it has seen.
    pub(crate) fn count(&self) -> usize {
        self.script.lock().unwrap().seen.len()
    }

    /// How long after the one before it the last request came.
    pub(crate) fn last_gap(&self) -> Duration {
        let seen = self.seen();
        let [.., before, last] = &seen[..] else { panic!("there were {} requests", seen.len()) };
        last.at - before.at
    }
}

async fn serve(socket: TcpStream, script: Arc<Mutex<Script>>) {
    let service = service_fn(|request| answer(request, &script));
    // An error is what the script asked for, or a client that has gone.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

async fn answer(request: Request<Incoming>, script: &Mutex<Script>) -> io::Result<Response<Body>> {
    let at = Instant::now();
    let method = request.method().to_string();
    let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let act = {
        let mut script = script.lock().unwrap();
        script.seen.push(Seen { method, body, at });
        script.acts.pop_front().unwrap_or(Act::Status(200))
    };
    let whole = |text: &'static str| Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    match act {
        Act::Status(status) => Ok(Response::builder().status(status).body(whole("stock: 7")).unwrap()),
        Act::With(status, name, value) => {
            Ok(Response::builder().status(status).header(name, value).body(whole("")).unwrap())
        }
        Act::Reset => Err(io::Error::other("as the script says")),
        Act::CutBody => {
            let begin = stream::iter([Ok(Frame::data(Bytes::from("stock")))]);
            // Later, so that the head and what there is of the body have been sent.
            let end = stream::once(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(io::Error::other("as the script says"))
            });
            Ok(Response::new(StreamBody::new(begin.chain(end)).boxed_unsync()))
        }
        Act::Hang => std::future::pending::<Result<_, Infallible>>().await.map_err(|never| match never {}),
    }
}
