//! A circuit breaker: it stops calling what keeps failing, and tries again after a while.
//!
//! # When to use it, and when not
//!
//! A callee that is down, or drowning, answers late or not at all. To go on calling it costs the caller its own
//! capacity (tasks, connections, patience) and keeps the callee from getting up. A breaker looks at how calls went and
//! refuses them, in nanoseconds, while the callee is unwell.
//!
//! It is the wrong tool where a single failure says nothing of the next call (bad input: classify it as
//! [`Ignored`](seawall_core::Outcome::Ignored)), for local work that cannot be unwell, and as a limit on load: that is a
//! rate limit's or a bulkhead's work. One breaker should guard one thing that fails as one: an endpoint, not a fleet.
//!
//! # Directly
//!
//! ```
//! # use std::io;
//! # async fn fetch(id: u32) -> Result<String, io::Error> { Ok(format!("stock of {id}: 7")) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use std::time::Duration;
//! use seawall_circuit_breaker::CircuitBreaker;
//! use seawall_core::{Error, Window, breaker::Trip};
//!
//! let breaker = CircuitBreaker::builder("inventory")
//!     .trip(Trip::failure_rate(0.5).over(Window::time(Duration::from_secs(10))).min_calls(20))
//!     .trip(Trip::consecutive(5)) // several rules: any of them opens it
//!     .open_for(Duration::from_secs(5))
//!     .probes(3)
//!     .build();
//!
//! match breaker.execute(|| fetch(1)).await {
//!     Ok(body) => println!("{body}"),
//!     Err(Error::Rejected(rejection)) => println!("not sent, {rejection}; again in {:?}", rejection.retry_after()),
//!     Err(Error::Inner(error)) => println!("sent, and failed: {error}"),
//! }
//!
//! // By hand, where a closure does not fit. Dropping a permit is an outcome too.
//! let permit = breaker.try_acquire().expect("the circuit is closed");
//! let result = fetch(2).await;
//! permit.record(&result);
//! # }
//! ```
//!
//! # As a tower layer
//!
//! ```
//! # use std::io;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), seawall_core::Error<io::Error>> {
//! use seawall_circuit_breaker::CircuitBreaker;
//! use seawall_core::Error;
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! let breaker = CircuitBreaker::new("inventory");
//! let client = service_fn(|id: u32| async move { Ok::<_, io::Error>(format!("stock of {id}: 7")) });
//! let mut service = ServiceBuilder::new()
//!     .layer(breaker.layer())
//!     .map_err(Error::Inner) // the client's error, able to carry a rejection from here up
//!     .service(client);
//! assert_eq!(service.ready().await?.call(1).await?, "stock of 1: 7");
//! # Ok(())
//! # }
//! ```
//!
//! [`on_reject`](CircuitBreakerLayer::on_reject) answers a refused call with a response instead of an error;
//! [`backpressure`](CircuitBreakerLayer::backpressure) makes an open circuit not ready, so that a balancer passes it by.
//!
//! # The states
//!
//! ```text
//!            a rule trips                      the open period is over
//! Closed ------------------------> Open --------------------------------> HalfOpen
//!    ^                              ^                                        |
//!    |                              +---------- a probe failed --------------+
//!    +------------------------- all probes succeeded ------------------------+
//! ```
//!
//! - Closed means that calls pass. Every call that ends is recorded, and every rule judged: it trips when the rate is at
//!   its threshold or above, once its window holds `min_calls`.
//! - Open lasts until its period is over; the first call from then on is let in as a probe, and no timer is needed.
//! - Half-open lets in `probes` calls in all. As many successes close it, one failure opens it again. Probes that are
//!   silent for longer than their lease lose their places.
//! - Each change begins a new generation: counts start empty, and a result from before changes nothing.
//! - `force_open`, `force_closed` and `metrics_only` hold until someone says otherwise; `reset` closes.
//!
//! # Cancelling
//!
//! A call that is dropped before it ends is *abandoned*. It gives its place back, and by default is not counted: clients
//! hang up. [`abandoned_after`](Builder::abandoned_after) counts it as a failure if it had run for long, as a hang that
//! the caller's own timeout cut off must not stay invisible. A panic counts as a failure, and goes on to the caller.
//!
//! # What it costs
//!
//! Calls allocate nothing and take no lock. With [`Trip::consecutive`](seawall_core::breaker::Trip::consecutive) alone,
//! a success writes nothing to shared memory and reads no clock. A breaker whose observers want refusals
//! tells of them one at a time: that is a lock, and what the observers take. The figures are in the repository's `benches`.

#![forbid(unsafe_code)]

mod builder;
mod circuit_breaker;
mod event;
pub mod future;
mod inner;

mod parking;
mod permit;
mod policy;
mod snapshot;
mod waiting;
mod weak;

pub use builder::Builder;
pub use circuit_breaker::CircuitBreaker;
pub use event::{Event, EventKind};
pub use permit::Permit;
pub use policy::{CircuitBreakerLayer, CircuitBreakerService};
pub use seawall_core::breaker::{Change, Counts, RateTrip, Reading, State, Trigger, Trip, Why};
pub use snapshot::Snapshot;
pub use weak::WeakCircuitBreaker;
