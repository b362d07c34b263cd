//! .
#![forbid(unsafe_code)]

mod builder;
mod circuit_breaker;
mod event;
pub mod future;
mod inner;
mod layer;
mod parking;
mod permit;
mod service;
mod snapshot;
mod ticket;

pub use builder::Builder;
pub use circuit_breaker::CircuitBreaker;
pub use event::{Event, EventKind};
pub use layer::CircuitBreakerLayer;
pub use permit::Permit;
pub use service::CircuitBreakerService;
pub use snapshot::Snapshot;
