//! The seawall policies in HTTP and gRPC.

#![forbid(unsafe_code)]

mod rate_limit_fields;
mod respond;
mod retry_after;

pub use respond::{Responder, WithBody, respond};
pub use retry_after::{hint, parse_retry_after, retry_after, retry_after_value};
mod classify;
mod deadline;
mod grpc;
mod pushback;
#[cfg(test)]
mod testing;
#[cfg(feature = "tonic")]
pub mod tonic;

pub use classify::{GrpcCodes, Statuses};
pub use deadline::{
    DeadlineHeader, GrpcTimeout, ReadDeadline, ReadDeadlineLayer, TimeoutMillis, WriteDeadline, WriteDeadlineLayer,
};
pub use grpc::{GrpcCode, GrpcResponder, grpc_respond};
pub use pushback::{MAX_PUSHBACK, PUSHBACK, pushback, pushback_value};
pub mod body;
mod idempotent;

pub use body::{CloneIdempotent, HeldBody, HoldBody, ReplayBody, ReplayLayer, hold_body};
pub use idempotent::Idempotent;
