//! A client that calls again when the server says so, and does not call a server that is down.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use seawall::retry::{Decide, EventKind};
use seawall::{Attempt, CircuitBreaker, Hint, Quota, RateLimiter, Retry, Stack, State, Timeout, Trip};
use seawall_http::GrpcCodes;
use seawall_http::tonic::{hint, into_status};
use tokio::time;
use tonic::{Code, Response, Status};
use tower::BoxError;

use crate::inventory::Quantity;
use crate::stores::{Warehouse, connect, serve};
use crate::{claim, item};

pub(crate) async fn calls() -> Result<(), BoxError> {
    let warehouse = Warehouse::default();
    let limiter = RateLimiter::new("requests", Quota::per_second(4).burst(1));
    let client = connect(serve(warehouse.clone(), &limiter)?).await?;

    let heeded = Arc::new(AtomicUsize::new(0));
    let breaker = CircuitBreaker::builder("warehouse")
        .trip(Trip::consecutive(3))
        .open_for(OPEN_FOR)
        // Too many calls are not the server's fault; to be unavailable is.
        .classify(GrpcCodes::health())
        .build();
    breaker.on_event(|event| println!("  {event}"));
    let stack = Stack::new()
        .timeout(Timeout::builder("call", Duration::from_secs(2)).build())
        .retry(retry(&heeded))
        .circuit_breaker(breaker.clone())
        .timeout(Timeout::builder("attempt", Duration::from_millis(500)).build());
    println!("{}", stack.describe());
    stack.check().iter().for_each(|concern| eprintln!("{concern}"));
    let call = async || {
        let result = stack.execute(|| {
            // A generated client is called by `&mut`, so each attempt has its own client. They share the connection.
            let mut client = client.clone();
            async move { client.stock(item("shovel")).await }
        });
        let began = Instant::now();
        // A rejection becomes the matching status, for callers that only know statuses.
        let status = result.await.map_err(into_status).map_or_else(|status| status, |_| Status::ok("there are some"));
        println!("{:?} after {} ms, {:?}", status.code(), began.elapsed().as_millis(), status.message());
        status.code()
    };

    println!("\nthe warehouse takes 4 calls a second, and is called at once");
    for _ in 0..3 {
        claim(call().await == Code::Ok, "a call came through")?;
    }
    let refused = limiter.snapshot().rejected();
    claim(refused > 0, "the server rejected calls")?;
    claim(heeded.load(Relaxed) as u64 == refused, "each call was repeated exactly when the server said")?;

    println!("\nit is down");
    limiter.set_quota(Quota::per_second(1000));
    warehouse.is_down(true);
    claim(call().await == Code::Unavailable, "a call failed")?;
    let requests = warehouse.requests();
    claim(call().await == Code::Unavailable && warehouse.requests() == requests, "the warehouse got no call")?;

    println!("\nit is back");
    warehouse.is_down(false);
    time::sleep(OPEN_FOR).await;
    claim(call().await == Code::Ok && breaker.state() == State::Closed, "the circuit closed")
}

const OPEN_FOR: Duration = Duration::from_millis(600);

/// Repeats calls that the server has not worked on, and counts the calls that waited exactly as long as it asked.
fn retry(heeded: &Arc<AtomicUsize>) -> Retry<impl Decide<Response<Quantity>, Status> + use<>> {
    let (heeded, asked) = (Arc::clone(heeded), Arc::new(Mutex::new(None)));
    let said = Arc::clone(&asked);
    Retry::builder("warehouse")
        .backoff(Duration::from_millis(20))
        .classify(GrpcCodes::transient())
        // The server's `grpc-retry-pushback-ms` says when to call again, and replaces the backoff. `.hint(hint)` would be enough;
        // this hint also prints the pushback.
        .hint(move |attempt: &Attempt, result: &Result<Response<Quantity>, Status>| {
            let hint = hint(attempt, result);
            if let (Hint::Exactly(wait), Err(status)) = (hint, result) {
                println!("  the server: {}, call again in {wait:?}", status.message());
                *said.lock().unwrap_or_else(PoisonError::into_inner) = Some(wait);
            }
            hint
        })
        // The retry does not wait for an open circuit.
        .max_rejection_wait(Duration::ZERO)
        .on_event(move |event| {
            println!("  {event}");
            if let EventKind::Retrying { wait, .. } = event.kind()
                && asked.lock().unwrap_or_else(PoisonError::into_inner).take() == Some(*wait)
            {
                heeded.fetch_add(1, Relaxed);
            }
        })
        .build()
}
