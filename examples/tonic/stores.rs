//! Two servers: a shop, which asks a warehouse.

use std::future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seawall::{Deadline, RateLimiter, Timeout};
use seawall_http::{ReadDeadlineLayer, WriteDeadline, WriteDeadlineLayer, grpc_respond};
use tokio::time;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, async_trait};
use tower::{BoxError, Layer, ServiceBuilder};

use crate::inventory::{Inventory, InventoryClient, InventoryServer, Item, Quantity};

/// A client whose calls carry their remaining time.
pub(crate) type Client = InventoryClient<WriteDeadline<Channel>>;

/// Connects to a server.
pub(crate) async fn connect(address: SocketAddr) -> Result<Client, BoxError> {
    let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
    Ok(InventoryClient::new(WriteDeadlineLayer::grpc().layer(channel)))
}

/// Serves on loopback, until the process ends.
pub(crate) fn serve(inventory: impl Inventory, limiter: &RateLimiter) -> io::Result<SocketAddr> {
    let incoming = TcpIncoming::bind((Ipv4Addr::LOCALHOST, 0).into())?.with_nodelay(Some(true));
    let address = incoming.local_addr()?;
    let layers = ServiceBuilder::new()
        // The caller's time, cut to 5 s, is the deadline of all work in the handler.
        .layer(ReadDeadlineLayer::grpc(Duration::from_secs(5)))
        .layer(grpc_respond(limiter.layer()))
        // Cuts calls off at the deadline, or after this time if that is later.
        .layer(grpc_respond(Timeout::new("stores", Duration::from_secs(2)).layer()));
    let server = Server::builder().layer(layers).add_service(InventoryServer::new(inventory));
    tokio::spawn(server.serve_with_incoming(incoming));
    Ok(address)
}

/// The server that knows the stock.
#[derive(Clone, Default)]
pub(crate) struct Warehouse(Arc<State>);

#[derive(Default)]
struct State {
    is_down: AtomicBool,
    requests: AtomicUsize,
    left: Mutex<Option<Duration>>,
}

impl Warehouse {
    pub(crate) fn is_down(&self, is_down: bool) {
        self.0.is_down.store(is_down, Relaxed);
    }

    /// Returns how many requests came to the handler.
    pub(crate) fn requests(&self) -> usize {
        self.0.requests.load(Relaxed)
    }

    /// Returns how much time the last request had, if it had a deadline.
    pub(crate) fn left(&self) -> Option<Duration> {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Inventory for Warehouse {
    async fn stock(&self, request: Request<Item>) -> Result<Response<Quantity>, Status> {
        self.0.requests.fetch_add(1, Relaxed);
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) = what_is_left("the warehouse");
        match request.into_inner().name.as_str() {
            _ if self.0.is_down.load(Relaxed) => Err(Status::unavailable("being rebuilt")),
            "lost" => future::pending().await,
            _ => Ok(Response::new(Quantity { pieces: 7 })),
        }
    }
}

/// The server that asks the warehouse.
pub(crate) struct Shop {
    pub(crate) warehouse: Client,
}

impl Shop {
    /// How long the shop works before it asks the warehouse.
    pub(crate) const WORK: Duration = Duration::from_millis(100);
}

#[async_trait]
impl Inventory for Shop {
    async fn stock(&self, request: Request<Item>) -> Result<Response<Quantity>, Status> {
        what_is_left("the shop");
        time::sleep(Self::WORK).await;
        // The warehouse gets the remaining time. The client sends it; no argument here does.
        self.warehouse.clone().stock(request.into_inner()).await
    }
}

/// Prints and returns the caller's remaining time. The deadline is around all work of the handlers, and not an argument.
fn what_is_left(who: &str) -> Option<Duration> {
    let left = Deadline::current()?.remaining();
    println!("  {who} has {} ms left", left.as_millis());
    Some(left)
}
