//! The parts that all gates of the seawall family share.
//!
//! A gate admits or rejects calls: a circuit breaker, a rate limit, a bulkhead. Gates differ in which calls they admit, and in
//! what the end of a call changes. The way of a call through a gate is the same for all gates, and this crate has it.
//!
//! # When to use it
//!
//! Use this crate to write a gate of your own. Users of the existing gates take `seawall-circuit-breaker`, `seawall-rate-limit`,
//! `seawall-bulkhead`, or `seawall` for all of them.
//!
//! # The parts
//!
//! - [`Gate`] takes passes back, and [`Judge`] classifies results. The state that the clones of a policy share implements them.
//! - [`Ticket`] is a pass with its gate. It returns the pass in any case: with a result, when it is dropped, and after a panic.
//! - [`drive`] makes a call, for `execute`, `call` and the tower service. [`queue`] makes a call that may have to wait for its
//!   turn, with a [`Queue`] and an [`Acquire`].
//! - [`Policy`] is a gate's handle for [`GateLayer`] and [`GateService`]. [`QueuePolicy`] is the handle of a gate whose calls can
//!   wait in their own future, for [`QueueLayer`] and [`QueueService`].
//! - [`GateCall`] is a call at a gate inside a stack of policies. By [`Admit`] it takes no share of the gate.
//! - [`Reject`] turns a result or a rejection into the caller's result.
//!
//! # Cancelling
//!
//! A call can be dropped after each poll. It then returns its pass and leaves each queue.

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
