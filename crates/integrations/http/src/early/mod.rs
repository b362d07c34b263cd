//! gRPC statuses that come before any message: read with the head, so that a retry sees them.

mod body;
pub mod future;
mod layer;

pub use body::EarlyStatusBody;
pub use layer::{EarlyStatus, EarlyStatusLayer};
