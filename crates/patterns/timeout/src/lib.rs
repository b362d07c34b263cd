//! A timeout: it bounds how long a call takes, and everything that the call calls.
//!
//! # When to use it, and when not
//!
//! A callee that hangs holds on to its caller. Every call over a network needs a limit, and most clients come without one. A
//! limit that is long enough for the slowest good answer and not much longer is the first thing to add.
//!
//! It drops the call: what the caller waited for is gone, what the callee had begun may go on.
//!
//! # Directly
//!
//! ```
//! # use std::{io, time::Duration};
//! # async fn fetch(id: u32) -> Result<String, io::Error> { Ok(format!("stock of {id}: 7")) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use seawall_core::Error;
//! use seawall_timeout::Timeout;
//!
//! let timeout = Timeout::new("inventory", Duration::from_secs(2));
//! match timeout.execute(|| fetch(1)).await {
//!     Ok(body) => println!("{body}"),
//!     Err(Error::Rejected(rejection)) => println!("cut off, {rejection}"),
//!     Err(Error::Inner(error)) => println!("failed in time: {error}"),
//! }
//! # }
//! ```
//!
//! # As a tower layer
//!
//! ```
//! # use std::{io, time::Duration};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), seawall_core::Error<io::Error>> {
//! use seawall_core::Error;
//! use seawall_timeout::Timeout;
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! // The limit of each call may depend on the request.
//! let timeout = Timeout::builder("inventory", |id: &u32| Duration::from_millis(if *id == 0 { 5_000 } else { 500 })).build();
//! let client = service_fn(|id: u32| async move { Ok::<_, io::Error>(format!("stock of {id}: 7")) });
//! let mut service = ServiceBuilder::new()
//!     .layer(timeout.layer())
//!     .map_err(Error::Inner) // the client's error, able to carry a rejection from here up
//!     .service(client);
//! assert_eq!(service.ready().await?.call(1).await?, "stock of 1: 7");
//! # Ok(())
//! # }
//! ```
//!
//! [`on_reject`](TimeoutLayer::on_reject) answers a call that is cut off with a response instead of an error. The limit is for
//! the call; [`ready_within`](TimeoutLayer::ready_within) bounds how long the inner service takes to become ready, too.
//!
//! # Deadlines
//!
//! A timeout is a [`Deadline`] for what it guards: inside of it [`Deadline::current`] says when it ends, an inner timeout is
//! cut to it, and a retry begins nothing that it leaves no time for. A deadline that a caller has sent holds in the same way:
//!
//! ```
//! # use std::{future::pending, io, time::Duration};
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! use seawall_core::Error;
//! use seawall_timeout::{Deadline, Timeout};
//!
//! let timeout = Timeout::new("inventory", Duration::from_secs(10));
//! let hangs = timeout.execute(|| pending::<Result<(), io::Error>>());
//! let Err(Error::Rejected(rejection)) = Deadline::after(Duration::from_secs(1)).scope(hangs).await else {
//!     panic!("it hangs")
//! };
//! assert_eq!(rejection.to_string(), "timeout `inventory`: not done by the deadline, in 1s");
//! # }
//! ```
//!
//! # A limit that follows
//!
//! Where nobody knows how long is long, [`Timeout::adaptive`] takes a quantile of recent latencies times a factor:
//!
//! ```
//! # use std::time::Duration;
//! use seawall_timeout::{Adaptive, Timeout};
//!
//! let limit = Adaptive::quantile(0.99).factor(2.0).floor(Duration::from_millis(20)).ceiling(Duration::from_secs(5));
//! let timeout = Timeout::adaptive("inventory", limit).build();
//! ```
//!
//! # The law
//!
//! - The time counts from the end of the first poll that leaves the call waiting, or from when somebody inside asked for the
//!   deadline. What blocks the thread in its first poll is not counted, nor can it be cut off.
//! - A call that is over when it is polled has its result, however late that is. Else, when the time is over, the call is
//!   dropped, and then the error is given.
//! - A call that has become ready in time is never cut off; one that is always busy is, whether or not it yields by itself, as
//!   long as its futures let the runtime take the thread back.
//!
//! # Cancelling
//!
//! Dropped, it drops the call.
//!
//! # What it costs
//!
//! A call that is ready at once reads no clock, makes no timer and allocates nothing; one that is not makes one timer, in
//! place. The figures are in the repository's `benches`.

#![forbid(unsafe_code)]

mod adaptive;
mod builder;
mod event;
pub mod future;
mod layer;
mod limit;
mod limited;
mod readiness;
mod service;
mod terms;
mod timeout;

pub use adaptive::AdaptiveTimeout;
pub use builder::Builder;
pub use event::{Event, EventKind};
pub use layer::TimeoutLayer;
pub use limit::{LatencySink, TimeoutLimit};
pub use limited::TimeoutCall;
pub use seawall_core::{Deadline, TimedOut, latency::Adaptive};
pub use service::TimeoutService;
pub use terms::TimeoutRef;
pub use timeout::Timeout;
