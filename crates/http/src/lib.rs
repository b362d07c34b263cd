//! The seawall policies in HTTP and gRPC.

#![forbid(unsafe_code)]

pub mod body;
mod classify;
mod deadline;
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

pub use body::{CloneIdempotent, HeldBody, HoldBody, ReplayBody, ReplayLayer, hold_body};
pub use classify::{GrpcCodes, Statuses};
pub use deadline::{
    DeadlineHeader, GrpcTimeout, ReadDeadline, ReadDeadlineLayer, TimeoutMillis, WriteDeadline, WriteDeadlineLayer,
};
pub use grpc::{GrpcCode, GrpcResponder, grpc_respond};
pub use idempotent::Idempotent;
pub use pushback::{MAX_PUSHBACK, PUSHBACK, pushback, pushback_value};
pub use respond::{Responder, WithBody, respond};
pub use retry_after::{hint, parse_retry_after, retry_after, retry_after_value};
