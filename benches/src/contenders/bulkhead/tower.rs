//! tower's `ConcurrencyLimit`, which waits in `poll_ready`; where it is to refuse, under `LoadShed`.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimit;
use tower::load_shed::LoadShed;

use super::ROOM;
use crate::contenders::{Answer, Echo, Make, OddFails, bodies, refused, served};

/// The service, where there is room.
#[must_use]
pub fn service<A: Answer>() -> Make {
    bodies(
        || ConcurrencyLimit::new(Echo::<A>::new(), ROOM),
        |service| {
            let mut service = service.clone();
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        },
    )
}

/// The same under `LoadShed`, which refuses nothing where there is room.
#[must_use]
pub fn shedding_service<A: Answer>() -> Make {
    bodies(
        || ConcurrencyLimit::new(Echo::<A>::new(), ROOM),
        |service| {
            let mut service = LoadShed::new(service.clone());
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        },
    )
}

/// `LoadShed` over the service, refused.
#[must_use]
pub fn service_full() -> Make {
    bodies(
        || Arc::new(Semaphore::new(0)),
        |semaphore| {
            let limit = ConcurrencyLimit::with_semaphore(Echo::<OddFails>::new(), Arc::clone(semaphore));
            let mut service = LoadShed::new(limit);
            refused(move |request, seen| seen.service::<OddFails, _>(&mut service, request))
        },
    )
}
