//! What the gates of the seawall family have in common, written once.
//!
//! A gate says who may enter *now*: a circuit breaker, a rate limit, a bulkhead. What differs between them is who is let
//! in, and what the end of a call changes. How a call is made out of that is the same for all, and is here:
//!
//! - [`Gate`] is what a pattern says of itself, and [`Ticket`] the leave that it gave: it finds its way back whatever
//!   happens to the call.
//! - [`drive`] makes a call: of `execute`, `call` and the tower service alike. [`queue`] does so where a call may have to
//!   wait for its turn, which [`Queue`] and [`Acquire`] are about.
//! - [`Policy`] is a gate's handle, as [`GateLayer`] and [`GateService`] see it. [`QueueLayer`] and [`QueueService`] serve a
//!   [`QueuePolicy`], whose calls can wait in their own future.
//! - [`GateCall`] is a call's way through a gate as a stack of policies has it: by [`Admit`] it takes no share of the gate.
//!
//! Users want the crates of the patterns (`seawall-circuit-breaker`, `seawall-rate-limit`, `seawall-bulkhead`, or
//! `seawall` for all of them); this crate is for those who build a gate of their own.

#![forbid(unsafe_code)]

mod acquire;
mod callee;
pub mod future;
mod gate;
mod late;
mod layer;
mod passage;
mod policy;
mod queue_layer;
mod queue_service;
mod reject;
mod service;
mod sight;
mod ticket;

pub use acquire::{Acquire, Queue, Turn, Waiting, wake};
pub use callee::Callee;
pub use future::{Answer, drive, queue};
pub use gate::{Gate, Judge, Spent};
pub use late::{Late, NotSent};
pub use layer::GateLayer;
pub use passage::{Admission, Admit, GateCall, PassOf};
pub use policy::{BoxedWait, Patient, Policy, QueuePolicy, WaitLimit};
pub use queue_layer::QueueLayer;
pub use queue_service::{Admitted, LateCall, QueueService};
pub use reject::{KeepError, MakeResponse, Reject, Respond, WithResponse, WrapError};
pub use service::GateService;
pub use sight::{Opaque, ShowsRejections, Visibility};
pub use ticket::Ticket;
