//! A retry around an HTTP client repeats a request only if the request may be repeated: a real server counts the orders.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, Error as ClientError, connect::HttpConnector},
    rt::TokioExecutor,
};
use seawall::{Backoff, Budget, Error, Retry, Stack};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};
use tower::{Layer, Service, ServiceExt};

type Order = Request<Full<Bytes>>;

/// A server that takes each order and then drops the connection without an answer.
struct Shop {
    uri: String,
    orders: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Shop {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/orders", listener.local_addr().unwrap());
        let orders = Arc::new(AtomicU32::new(0));
        let taken = Arc::clone(&orders);
        let task = tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut seen = Vec::new();
                while !seen.ends_with(b"one book") {
                    assert_ne!(connection.read_buf(&mut seen).await.unwrap(), 0, "the client sends all of the order");
                }
                taken.fetch_add(1, Ordering::SeqCst);
                let _ = connection.shutdown().await;
            }
        });
        Self { uri, orders, task }
    }

    fn order(&self, method: Method, key: Option<&str>) -> Order {
        let order = Request::builder().method(method).uri(&self.uri);
        let order = key.into_iter().fold(order, |order, key| order.header("idempotency-key", key));
        order.body(Full::from("one book")).unwrap()
    }

    /// How many orders the shop has taken once `service` has given up one order.
    async fn takes<S>(&self, service: S, order: Order) -> u32
    where
        S: Service<Order, Response = Response<Incoming>>,
    {
        assert!(service.oneshot(order).await.is_err(), "the shop never answers");
        self.orders.swap(0, Ordering::SeqCst)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http()
}

/// Three attempts without a wait that anyone would notice.
fn retry() -> Retry {
    let backoff = Backoff::exponential(Duration::from_millis(1)).max(Duration::from_millis(1));
    Retry::builder("shop").max_attempts(3).backoff(backoff).budget(Budget::ratio(1.0).floor(1000)).build()
}

#[tokio::test]
async fn a_retry_layer_sends_a_post_once() {
    let shop = Shop::open().await;
    let service = retry().layer().layer(client().map_err(Error::<ClientError>::Inner));
    assert_eq!(shop.takes(service, shop.order(Method::POST, None)).await, 1);
}

#[tokio::test]
async fn the_standard_stack_sends_a_post_once() {
    let shop = Shop::open().await;
    let service = Stack::standard("shop").set_retry(retry()).layer().layer(client());
    assert_eq!(shop.takes(service, shop.order(Method::POST, None)).await, 1);
}

#[tokio::test]
async fn an_idempotent_method_or_a_key_lets_the_layer_repeat_a_request() {
    let shop = Shop::open().await;
    let layers = || (retry().layer(), Stack::standard("shop").set_retry(retry()).layer());
    for (method, key, orders) in [
        (Method::GET, None, 3),
        (Method::PUT, None, 3),
        (Method::DELETE, None, 3),
        (Method::POST, Some("8e03978e"), 3),
        (Method::PATCH, Some("8e03978e"), 3),
        (Method::POST, Some(" "), 1),
        (Method::PATCH, None, 1),
    ] {
        let (alone, stack) = layers();
        let service = alone.layer(client().map_err(Error::<ClientError>::Inner));
        assert_eq!(shop.takes(service, shop.order(method.clone(), key)).await, orders, "{method}, {key:?}");
        let service = stack.layer(client());
        assert_eq!(shop.takes(service, shop.order(method.clone(), key)).await, orders, "{method}, {key:?}, in a stack");
    }
}

#[tokio::test]
async fn every_request_is_repeated_if_the_layer_is_told_so() {
    let shop = Shop::open().await;
    let service = retry().layer().clone_all().layer(client().map_err(Error::<ClientError>::Inner));
    assert_eq!(shop.takes(service, shop.order(Method::POST, None)).await, 3);
    let service = Stack::standard("shop").set_retry(retry()).layer().clone_all().layer(client());
    assert_eq!(shop.takes(service, shop.order(Method::POST, None)).await, 3);
}
