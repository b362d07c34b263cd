//! Bulkheads: a permit is taken, the operation made, and the permit given back; or none is to be had.

pub mod bare;
pub mod seawall;
pub mod tokio;
pub mod tower;
pub mod tower_resilience;

/// Calls in flight at most, where there is room: more than there are threads.
pub(super) const ROOM: usize = 64;
