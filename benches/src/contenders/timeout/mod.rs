//! Timeouts of calls that end long before their limit: at once, or after one turn of a runtime.

use std::time::Duration;

use ::tokio::task::yield_now;
use ::tower::{Service, service_fn};

use super::{AlwaysOk, Answer, Fault};

pub mod bare;
pub mod seatbelt;
pub mod seawall;
pub mod tokio;
pub mod tower;
pub mod tower_resilience;

/// The operation, pending once: it lets the runtime turn.
pub(super) async fn yielding(request: u64) -> Result<u64, Fault> {
    yield_now().await;
    AlwaysOk::answer(request)
}

/// The same as a service.
pub(super) fn yielding_service() -> impl Yielding {
    service_fn(yielding)
}

pub(super) trait Yielding:
    Service<u64, Response = u64, Error = Fault, Future: Send> + Clone + Send + Sync + 'static
{
}

impl<S> Yielding for S where S: Service<u64, Response = u64, Error = Fault, Future: Send> + Clone + Send + Sync + 'static
{}

/// No call takes that long.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
