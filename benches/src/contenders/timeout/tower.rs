//! tower's `Timeout`.

use tower::timeout::Timeout;

use super::{LIMIT, yielding_service};
use crate::contenders::{AlwaysOk, Echo, Make, Seen, Turning, awaited, bodies, served, within_runtime};

/// The service over an inner service with futures that are ready.
#[must_use]
pub fn ready() -> Make {
    within_runtime(bodies(
        || Timeout::new(Echo::<AlwaysOk>::new(), LIMIT),
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
        || Timeout::new(yielding_service(), LIMIT),
        |service| {
            let mut service = service.clone();
            async move |request, seen: &mut Seen| seen.awaited_service(&mut service, request).await
        },
    )
}
