//! The meaning of a call through several policies, beyond each policy's own behaviour.

mod attempts;
mod deadline;
mod errors;
mod queues;
mod readiness;
mod shared;
