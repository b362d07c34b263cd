//! A layer over a service whose error has no place for a rejection, handed to someone who wants a service.

use std::io;

use seawall::CircuitBreaker;
use tower::{Service, ServiceBuilder, service_fn};

fn serve<S: Service<u32>>(_: S) {}

async fn get(id: u32) -> Result<String, io::Error> {
    Ok(format!("stock of {id}: 7"))
}

fn main() {
    let breaker = CircuitBreaker::new("inventory");
    serve(ServiceBuilder::new().layer(breaker.layer()).service(service_fn(get)));
}
