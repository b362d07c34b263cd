//! What a call through several policies means, beyond what each of them does.

mod attempts;
mod deadline;
mod errors;
mod queues;
mod readiness;
mod shared;
