//! seatbelt, as a tower service (boxed future) and as one of `layered`. Its timers are its own, moved by a task.

use std::pin::pin;

use layered::{Execute, Service as _, Stack};
use seatbelt::ResilienceContext;
use seatbelt::timeout::{Timeout, TimeoutLayer};
use tick::Clock;
use tower::Layer;

use super::{LIMIT, yielding, yielding_service};
use crate::contenders::{AlwaysOk, Answer, Echo, Fault, Make, Seen, Turning, awaited, bodies, served, within_runtime};

/// The tower service over an inner service with futures that are ready.
#[must_use]
pub fn ready() -> Make {
    within_runtime(bodies(
        || layer().layer(Echo::<AlwaysOk>::new()),
        |service| {
            let mut service = service.clone();
            served(move |request, seen| seen.service::<AlwaysOk, _>(&mut service, request))
        },
    ))
}

/// The service of `layered` over an inner service with futures that are ready.
#[must_use]
pub fn layered_ready() -> Make {
    within_runtime(bodies(
        || (layer(), Execute::new(|request| async move { AlwaysOk::answer(request) })).into_service(),
        |service| {
            let service = service.clone();
            served(move |request, seen| seen.future::<AlwaysOk, _>(pin!(service.execute(request))))
        },
    ))
}

/// The tower service over an inner service with futures that are pending once.
#[must_use]
pub fn pending(turning: Turning) -> Make {
    awaited(
        turning,
        || layer().layer(yielding_service()),
        |service| {
            let mut service = service.clone();
            async move |request, seen: &mut Seen| seen.awaited_service(&mut service, request).await
        },
    )
}

/// The service of `layered` over an inner service with futures that are pending once.
#[must_use]
pub fn layered_pending(turning: Turning) -> Make {
    awaited(
        turning,
        || (layer(), Execute::new(yielding)).into_service(),
        |service| {
            let service = service.clone();
            async move |request, seen: &mut Seen| seen.awaited(service.execute(request)).await
        },
    )
}

fn layer() -> TimeoutLayer<u64, Result<u64, Fault>> {
    Timeout::layer("bench", &ResilienceContext::new(Clock::new_tokio()))
        .timeout_error(|_| Fault::Refused)
        .timeout(LIMIT)
}
