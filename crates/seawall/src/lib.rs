//! Keeps a service standing when what it calls fails.
//!
//! Each policy is one object with two faces: a plain async call, and a tower layer, over one shared state. A call that
//! is let through costs nothing that its caller could measure, and what a policy does is proven: its decisions are pure
//! functions, tested against naive models and model-checked.
//!
//! | policy | refuses a call when | crate |
//! |---|---|---|
//! | [`CircuitBreaker`] | the callee has been failing | [`circuit_breaker`] |
//! | [`RateLimiter`], [`KeyedRateLimiter`] | there have been too many in a while, in all or for one key | [`rate_limit`] |
//! | [`Bulkhead`] | too many are in flight | [`bulkhead`] |
//!
//! These are the gates; the courses say what happens next:
//!
//! | policy | what it does | crate |
//! |---|---|---|
//! | [`Retry`] | makes failed calls again, within a [`Budget`] | [`retry`] |
//! | [`Timeout`] | drops a call that takes too long, and keeps to the [`Deadline`] around it | [`timeout`] |
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
//!     Err(Error::Rejected(rejection)) if !rejection.reached_callee() => println!("not sent: {rejection}"),
//!     Err(error) => println!("sent, and failed or cut off: {error}"), // the callee may have done the work
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
//! # All together
//!
//! A [`Stack`] is several policies around one call, outermost first, plainly and as a layer:
//!
//! ```
//! # use std::io;
//! # async fn fetch(_: &str) -> Result<String, io::Error> { Ok("stock: 7".into()) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), seawall::Error<io::Error>> {
//! use std::time::Duration;
//! use seawall::{CircuitBreaker, Retry, Stack, Timeout};
//!
//! let stack = Stack::new()
//!     .timeout(Timeout::new("inventory", Duration::from_secs(10))) // the whole call
//!     .retry(Retry::new("inventory"))
//!     .circuit_breaker(CircuitBreaker::new("inventory"))
//!     .timeout(Timeout::new("inventory.attempt", Duration::from_secs(2))); // each attempt
//! assert!(stack.check().is_empty());
//! let body = stack.execute(|| fetch("http://inventory/7")).await?;
//! # assert_eq!(body, "stock: 7");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `circuit-breaker`, `rate-limit`, `bulkhead`, `retry`, `timeout`: the policies, each by itself.
//! - `stack` (default): all of them, and [`Stack`].
//! - `tokio` (default): tokio's clock, which obeys paused time, and its timer for calls that wait for their turn.
//!   Without it, nothing here needs a runtime; what may wait (a queue, a retry, a timeout) asks for a clock that is a
//!   [`time::Timer`].
//! - `fast-clock`: [`time::FastClock`], for the last nanoseconds.
//! - `full`: all of these.
//! - `tracing`: `seawall::tracing`, an observer for the events of every policy.
//!
//! # Observing
//!
//! Every policy tells of what happens by `on_event`: all while they are built, the gates at any time, and retry and timeout by
//! `observed` from then on. With the feature `tracing` one observer serves them all: a circuit that opens is told at the
//! level warn, other changes at info, calls that are refused, retried or cut off at debug, and calls that succeed at none.
//! `on_event_from` takes the level from which on an observer is told: one from info on costs a refused call nothing.
//!
//! ```
//! use std::time::Duration;
//! use seawall::{CircuitBreaker, Retry, Timeout};
//!
//! let breaker = CircuitBreaker::new("inventory");
//! breaker.on_event(seawall::tracing);
//! let retry = Retry::builder("inventory").on_event(seawall::tracing).build();
//! let timeout = Timeout::new("inventory", Duration::from_secs(2)).observed(seawall::tracing);
//! let stack = seawall::Stack::standard("inventory").observed(seawall::tracing);
//! ```
//!
//! What is asked for seldom is in the module of its policy: events, snapshots, builders, permits, futures; and in
//! [`observe`] what the events of all have in common.

#![forbid(unsafe_code)]

#[cfg(feature = "stack")]
pub mod stack;

#[cfg(feature = "bulkhead")]
pub use seawall_bulkhead as bulkhead;
#[cfg(feature = "circuit-breaker")]
pub use seawall_circuit_breaker as circuit_breaker;
#[cfg(feature = "rate-limit")]
pub use seawall_rate_limit as rate_limit;
#[cfg(feature = "retry")]
pub use seawall_retry as retry;
#[cfg(feature = "timeout")]
pub use seawall_timeout as timeout;

#[cfg(feature = "bulkhead")]
pub use seawall_bulkhead::{Bulkhead, BulkheadLayer, BulkheadService, Order};
#[cfg(feature = "circuit-breaker")]
pub use seawall_circuit_breaker::{CircuitBreaker, CircuitBreakerLayer, CircuitBreakerService};
#[cfg(feature = "circuit-breaker")]
pub use seawall_core::breaker::{RateTrip, State, Trip};
#[cfg(feature = "tracing")]
pub use seawall_core::observe::tracing;
pub use seawall_core::{
    AsRejection, Backoff, Budget, BulkheadFull, CircuitOpen, Classify, Deadline, ErrIsFailure, Error, FromRejection,
    Hint, Jitter, Name, Outcome, RateLimited, Rejection, RetryAfter, TimedOut, Window, observe, time, wire,
};
#[cfg(feature = "rate-limit")]
pub use seawall_rate_limit::{
    Algorithm, InvalidQuota, KeyedRateLimiter, Quota, RateLimitLayer, RateLimitService, RateLimiter,
};
#[cfg(feature = "retry")]
pub use seawall_retry::{Attempt, Retry, RetryLayer, RetryService};
#[cfg(feature = "timeout")]
pub use seawall_timeout::{Adaptive, Timeout, TimeoutLayer, TimeoutService};
#[cfg(feature = "stack")]
pub use stack::{BoxedStack, Stack, StackLayer, StackService};
pub use time::ManualClock;
