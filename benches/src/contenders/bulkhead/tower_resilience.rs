//! tower-resilience: a tower layer around tokio's semaphore.

use tower::Layer;
use tower_resilience_bulkhead::{Bulkhead, BulkheadConfigBuilder, BulkheadLayer, BulkheadServiceError};

use super::ROOM;
use crate::contenders::{Answer, Echo, Make, Refusal, bodies, served, within_runtime};

impl<E: Refusal> Refusal for BulkheadServiceError<E> {
    fn refused(&self) -> bool {
        match self {
            Self::Bulkhead(_) => true,
            Self::Inner(error) => error.refused(),
        }
    }
}

/// The service as it is by default: a call waits for as long as it takes.
#[must_use]
pub fn service<A: Answer>() -> Make {
    guarded::<A>(|builder| builder)
}

/// The service as it refuses: a call that does not wait, which it does by a timer of no length.
#[must_use]
pub fn refusing_service<A: Answer>() -> Make {
    within_runtime(guarded::<A>(BulkheadConfigBuilder::reject_when_full))
}

fn guarded<A: Answer>(waits: impl Fn(BulkheadConfigBuilder) -> BulkheadConfigBuilder + 'static) -> Make {
    bodies(
        move || -> Bulkhead<Echo<A>> { layer(&waits).layer(Echo::new()) },
        |service| {
            let mut service = service.clone();
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        },
    )
}

pub(in crate::contenders) fn layer(waits: impl Fn(BulkheadConfigBuilder) -> BulkheadConfigBuilder) -> BulkheadLayer {
    let builder = waits(BulkheadLayer::builder().name("bench").max_concurrent_calls(ROOM));
    builder.build().expect("the numbers are within their ranges")
}
