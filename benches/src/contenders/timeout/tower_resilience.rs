//! tower-resilience: tokio's `timeout` in a boxed future.

use tower::Layer;
use tower_resilience_timelimiter::{FixedTimeout, TimeLimiter, TimeLimiterError, TimeLimiterLayer};

use super::{LIMIT, yielding_service};
use crate::contenders::{AlwaysOk, Echo, Make, Refusal, Seen, Turning, awaited, bodies, served, within_runtime};

impl<E: Refusal> Refusal for TimeLimiterError<E> {
    fn refused(&self) -> bool {
        match self {
            Self::Timeout => true,
            Self::Inner(error) => error.refused(),
        }
    }
}

/// The service over an inner service with futures that are ready.
#[must_use]
pub fn ready() -> Make {
    within_runtime(bodies(
        || limited(Echo::<AlwaysOk>::new()),
        |service| {
            let mut service = service.clone();
            served(move |request, seen| seen.service::<AlwaysOk, _>(&mut service, request))
        },
    ))
}

/// The service over an inner service with futures that are pending once.
#[must_use]
pub fn pending(turning: Turning) -> Make {
    awaited(
        turning,
        || limited(yielding_service()),
        |service| {
            let mut service = service.clone();
            async move |request, seen: &mut Seen| seen.awaited_service(&mut service, request).await
        },
    )
}

fn limited<S>(service: S) -> TimeLimiter<S, FixedTimeout> {
    layer().layer(service)
}

pub(in crate::contenders) fn layer() -> TimeLimiterLayer<FixedTimeout> {
    TimeLimiterLayer::builder().name("bench").timeout_duration(LIMIT).build()
}
