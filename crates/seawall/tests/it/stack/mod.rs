//! The stack, as its users call it.
mod blame;
mod endings;
mod meaning;
mod pairs;
mod reached;
mod same;
mod support;

use std::{cell::Cell, io, mem::size_of_val, sync::Arc, time::Duration};

use seawall::{Bulkhead, CircuitBreaker, Error, Quota, RateLimiter, Retry, Stack, Timeout};
use tower::{Layer, Service, ServiceExt, service_fn};

type Five = Stack<(RateLimiter, (Timeout, (Retry, (CircuitBreaker, (Bulkhead, ())))))>;

fn five() -> Five {
    Stack::new()
        .rate_limit(RateLimiter::new("five", Quota::per_second(1_000).burst(100)))
        .timeout(Timeout::new("timeout", Duration::from_secs(10)))
        .retry(Retry::new("five"))
        .circuit_breaker(CircuitBreaker::new("five"))
        .bulkhead(Bulkhead::new("five", 10))
}

async fn fetch(client: &str, url: &str) -> Result<usize, io::Error> {
    tokio::task::yield_now().await;
    Ok(client.len() + url.len())
}

async fn handler(stack: Arc<Five>) -> Result<usize, Error<io::Error>> {
    let (client, url) = (String::from("c"), String::from("u"));
    stack.execute(|| fetch(&client, &url)).await
}

#[tokio::test(start_paused = true)]
async fn a_call_that_borrows_can_be_spawned() {
    assert_eq!(tokio::spawn(handler(Arc::new(five()))).await.unwrap().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stack_behind_an_arc_can_be_spawned() {
    let stack = Arc::new(five());
    let task = tokio::spawn(async move { stack.execute(|| async { Ok::<_, io::Error>(1) }).await });
    assert_eq!(task.await.unwrap().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_made_again_inside_of_the_retry() {
    let (stack, calls) = (five(), Cell::new(0));
    let result = stack
        .execute(|| {
            calls.set(calls.get() + 1);
            let made = calls.get();
            async move { if made < 3 { Err(io::Error::other("busy")) } else { Ok(made) } }
        })
        .await;
    assert_eq!(result.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_service_too() {
    let stack = five();
    let service = stack.layer().clone_all().layer(service_fn(|n: u32| async move { Ok::<_, io::Error>(n + 1) }));
    assert_eq!(service.oneshot(1).await.unwrap(), 2);
}

#[tokio::test]
async fn sizes() {
    let stack = five();
    let ready = || std::future::ready(Ok::<u64, io::Error>(1));
    println!("execute {}", size_of_val(&stack.execute(ready)));
    let mut service = stack.layer().clone_all().layer(service_fn(|_: ()| std::future::ready(Ok::<u64, io::Error>(1))));
    println!("service {}", size_of_val(&service.ready().await.unwrap().call(())));
}
