//! seatbelt, as a tower service (boxed future) and as one of `layered`. It has no budget.

use std::pin::pin;
use std::task::Waker;

use layered::{Execute, Service as _, Stack};
use seatbelt::retry::{Backoff, Retry, RetryLayer};
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::runtime::InactiveClock;
use tower::Layer;

use super::{ATTEMPTS, LONGEST, PAUSE};
use crate::contenders::{Answer, Echo, Fault, Make, bodies, served};

/// The tower service.
#[must_use]
pub fn service<A: Answer>() -> Make {
    bodies(
        || layer().layer(Echo::<A>::new()),
        |service| {
            let mut service = service.clone();
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        },
    )
}

/// The service of `layered`.
#[must_use]
pub fn layered<A: Answer>() -> Make {
    bodies(
        || (layer(), Execute::new(|request| async move { A::answer(request) })).into_service(),
        |service| {
            let service = service.clone();
            served(move |request, seen| seen.future::<A, _>(pin!(service.execute(request))))
        },
    )
}

type Outcome = Result<u64, Fault>;

fn layer() -> RetryLayer<u64, Outcome> {
    // Nobody pauses, so nothing need drive the clock.
    let (clock, _driver) = InactiveClock::new_shared().activate(Waker::noop().clone());
    Retry::layer("bench", &ResilienceContext::new(&clock))
        .clone_input()
        .recovery_with(|outcome: &Outcome, _| match outcome {
            Ok(_) => RecoveryInfo::never(),
            Err(_) => RecoveryInfo::retry(),
        })
        // It counts the retries alone.
        .max_retry_attempts(ATTEMPTS as u32 - 1)
        .backoff(Backoff::Exponential)
        .base_delay(PAUSE)
        .max_delay(LONGEST)
        .use_jitter(true)
}
