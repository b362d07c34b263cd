//! A boxed service that cannot be cloned, below a stack.

use std::io;

use seawall::{Retry, Stack};
use tower::{Service, ServiceBuilder, util::BoxService};

fn serve<S: Service<u32>>(_: S) {}

fn guard(inner: BoxService<u32, String, io::Error>) {
    let stack = Stack::new().retry(Retry::new("inventory"));
    serve(ServiceBuilder::new().layer(stack.layer().clone_all()).service(inner));
}

fn main() {}
