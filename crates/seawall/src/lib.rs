//! Keeps a service standing when what it calls fails.
//!
//! Each policy is one object with two faces: a plain async call, and a tower layer, over one shared state. A call that
//! is let through costs nothing that its caller could measure, and what a policy does is proven: its decisions are pure
//! functions, tested against naive models and model-checked.
//!
//! So far there is the circuit breaker; retry, timeout, rate limit and bulkhead follow.
//!
//! # Directly
//!
//! ```
//! # async fn fetch() -> Result<String, std::io::Error> { Ok("stock: 7".into()) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use std::time::Duration;
//! use seawall::{CircuitBreaker, Error, Trip, Window};
//!
//! let breaker = CircuitBreaker::builder("inventory")
//!     .trip(Trip::failure_rate(0.5).over(Window::time(Duration::from_secs(10))).min_calls(20))
//!     .open_for(Duration::from_secs(5))
//!     .build();
//! match breaker.execute(|| fetch()).await {
//!     Ok(body) => println!("{body}"),
//!     Err(Error::Rejected(rejection)) => println!("not sent: {rejection}"),
//!     Err(Error::Inner(error)) => println!("sent, and failed: {error}"),
//! }
//! # }
//! ```
//!
//! # As a tower layer
//!
//! ```
//! # use std::io;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), seawall::Error<io::Error>> {
//! use seawall::{CircuitBreaker, Error};
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! let client = service_fn(|id: u32| async move { Ok::<_, io::Error>(format!("stock of {id}: 7")) });
//! let breaker = CircuitBreaker::new("inventory");
//! let mut service = ServiceBuilder::new()
//!     .layer(breaker.layer())   // the same breaker, the same counts, as `breaker.execute`
//!     .map_err(Error::Inner)    // the client's error, able to carry a rejection from here up
//!     .service(client);
//! assert_eq!(service.ready().await?.call(1).await?, "stock of 1: 7");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `circuit-breaker` (default): [`CircuitBreaker`].
//! - `tokio` (default): tokio's clock, which obeys paused time, and waiting for an open circuit in `poll_ready`.
//!   Without it, nothing here needs a runtime.
//! - `fast-clock`: [`time::FastClock`], for the last nanoseconds.

#![forbid(unsafe_code)]

pub use seawall_core::{
    Backoff, Classify, ErrIsFailure, Error, FromRejection, Jitter, Name, Outcome, Rejection, Window,
};
pub use seawall_core::{CircuitOpen, time};

#[cfg(feature = "circuit-breaker")]
pub use seawall_circuit_breaker::{
    Builder as CircuitBreakerBuilder, CircuitBreaker, CircuitBreakerLayer, CircuitBreakerService, Event, EventKind,
    Permit, Snapshot,
};
#[cfg(feature = "circuit-breaker")]
pub use seawall_core::breaker::{Change, Counts, RateTrip, Reading, State, Trigger, Trip, Why};
pub use time::ManualClock;

/// The future types of the policies.
#[cfg(feature = "circuit-breaker")]
pub mod future {
    pub use seawall_circuit_breaker::future::ResponseFuture as CircuitBreakerFuture;
}
