//! A request of which there is no copy, in a stack with a retry.

use std::io;

use seawall::{Retry, Stack};
use tower::{Service, ServiceBuilder, service_fn};

struct Order(u32);

fn serve<S: Service<Order>>(_: S) {}

async fn get(order: Order) -> Result<String, io::Error> {
    Ok(format!("stock of {}: 7", order.0))
}

fn main() {
    let stack = Stack::new().retry(Retry::new("inventory"));
    serve(ServiceBuilder::new().layer(stack.layer()).service(service_fn(get)));
}
