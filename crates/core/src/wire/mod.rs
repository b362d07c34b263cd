//! How the time that is left goes on to a callee, and is taken from a caller: the text of a header, and back.
//!
//! Two headers are spoken: gRPC's `grpc-timeout` ([`grpc_timeout`], [`parse_grpc_timeout`]), and one of whole
//! milliseconds ([`timeout_millis`], [`parse_timeout_millis`]), such as Envoy's `x-envoy-expected-rq-timeout-ms`. What
//! is written is rounded down, so a callee is never given more time than there is. What is read is taken by the letter:
//! a sign, a blank or a fraction makes it [`InvalidTimeout`], and no bytes make it panic or allocate.
//!
//! A time is written when the call is sent, not when it is made, as all that was waited for between counts. A call
//! without a deadline sends no header.
//!
//! # Strangers
//!
//! `99999999H` is a valid header, and 11,000 years. A time that a stranger sends is to be capped at the longest
//! that a call is worth working for, as in [`Deadline::after`](crate::Deadline::after)`(left.min(CAP))`:
//!
//! ```
//! use std::time::Duration;
//! use seawall_core::wire::{grpc_timeout, parse_grpc_timeout};
//!
//! const CAP: Duration = Duration::from_secs(30);
//!
//! let left = parse_grpc_timeout("99999999H").map_or(CAP, |left| left.min(CAP));
//! assert_eq!(left, CAP);
//! // Some of it is spent, and the rest goes on to the next.
//! let left = left - Duration::from_micros(1_500);
//! assert_eq!(&*grpc_timeout(left), "29998500u");
//! ```

mod grpc_timeout;
mod invalid;
mod millis;
mod text;

pub use grpc_timeout::{grpc_timeout, parse_grpc_timeout};
pub use invalid::InvalidTimeout;
pub use millis::{parse_timeout_millis, timeout_millis};
pub use text::TimeoutText;
