//! A reqwest client under the standard stack, as plain calls and as a tower service. See `reqwest-client --help`.

mod account;
mod upstream;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use reqwest::{Client, RequestBuilder, Response};
use seawall::retry::Decide;
use seawall::stack::Standard;
use seawall::{Backoff, CircuitBreaker, Retry, Stack, State, Timeout, Trip};
use seawall_http::Idempotent;
use seawall_http::reqwest::{Health, Transient, hint};
use tokio::time;
use tower::{BoxError, ServiceBuilder, ServiceExt};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use account::{Account, claim};
use upstream::{Act, Upstream};

/// A reqwest client that copes with a flaky upstream: the standard stack of policies
/// around calls of `send`, and as a layer around the client.
///
/// The upstream is on loopback, and plays an act for each request: it asks for a
/// pause of a second, closes the connection, hangs, is slow, or is down. The program
/// prints the stack, its policies' `tracing` events, and the end of each call.
#[derive(Parser)]
#[command(name = "reqwest-client", verbatim_doc_comment)]
struct Flags {
    /// Prints only how the calls ended, without the policies' events
    #[arg(long)]
    quiet: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let level = if Flags::parse().quiet { Level::ERROR } else { Level::DEBUG };
    // An opening circuit has the level warn; retried, rejected and cut-off calls have the level debug.
    tracing_subscriber::registry()
        .with(Targets::new().with_target("seawall", level))
        .with(tracing_subscriber::fmt::layer().without_time().with_target(false))
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reqwest-client: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BoxError> {
    let upstream = Upstream::serve().await?;
    let (url, account) = (upstream.url(), Account::of(&upstream));
    // No proxy of the environment: all is on loopback.
    let client = Client::builder().no_proxy().build()?;

    // To reqwest, each response of the upstream is a success. To `Health`, a 500 is a failure, and a 404 is not.
    let breaker =
        CircuitBreaker::builder("inventory").trip(Trip::consecutive(5)).open_for(OPEN_FOR).classify(Health).build();
    breaker.on_event(seawall::tracing);
    let stack = stack(&breaker);
    println!("{}", stack.describe());
    stack.check().iter().for_each(|concern| eprintln!("{concern}"));

    println!("\nplain calls of `send`");
    let get = || stack.execute(|| client.get(&url).send());
    account.call("is well", &[], 1, get()).await.came_to(200)?;
    account.call("resets", &[Act::Reset], 2, get()).await.came_to(200)?;
    account.call("hangs", &[Act::Hang], 2, get()).await.came_to(200)?;
    account.call("is slow", &[Act::Slow(Duration::from_millis(50))], 1, get()).await.came_to(200)?;
    let busy = account.call("is busy for a second", &[Act::Busy(1)], 2, get()).await;
    claim(busy.took() >= Duration::from_secs(1), "the upstream had the pause that it asked for")?;
    busy.came_to(200)?;

    println!("\nthe same stack, as a layer around the client");
    let service = ServiceBuilder::new()
        // Idempotent methods, and requests with an `Idempotency-Key`, may be sent twice. All others are sent once.
        .layer(stack.layer().clone_request(Idempotent::new().by_key()))
        .service(client.clone());
    let send = |request: RequestBuilder| async {
        service.clone().oneshot(request.build().expect("the request is valid")).await
    };
    account.call("resets a GET", &[Act::Reset], 2, send(client.get(&url))).await.came_to(200)?;
    account.call("resets a POST", &[Act::Reset], 1, send(client.post(&url))).await.failed()?;
    let keyed = client.post(&url).header("idempotency-key", "8e03978e");
    account.call("resets one with a key", &[Act::Reset], 2, send(keyed)).await.came_to(200)?;

    println!("\nan outage: both are behind one circuit breaker");
    account.call("fails", &[Act::Fail; 3], 3, get()).await.came_to(500)?;
    account.call("fails", &[Act::Fail; 3], 2, send(client.get(&url))).await.was_refused()?;
    account.call("is not asked", &[Act::Fail], 0, get()).await.was_refused()?;
    time::sleep(OPEN_FOR).await;
    account.call("is well again", &[], 1, get()).await.came_to(200)?;
    claim(breaker.state() == State::Closed, "the circuit closed")
}

/// How long an open circuit rejects calls. Longer than a retry waits, so calls to an open circuit fail at once.
const OPEN_FOR: Duration = Duration::from_millis(1_600);

/// The standard stack, with settings for this upstream.
fn stack(
    breaker: &CircuitBreaker<Health>,
) -> Stack<Standard<impl Decide<Response, reqwest::Error> + Clone + use<>, Health>> {
    let retry = Retry::builder("inventory")
        .backoff(Backoff::exponential(Duration::from_millis(10)))
        .classify(Transient)
        // A busy upstream says in `Retry-After` when to call again; at most a second is obeyed.
        .hint(hint)
        .max_retry_after(Duration::from_secs(1))
        .on_event(seawall::tracing)
        .build();
    let attempt = Timeout::builder("attempt", Duration::from_millis(300)).on_event(seawall::tracing).build();
    Stack::standard("inventory").set_retry(retry).set_circuit_breaker(breaker.clone()).set_attempt_timeout(attempt)
}
