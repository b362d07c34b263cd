//! A retry's layer over an error that does not show rejections.

use std::io;

use seawall::Retry;
use tower::{Service, ServiceBuilder, service_fn};

fn serve<S: Service<u32>>(_: S) {}

async fn get(id: u32) -> Result<String, io::Error> {
    Ok(format!("stock of {id}: 7"))
}

fn main() {
    serve(ServiceBuilder::new().layer(Retry::new("inventory").layer().clone_all()).service(service_fn(get)));
}
