//! Two clients of the server, and what they got.

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

/// Both call for a second: the greedy one 30 at once, again and again, the polite one now and then, and in the end
/// for what never answers.
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
    println!("\none refusal, as the greedy one got it:\n{}", greedy.refusal.as_deref().unwrap_or("none"));

    claim(greedy.of(StatusCode::TOO_MANY_REQUESTS) > 0, "the greedy one was limited")?;
    claim(greedy.of(StatusCode::SERVICE_UNAVAILABLE) > 0, "what there was no room for was shed")?;
    claim(polite.of(StatusCode::TOO_MANY_REQUESTS) == 0, "the polite one was not limited")?;
    claim(polite.of(StatusCode::OK) > 0, "the polite one was served")?;
    claim(polite.of(StatusCode::GATEWAY_TIMEOUT) == 1, "what never answers was given up")
}

/// A client, and the key by which the server knows it; clones share the connections.
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
        // Read to its end, or the connection could not be used again.
        while response.body_mut().frame().await.transpose()?.is_some() {}
        Ok(response)
    }
}

/// What a client got.
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

/// A response's head as it came over the wire.
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
