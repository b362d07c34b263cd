//! An axum server with limits per client and for all. See `axum-server --help`.

mod demo;

use std::future::{self, IntoFuture};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::HeaderName;
use axum::routing::get;
use axum::{BoxError, Router};
use clap::Parser;
use seawall::{Bulkhead, KeyedRateLimiter, Quota, Timeout};
use seawall_http::keys::{ClientAddr, HeaderKey, TextKey, both};
use seawall_http::respond;
use tokio::net::TcpListener;
use tokio::{signal, time};

/// An axum server that limits each client, sheds what is too much, and gives up
/// what takes too long. Refusals are 429, 503 and 504, with Retry-After and
/// RateLimit fields.
///
/// Without an address it listens on loopback, and two clients call it for a second:
/// a greedy one and a polite one. What they got is printed, and one refusal as it
/// came over the wire.
#[derive(Parser)]
#[command(name = "axum-server", verbatim_doc_comment)]
struct Flags {
    /// Serves at this address, until ctrl-c: /report, and /stuck, which never answers
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("axum-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: &Flags) -> Result<(), BoxError> {
    let listener = TcpListener::bind(flags.listen.unwrap_or((Ipv4Addr::LOCALHOST, 0).into())).await?;
    let address = listener.local_addr()?;
    println!("listening on {address}");
    // The client's address is in the requests' extensions by this.
    let app = app().into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        // Without a handler for it there is no end but by force.
        let _ = signal::ctrl_c().await;
    });
    if flags.listen.is_some() {
        return Ok(server.await?);
    }
    let server = tokio::spawn(server.into_future());
    let account = time::timeout(Duration::from_secs(10), demo::play(address)).await;
    server.abort();
    account?
}

/// The layers, from the last one, which comes first: who is over his limit takes no room, and who finds no room takes no
/// time.
fn app() -> Router {
    let per_client = KeyedRateLimiter::<Client>::new("per client", Quota::per_second(20).burst(20));
    let client = both(
        ClientAddr::in_extension::<ConnectInfo<SocketAddr>>().key(),
        HeaderKey::new(HeaderName::from_static("x-api-key")).key(),
    );
    let room = Bulkhead::builder("reports", 4).max_queued(8).max_wait(Duration::from_millis(500)).build();
    let timeout = Timeout::new("handlers", Duration::from_millis(300));
    Router::new()
        .route("/report", get(report))
        .route("/stuck", get(future::pending::<&str>))
        .layer(respond(timeout.layer()))
        .layer(respond(room.layer()))
        .layer(respond(per_client.layer(client)))
}

/// Whose request it is: of an address, and there of a key. An address alone would make all behind one NAT the same
/// client, and a key alone could be made up anew for each call.
type Client = (IpAddr, TextKey);

async fn report() -> &'static str {
    // As long as it takes to make one.
    time::sleep(Duration::from_millis(50)).await;
    "42\n"
}
