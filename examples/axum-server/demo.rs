//! Two clients of the server, and their responses.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use axum::BoxError;
use axum::http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

/// Both clients call for a second. The greedy client makes 30 calls at once, again and again. The polite client makes a
/// call now and then, and last a call that never gets an answer.
pub(crate) async fn play(server: SocketAddr) -> Result<(), BoxError> {
    let (greedy, polite) = (Caller::new(server, "greedy"), Caller::new(server, "polite"));
    let end = Instant::now() + Duration::from_secs(1);
    let greed = async {
        let mut account = Account::default();
        while Instant::now() < end {
            let mut calls = JoinSet::new();
            for _ in 0..30 {
                let greedy = greedy.clone();
                calls.spawn(async move { greedy.get("/report").await.expect("the server is up") });
            }
            calls.join_all().await.into_iter().for_each(|answer| account.add(answer));
            time::sleep(Duration::from_millis(100)).await;
        }
        account
    };
    let manners = async {
        let mut account = Account::default();
        while Instant::now() < end {
            time::sleep(Duration::from_millis(150)).await;
            account.add(polite.get("/report").await?);
        }
        account.add(polite.get("/stuck").await?);
        Ok::<_, BoxError>(account)
    };
    let (greedy, polite) = tokio::join!(greed, manners);
    let polite = polite?;
    println!("greedy: {greedy}\npolite: {polite}");
    println!("\na rejection, as the greedy client got it:\n{}", greedy.refusal.as_deref().unwrap_or("none"));

    claim(greedy.of(StatusCode::TOO_MANY_REQUESTS) > 0, "the greedy client was limited")?;
    claim(greedy.of(StatusCode::SERVICE_UNAVAILABLE) > 0, "calls without room were shed")?;
    claim(polite.of(StatusCode::TOO_MANY_REQUESTS) == 0, "the polite client was not limited")?;
    claim(polite.of(StatusCode::OK) > 0, "the polite client was served")?;
    claim(polite.of(StatusCode::GATEWAY_TIMEOUT) == 1, "the call without an answer was cut off")
}

/// A client with the key that it sends to the server. Clones share the connections.
#[derive(Clone)]
struct Caller {
    client: Client<HttpConnector, Empty<Bytes>>,
    server: SocketAddr,
    key: &'static str,
}

impl Caller {
    fn new(server: SocketAddr, key: &'static str) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), server, key }
    }

    async fn get(&self, path: &str) -> Result<Response<Incoming>, BoxError> {
        let uri = format!("http://{}{path}", self.server);
        let request = Request::get(uri).header("x-api-key", self.key).body(Empty::new())?;
        let mut response = self.client.request(request).await?;
        // Read to its end, because the connection could not be used again otherwise.
        while response.body_mut().frame().await.transpose()?.is_some() {}
        Ok(response)
    }
}

/// A client's responses, counted.
#[derive(Default)]
struct Account {
    statuses: BTreeMap<StatusCode, u32>,
    refusal: Option<String>,
}

impl Account {
    fn add<B>(&mut self, answer: Response<B>) {
        *self.statuses.entry(answer.status()).or_default() += 1;
        if self.refusal.is_none() && answer.status() == StatusCode::TOO_MANY_REQUESTS {
            self.refusal = Some(head(&answer));
        }
    }

    fn of(&self, status: StatusCode) -> u32 {
        self.statuses.get(&status).copied().unwrap_or_default()
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:3} calls", self.statuses.values().sum::<u32>())?;
        self.statuses.iter().try_for_each(|(status, count)| write!(f, ", {count} x {status}"))
    }
}

/// Returns a response's head as it came over the wire.
fn head<B>(answer: &Response<B>) -> String {
    let mut head = format!("  {:?} {}", answer.version(), answer.status());
    for (name, value) in answer.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        write!(head, "\n  {name}: {value}").expect("a string takes all");
    }
    head
}

fn claim(holds: bool, what: &str) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(format!("this did not happen: {what}").into()) }
}
