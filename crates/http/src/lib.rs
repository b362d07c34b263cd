//! The seawall policies in HTTP and gRPC.

#![forbid(unsafe_code)]

mod rate_limit_fields;
mod respond;
mod retry_after;

pub use respond::{Responder, WithBody, respond};
pub use retry_after::{hint, parse_retry_after, retry_after, retry_after_value};
