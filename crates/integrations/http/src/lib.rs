//! The seawall policies in HTTP and gRPC.
//!
//! The policies themselves know no protocol: they let calls pass, make them again, or refuse them with a
//! [`Rejection`](seawall_core::Rejection). What that means in HTTP is here, for whatever speaks the types of the `http` crate:
//! axum, hyper, tonic, and reqwest.
//!
//! | for a server | |
//! |---|---|
//! | [`respond`], [`Responder`] | answers rejections with 429, 503 or 504, `Retry-After` and `RateLimit` fields |
//! | [`grpc_respond`], [`GrpcResponder`] | the same as a gRPC status, with pushback |
//! | [`keys`] | whom a limit per key is for: client address, header, path template |
//! | [`ReadDeadlineLayer`] | takes the caller's deadline from `grpc-timeout`, or a header of yours |
//! | [`hold_body`] | holds what a call took until its response's body has ended |
//!
//! | for a client | |
//! |---|---|
//! | [`Statuses`], [`GrpcCodes`] | which results are failures of the callee, and which calls may go well in a moment |
//! | [`hint`], [`pushback`] | what a response says of when to call again |
//! | [`EarlyStatusLayer`] | shows a retry the gRPC status of a call that failed before any message |
//! | [`ReplayLayer`], [`CloneIdempotent`] | makes requests with streamed bodies again, up to a cap, where that does no harm |
//! | [`WriteDeadlineLayer`] | tells the callee how much time there is |
//!
//! # A server
//!
//! In axum a layer may not fail. One that answers cannot, so there is no `HandleErrorLayer`:
//!
//! ```
//! use axum::{Router, routing::get};
//! use seawall::{Quota, RateLimiter};
//! use seawall_http::respond;
//!
//! let limiter = RateLimiter::new("home", Quota::per_second(100).burst(20));
//! let app: Router = Router::new().route("/", get(async || "home")).layer(respond(limiter.layer()));
//! ```
//!
//! # A client
//!
//! ```
//! # use std::{convert::Infallible, io};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), seawall::Error<io::Error>> {
//! # let client = tower::service_fn(|_: http::Request<()>| async { Ok::<_, io::Error>(http::Response::new(())) });
//! use seawall::{Attempt, CircuitBreaker, Hint, Retry, Stack};
//! use seawall_http::{Statuses, hint};
//! use tower::{Layer, ServiceExt};
//!
//! // Inside of a stack errors are the client's own, and rejections do not pass by classifiers.
//! let breaker = CircuitBreaker::builder("inventory").classify(Statuses::health().any_error()).build();
//! let retry = Retry::builder("inventory").classify(Statuses::transient().any_error()).build();
//! let stack = Stack::standard("inventory").set_circuit_breaker(breaker).set_retry(retry);
//! // Repeats idempotent methods, and requests with an `Idempotency-Key`. Any other request is sent once.
//! let response = stack.layer().layer(client).oneshot(http::Request::new(())).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `tokio` (default): as in the other crates.
//! - `reqwest`: the module [`reqwest`], for its requests, results and errors.
//! - `tonic`: the module [`tonic`], for its `Status`.

#![forbid(unsafe_code)]

pub mod body;
#[cfg(any(feature = "reqwest", feature = "tonic"))]
mod causes;
mod classify;
pub mod deadline;
pub mod early;
mod grpc;
mod idempotent;
pub mod keys;
mod pushback;
mod rate_limit_fields;
#[cfg(feature = "reqwest")]
pub mod reqwest;
mod respond;
mod retry_after;
#[cfg(test)]
mod testing;
#[cfg(feature = "tonic")]
pub mod tonic;

pub use body::{CloneIdempotent, HeldBody, HoldBody, HoldBodyService, ReplayBody, ReplayLayer, hold_body};
pub use classify::{GrpcCodes, Statuses};
pub use deadline::{
    DeadlineHeader, GrpcTimeout, ReadDeadline, ReadDeadlineLayer, TimeoutMillis, WriteDeadline, WriteDeadlineLayer,
};
pub use early::{EarlyStatus, EarlyStatusBody, EarlyStatusLayer};
pub use grpc::{GrpcCode, GrpcResponder, grpc_respond};
pub use idempotent::Idempotent;
pub use pushback::{PUSHBACK, pushback, pushback_value};
pub use respond::{Responder, WithBody, respond};
pub use retry_after::{hint, parse_retry_after, retry_after, retry_after_value};
