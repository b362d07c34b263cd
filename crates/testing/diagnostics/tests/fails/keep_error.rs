//! A stack that keeps the error of a service whose error has no place for a rejection.

use std::io;

use seawall::{CircuitBreaker, Stack};
use tower::{Service, ServiceBuilder, service_fn};

fn serve<S: Service<u32>>(_: S) {}

async fn get(id: u32) -> Result<String, io::Error> {
    Ok(format!("stock of {id}: 7"))
}

fn main() {
    let stack = Stack::new().circuit_breaker(CircuitBreaker::new("inventory"));
    serve(ServiceBuilder::new().layer(stack.layer().keep_error()).service(service_fn(get)));
}
