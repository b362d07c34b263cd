//! A bulkhead: it bounds how many calls are in flight, so that one slow callee cannot take all of a service down.
//!
//! # When to use it, and when not
//!
//! A callee that gets slow holds on to what each call needs: a task, memory, a connection. Without a bound the calls pile
//! up until nothing else in the process gets any. A bulkhead lets in so many at once, lets some more wait, and refuses the
//! rest in nanoseconds, while there is still something to answer with.
//!
//! It does not look at how calls end: for a callee that fails there is the circuit breaker. It bounds concurrency, not
//! calls per second: for that there is the rate limit.
//!
//! # Directly
//!
//! ```
//! # use std::io;
//! # async fn fetch(id: u32) -> Result<String, io::Error> { Ok(format!("stock of {id}: 7")) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use std::time::Duration;
//! use seawall_bulkhead::Bulkhead;
//! use seawall_core::Error;
//!
//! let bulkhead = Bulkhead::builder("inventory", 64) // in flight at most
//!     .max_queued(128) // who finds no room waits here
//!     .max_wait(Duration::from_millis(250)) // and for no longer
//!     .build();
//!
//! match bulkhead.execute(|| fetch(1)).await {
//!     Ok(body) => println!("{body}"),
//!     Err(Error::Rejected(rejection)) => println!("not sent, {rejection}"),
//!     Err(Error::Inner(error)) => println!("sent, and failed: {error}"),
//! }
//!
//! // By hand, where a closure does not fit. The slot is free again when the permit is dropped.
//! let permit = bulkhead.acquire().await.expect("there is room");
//! let _ = fetch(2).await;
//! drop(permit);
//! # }
//! ```
//!
//! # As a tower layer
//!
//! ```
//! # use std::io;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), seawall_core::Error<io::Error>> {
//! use seawall_bulkhead::Bulkhead;
//! use seawall_core::Error;
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! let bulkhead = Bulkhead::new("inventory", 64);
//! let client = service_fn(|id: u32| async move { Ok::<_, io::Error>(format!("stock of {id}: 7")) });
//! let mut service = ServiceBuilder::new()
//!     .layer(bulkhead.layer())
//!     .map_err(Error::Inner) // the client's error, able to carry a rejection from here up
//!     .service(client);
//! assert_eq!(service.ready().await?.call(1).await?, "stock of 1: 7");
//! # Ok(())
//! # }
//! ```
//!
//! [`on_reject`](seawall_policy::QueueLayer::on_reject) answers a refused call with a response instead of an error;
//! [`backpressure`](seawall_policy::QueueLayer::backpressure) makes a full bulkhead not ready, so that a balancer passes it
//! by.
//!
//! # The law
//!
//! - At no time are more slots taken than the limit that was in force when the last of them was taken. A slot is taken
//!   before the call is made, and is free again in the very poll that gives its result, not when the future is dropped.
//! - Nothing is lost: a call that is dropped, that panics, or whose runtime goes away gives its slot back; one that is
//!   dropped when its turn has just come passes it on.
//! - Whoever comes does not overtake those who wait. Who waits is served in the order of coming, unless another
//!   [`Order`] was asked for.
//! - [`resize`](Bulkhead::resize) holds at once for whoever comes; calls in flight are never cut off.
//!
//! # Cancelling
//!
//! A call that is dropped while it waits leaves the queue. One that is dropped in flight gives its slot back at once,
//! though what it started elsewhere may go on: a bulkhead bounds what it can see.
//!
//! # What it costs
//!
//! Where there is room, a call costs two writes to one word of memory that all callers share, and allocates nothing; a
//! refusal without a queue writes nothing. Only a queue takes a lock. The figures are in the repository's `benches`.

#![forbid(unsafe_code)]

mod builder;
mod bulkhead;
mod event;
pub mod future;
mod inner;
mod permit;
mod policy;
mod snapshot;
mod waiting;
mod weak;

pub use builder::Builder;
pub use bulkhead::Bulkhead;
pub use event::{Event, EventKind};
pub use permit::{OwnedPermit, Permit};
pub use policy::{BulkheadLayer, BulkheadService};
pub use seawall_core::slots::{Order, Reason};
pub use snapshot::Snapshot;
pub use weak::WeakBulkhead;
