//! Keeps a service up when the services that it calls fail.
//!
//! Each policy is one object with two faces, a plain async call and a tower layer, over one shared state. The cost of an
//! admitted call is too small for its caller to measure. The behaviour of a policy is proven: its decisions are pure
//! functions, tested against naive models and model-checked.
//!
//! | policy | rejects a call if | crate |
//! |---|---|---|
//! | [`CircuitBreaker`] | the callee has been failing | [`circuit_breaker`] |
//! | [`RateLimiter`], [`KeyedRateLimiter`] | there were too many calls in a duration, in all or for one key | [`rate_limit`] |
//! | [`Bulkhead`] | too many calls are in flight | [`bulkhead`] |
//!
//! These are the gates. The courses decide what happens next in a call:
//!
//! | policy | what it does | crate |
//! |---|---|---|
//! | [`Retry`] | repeats failed calls, within a [`Budget`] | [`retry`] |
//! | [`Timeout`] | drops a call that takes too long, and keeps the [`Deadline`] around it | [`timeout`] |
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
//! A [`Stack`] has several policies around one call, outermost first. It makes plain calls and layers:
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
//! - `circuit-breaker`, `rate-limit`, `bulkhead`, `retry`, `timeout`: one policy each.
//! - `stack` (default): all of them, and [`Stack`].
//! - `tokio` (default): tokio's clock, which obeys paused time, and its timer for calls that wait for their turn.
//!   Without this feature, nothing here needs a runtime. A policy that may wait (a queue, a retry, a timeout) then needs a
//!   clock that is a [`time::Timer`].
//! - `fast-clock`: [`time::FastClock`], for the last nanoseconds.
//! - `full`: all of these.
//! - `tracing`: `seawall::tracing`, an observer for the events of every policy.
//!
//! # Observing
//!
//! Every policy reports its events to observers. The builders of all policies have `on_event`. Gates have `on_event` too, at
//! any time; `observed` returns a retry or a timeout with a further observer. With the feature `tracing`, one observer serves
//! all policies. An opening circuit has the level warn, other changes have info, and rejected, retried and cut-off calls have
//! debug. Successful calls make no events. `on_event_from` sets an observer's least level; with the level info, a rejected
//! call costs nothing more.
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
//! Types that users rarely name are in the module of their policy: events, snapshots, builders, permits, futures. The module
//! [`observe`] has what the events of all policies share.

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
