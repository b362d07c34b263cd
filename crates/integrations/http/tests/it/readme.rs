//! What the README shows of axum and reqwest, word for word.

use std::{error::Error, net::SocketAddr, time::Duration};

use axum::{Router, extract::ConnectInfo, routing::get};
use reqwest::Client;
use seawall::{Bulkhead, CircuitBreaker, KeyedRateLimiter, Quota, Retry, Stack, Timeout};
use seawall_http::{
    keys::ClientAddr,
    reqwest::{Health, Transient, hint},
    respond,
};
use tokio::net::TcpListener;

async fn home() -> &'static str {
    "home"
}

/// Ten of a burst are let in, the eleventh is told to come again in a second: a minute's share is 60.
#[tokio::test]
async fn a_server_and_its_client() -> Result<(), Box<dyn Error>> {
    #[rustfmt::skip]
    let client = ClientAddr::in_extension::<ConnectInfo<SocketAddr>>().key(); // of IPv6 the network
    let per_client = KeyedRateLimiter::new("per client", Quota::per_minute(60).burst(10));
    let handlers = Bulkhead::builder("handlers", 256).max_queued(64).max_wait(Duration::from_millis(500)).build();
    #[rustfmt::skip]
    let app = Router::new()
        .route("/", get(home))
        .layer(respond(Timeout::new("handlers", Duration::from_secs(5)).layer())) // 504
        .layer(respond(handlers.layer()))                             // 503
        .layer(respond(per_client.layer(client))); // 429, Retry-After, RateLimit
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, app).await });

    let client = Client::new();
    let url = url.as_str();
    for _ in 0..10 {
        assert_eq!(protected(&client, url).await?, (200, None));
    }
    let refused = client.get(url).send().await?;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    Ok(())
}

async fn protected(client: &Client, url: &str) -> Result<(u16, Option<String>), Box<dyn Error>> {
    let retry = Retry::builder("inventory").classify(Transient).hint(hint); // heeds Retry-After
    let stack = Stack::standard("inventory")
        .set_retry(retry.build())
        .set_circuit_breaker(CircuitBreaker::builder("inventory").classify(Health).build());
    let response = stack.execute(|| client.get(url).send()).await?;
    let wait = response.headers().get("retry-after").map(|wait| wait.to_str().unwrap().to_owned());
    Ok((response.status().as_u16(), wait))
}

/// As the README has it, with a port of its own.
#[allow(dead_code, reason = "it is shown, and the port may be taken")]
async fn served(
    app: axum::extract::connect_info::IntoMakeServiceWithConnectInfo<Router, SocketAddr>,
) -> std::io::Result<()> {
    axum::serve(TcpListener::bind("127.0.0.1:8080").await?, app).await?;
    Ok(())
}
