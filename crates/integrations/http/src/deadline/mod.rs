//! Deadlines that come with requests, and go on with them.

pub mod future;
mod header;
mod read;
mod write;

pub use header::{DeadlineHeader, GrpcTimeout, TimeoutMillis};
pub use read::{ReadDeadline, ReadDeadlineLayer};
pub use write::{WriteDeadline, WriteDeadlineLayer};
