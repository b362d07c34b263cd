//! A layer goes by the rule of the request's type, unless the layer is told otherwise.

use std::{cell::Cell, io};

use seawall_core::Error;
use seawall_retry::{RepeatRequest, Retry};
use tower::{Layer, ServiceExt, service_fn};

#[derive(Clone, Copy)]
enum Command {
    Read,
    Add,
}

impl RepeatRequest for Command {
    fn repeat(&self) -> Option<Self> {
        matches!(self, Self::Read).then_some(*self)
    }
}

fn retry() -> Retry {
    Retry::builder("t").max_attempts(3).backoff(std::time::Duration::ZERO).build()
}

/// How many attempts a callee sees that always fails.
macro_rules! attempts {
    ($layer:expr, $request:expr) => {{
        let seen = Cell::new(0);
        let callee = service_fn(|_| {
            seen.set(seen.get() + 1);
            async { Err::<(), _>(Error::Inner(io::Error::other("down"))) }
        });
        $layer.layer(callee).oneshot($request).await.unwrap_err();
        seen.get()
    }};
}

#[tokio::test(start_paused = true)]
async fn the_rule_of_the_type_decides_for_each_request() {
    assert_eq!(attempts!(retry().layer(), Command::Read), 3);
    assert_eq!(attempts!(retry().layer(), Command::Add), 1);
}

#[tokio::test(start_paused = true)]
async fn the_layer_can_be_told_to_repeat_every_request_or_some_requests() {
    assert_eq!(attempts!(retry().layer().clone_all(), Command::Add), 3);
    assert_eq!(attempts!(retry().layer().clone_all(), 7), 3);
    assert_eq!(attempts!(retry().layer().clone_request(|_: &Command| None), Command::Read), 1);
}

#[tokio::test(start_paused = true)]
async fn an_http_request_is_repeated_if_its_method_or_its_key_allows() {
    let post = || http::Request::post("/orders");
    assert_eq!(attempts!(retry().layer(), http::Request::new(())), 3);
    assert_eq!(attempts!(retry().layer(), post().body(()).unwrap()), 1);
    assert_eq!(attempts!(retry().layer(), post().header("idempotency-key", "7").body(()).unwrap()), 3);
    let two = post().header("idempotency-key", "7").header("idempotency-key", "8");
    assert_eq!(attempts!(retry().layer(), two.body(()).unwrap()), 1);
    let put = http::Request::put("/orders/7").body(()).unwrap();
    assert_eq!(attempts!(retry().layer(), put), 3);
}
