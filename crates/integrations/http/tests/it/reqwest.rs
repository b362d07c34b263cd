//! `reqwest` clients under our policies, against a server on a real socket that fails as it is told.

mod lasting;
mod layers;
mod plain;
mod server;

use std::time::Duration;

use http::HeaderMap;
use reqwest::Client;
use seawall::{Backoff, Budget, Hint, Retry, retry::Builder};

/// A client that opens a connection for each request, so that no attempt meets the end of an earlier one.
fn client() -> Client {
    Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap()
}

/// A retry that waits for a millisecond, and has what it needs to do so.
fn quick() -> Builder {
    Retry::builder("inventory").backoff(Backoff::constant(MILLISECOND)).budget(Budget::unlimited())
}

/// A hint as some servers give it, and shorter than a second, as these tests wait for it.
fn retry_after_ms(headers: &HeaderMap) -> Hint {
    let millis = headers.get("retry-after-ms").and_then(|value| value.to_str().ok()?.parse().ok());
    millis.map_or(Hint::None, |millis| Hint::After(Duration::from_millis(millis)))
}

const MILLISECOND: Duration = Duration::from_millis(1);
