//! tonic clients and servers: deadlines passed on, pushback heeded, an open circuit. See `tonic --help`.

mod guarded;
mod inventory;
mod stores;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use seawall::{Deadline, Quota, RateLimiter};
use seawall_http::GrpcCode;
use seawall_http::tonic::code;
use tower::BoxError;

use inventory::Item;
use stores::{Shop, Warehouse, connect, serve};

/// tonic clients and servers that keep each other's limits.
///
/// A shop and its warehouse are on loopback. First a call's deadline goes from server
/// to server. Then the warehouse answers four calls a second and says when to call
/// again, and the client does. Then it is down, and a circuit breaker stops the calls.
#[derive(Parser)]
#[command(name = "tonic", verbatim_doc_comment)]
struct Flags {
    /// How much time the caller of the shop has, in milliseconds, 200 to 2000
    #[arg(long, value_name = "MS", default_value_t = 400, value_parser = clap::value_parser!(u64).range(200..=2000))]
    deadline: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Duration::from_millis(Flags::parse().deadline)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tonic: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(time: Duration) -> Result<(), BoxError> {
    deadlines(time).await?;
    println!();
    guarded::calls().await
}

/// The caller says how long it waits, and no server works for longer.
async fn deadlines(time: Duration) -> Result<(), BoxError> {
    let wide = RateLimiter::new("requests", Quota::per_second(1000));
    let warehouse = Warehouse::default();
    let client = connect(serve(warehouse.clone(), &wide)?).await?;
    let mut shop = connect(serve(Shop { warehouse: client }, &wide)?).await?;

    println!("a caller has {} ms", time.as_millis());
    let stock = Deadline::after(time).scope(shop.stock(item("shovel"))).await?.into_inner();
    println!("  there are {} shovels", stock.pieces);
    let is_passed_on = warehouse.left().is_some_and(|left| left <= time - Shop::WORK);
    claim(is_passed_on, "the warehouse knows the remaining time of the caller")?;

    println!("the same, for an item that is never found");
    let began = Instant::now();
    let status = Deadline::after(time).scope(shop.stock(item("lost"))).await.err().ok_or("it was found")?;
    // tonic obeys `grpc-timeout` too, on both sides, and says CANCELLED. `code` tells which side ended the call.
    let code = code(&status);
    println!("  {} after {} ms: {}", code.name(), began.elapsed().as_millis(), status.message());
    claim(matches!(code, GrpcCode::DeadlineExceeded | GrpcCode::Cancelled), "the call was cut off at its deadline")
}

fn item(name: &str) -> Item {
    Item { name: name.to_owned() }
}

fn claim(holds: bool, what: &str) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(format!("this did not happen: {what}").into()) }
}
