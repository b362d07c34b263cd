//! What tonic's build script would generate of
//!
//! ```proto
//! package inventory;
//! service Inventory { rpc Stock(Item) returns (Quantity); }
//! message Item { string name = 1; }
//! message Quantity { uint32 pieces = 1; }
//! ```
//!
//! so that the example needs no protoc. This code is shorter, but is used in the same way.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use prost::Message;
use tonic::body::Body;
use tonic::client::{Grpc, GrpcService};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{Body as HttpBody, Bytes, Service, StdError, http};
use tonic::server::{self, NamedService, UnaryService};
use tonic::{Request, Response, Status, async_trait};
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Item {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Quantity {
    #[prost(uint32, tag = "1")]
    pub(crate) pieces: u32,
}

#[async_trait]
pub(crate) trait Inventory: Send + Sync + 'static {
    async fn stock(&self, request: Request<Item>) -> Result<Response<Quantity>, Status>;
}

// ===== Client =====

#[derive(Clone)]
pub(crate) struct InventoryClient<T> {
    inner: Grpc<T>,
}

impl<T> InventoryClient<T>
where
    T: GrpcService<Body, Error: Into<StdError>>,
    T::ResponseBody: HttpBody<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
{
    pub(crate) fn new(inner: T) -> Self {
        Self { inner: Grpc::new(inner) }
    }

    pub(crate) async fn stock(&mut self, request: Item) -> Result<Response<Quantity>, Status> {
        self.inner.ready().await.map_err(|error| Status::unknown(error.into().to_string()))?;
        let path = PathAndQuery::from_static("/inventory.Inventory/Stock");
        self.inner.unary(Request::new(request), path, ProstCodec::default()).await
    }
}

// ===== Server =====

pub(crate) struct InventoryServer<T> {
    inner: Arc<T>,
}

impl<T> InventoryServer<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self { inner: Arc::new(inner) }
    }
}

impl<T> Clone for InventoryServer<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T> NamedService for InventoryServer<T> {
    const NAME: &'static str = "inventory.Inventory";
}

type BoxFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl<T: Inventory> UnaryService<Item> for InventoryServer<T> {
    type Response = Quantity;
    type Future = BoxFuture<Response<Quantity>, Status>;

    fn call(&mut self, request: Request<Item>) -> Self::Future {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { inner.stock(request).await })
    }
}

impl<T: Inventory> Service<http::Request<Body>> for InventoryServer<T> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<http::Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move {
            match request.uri().path() {
                "/inventory.Inventory/Stock" => {
                    Ok(server::Grpc::new(ProstCodec::default()).unary(server, request).await)
                }
                _ => Ok(Status::unimplemented("").into_http()),
            }
        })
    }
}
