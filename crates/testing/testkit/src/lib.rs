//! What the tests of seawall's policies share.
//!
//! A policy gets whole suites of tests from this crate. It implements [`Subject`], which says how a call is made, and writes
//! [`suites!`](crate::suites) with the names of the suites. [`Rejecting`], [`Gated`] and [`Observed`] open further suites.
//!
//! | Suite | What a policy keeps to | Trait |
//! |---|---|---|
//! | `ways` | All ways to call share one state, and each call is counted once. | [`Subject`] |
//! | `cancel` | A call can be dropped after any poll. | [`Subject`] |
//! | `panic` | A panic reaches the caller and is counted once. | [`Subject`] |
//! | `tower` | The service keeps the contract of `tower`. | [`Subject`] |
//! | `footprint` | A call allocates nothing, and its future is small. | [`Subject`] |
//! | `extremes` | Extreme numbers and jumps of the clock do no harm. | [`Subject`] |
//! | `rejections` | A rejected call runs nothing and is counted once. | [`Rejecting`] |
//! | `readiness` | `poll_ready` asks the policy and reserves nothing. | [`Gated`] |
//! | `callbacks` | An observer hears each event and does no harm. | [`Observed`] |
//!
//! The other modules are the pieces that these suites are made of. The tests of a single policy use them too.

#![deny(unsafe_code)]

pub mod alloc;
pub mod call;
pub mod chance;
pub mod clock;
pub mod error;
pub mod log;
pub mod panics;
pub mod process;
pub mod reply;
pub mod service;
mod subject;
pub mod suite;
pub mod time;
pub mod wake;

pub use subject::{Boxed, FutureSize, Gated, Inner, Kinds, Observed, Rejecting, Run, Subject, Tally, kinds};
