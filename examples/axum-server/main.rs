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

/// An axum server that limits each client, sheds load above its capacity, and cuts
/// off slow calls. Rejections are 429, 503 and 504, with Retry-After and RateLimit
/// fields.
///
/// Without an address the server listens on loopback, and a greedy and a polite
/// client call it for a second. The program prints their responses, and a rejection
/// as it came over the wire.
#[derive(Parser)]
#[command(name = "axum-server", verbatim_doc_comment)]
struct Flags {
    /// Serves /report, and /stuck without an answer, at this address until ctrl-c
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
    // This puts the client's address into the requests' extensions.
    let app = app().into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        // Without a handler for ctrl-c, the server would end only by force.
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

/// The app in its layers; the last layer is the outermost. A client above its limit occupies no room, and a call without
/// room occupies no time.
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

/// The client of a request: its address together with its key. By the address alone, all clients behind one NAT would be
/// the same client. By the key alone, a client could invent a new key for each call.
type Client = (IpAddr, TextKey);

async fn report() -> &'static str {
    // The time that a report takes.
    time::sleep(Duration::from_millis(50)).await;
    "42\n"
}
