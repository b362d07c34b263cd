//! A hyper client as a tower service, under the standard stack, against a flaky server. See `hyper-client --help`.

mod flaky;
mod tally;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use seawall::{Backoff, CircuitBreaker, Retry, Stack, Timeout, Trip, Window};
use seawall_http::Statuses;
use tokio::task::JoinSet;
use tokio::time;
use tower::{BoxError, ServiceBuilder, ServiceExt};

use flaky::Flaky;
use tally::Tally;

/// A hyper client that copes with a flaky server: the standard stack of policies, as
/// a layer around the client, with some settings for this server.
///
/// The server is on loopback. First it fails now and then, then it is down, then it
/// is well. The program prints the stack, the circuit breaker's changes, and the
/// numbers of calls and attempts.
#[derive(Parser)]
#[command(name = "hyper-client", verbatim_doc_comment)]
struct Flags {
    /// How many seconds it runs, 1 to 600; the server is down for a quarter
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Duration::from_secs(Flags::parse().seconds)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hyper-client: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(time: Duration) -> Result<(), BoxError> {
    let (server, tally, began) = (Flaky::serve(time).await?, Tally::default(), Instant::now());

    let breaker = CircuitBreaker::builder("flaky")
        .trip(Trip::failure_rate(0.5).over(Window::time(time / 10)).min_calls(20))
        .open_for(time / 20)
        // To hyper, each response of the server is a success.
        .classify(Statuses::health())
        .build();
    breaker.on_event(move |event| {
        // The other events are the rejected calls.
        if event.change().is_some() {
            println!("{:5} ms: {event}", began.elapsed().as_millis());
        }
    });
    let retry = Retry::builder("flaky")
        .backoff(Backoff::exponential(Duration::from_millis(10)))
        // The retry does not wait for an open circuit.
        .max_rejection_wait(Duration::ZERO)
        .classify(Statuses::transient())
        .on_event(tally.observer())
        .build();
    let stack = Stack::standard("flaky")
        .set_retry(retry)
        .set_circuit_breaker(breaker.clone())
        .set_attempt_timeout(Timeout::new("flaky.attempt", Duration::from_millis(200)));
    println!("{}\n", stack.describe());
    stack.check().iter().for_each(|concern| eprintln!("{concern}"));

    let client = ServiceBuilder::new()
        // The rule of `http::Request` sends a `POST` once: the server may have done the work although no answer came.
        .layer(stack.layer())
        // Inside the policies, so that they see how bodies end: a head may come in time, and its body never.
        .and_then(whole)
        .service(Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>());

    let mut workers = JoinSet::new();
    for worker in 0..8 {
        let (client, tally, uri) = (client.clone(), tally.clone(), server.uri());
        workers.spawn(async move {
            let method = if worker == 0 { Method::POST } else { Method::GET };
            while began.elapsed() < time {
                let request = Request::builder().method(&method).uri(&uri).body(Empty::new());
                let request = request.expect("each part of the request is valid");
                tally.add(&method, &client.clone().oneshot(request).await);
                time::sleep(Duration::from_millis(10)).await;
            }
        });
    }
    workers.join_all().await;
    tally.account(&server, &breaker)
}

/// Reads a response to its end.
async fn whole(response: Response<Incoming>) -> Result<Response<Bytes>, BoxError> {
    let (head, body) = response.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}
