//! What makes each of the cases beside this one compile.

use std::io;

use seawall::{CircuitBreaker, Error, Retry, Stack};
use tower::{BoxError, Service, ServiceBuilder, service_fn, util::BoxCloneService};

struct Order(u32);

fn serve<S: Service<R>, R>(_: S) {}

async fn get(order: Order) -> Result<String, io::Error> {
    Ok(format!("stock of {}: 7", order.0))
}

async fn fetch(id: u32) -> Result<String, io::Error> {
    get(Order(id)).await
}

fn guard(inner: BoxCloneService<u32, String, BoxError>) {
    let stack = Stack::new().retry(Retry::new("inventory"));
    serve(ServiceBuilder::new().layer(stack.layer().clone_all().keep_error()).service(inner));
}

pub(crate) fn main() {
    let stack = Stack::new().retry(Retry::new("inventory")).circuit_breaker(CircuitBreaker::new("inventory"));
    serve(ServiceBuilder::new().layer(stack.layer().clone_all()).service(service_fn(fetch)));
    let below = ServiceBuilder::new().layer(stack.layer().clone_all().keep_error()).map_err(Error::Inner);
    serve(below.service(service_fn(fetch)));
    let copied = stack.layer().clone_request(|order: &Order| Some(Order(order.0)));
    serve(ServiceBuilder::new().layer(copied).service(service_fn(get)));
    let once = stack.layer().clone_request(|_: &Order| None);
    serve(ServiceBuilder::new().layer(once).service(service_fn(get)));
    serve(ServiceBuilder::new().layer(Retry::new("t").layer().clone_all().any_error()).service(service_fn(fetch)));
    let _ = guard;
}
