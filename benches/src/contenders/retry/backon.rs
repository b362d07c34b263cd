//! backon: a future that holds its backoff. It has no budget.

use std::pin::pin;

use backon::{ExponentialBuilder, Retryable};

use super::{ATTEMPTS, LONGEST, PAUSE};
use crate::contenders::{Answer, Make, bodies, served};

/// `retry` on a closure.
#[must_use]
pub fn call<A: Answer>() -> Make {
    bodies(backoff, |backoff| {
        let backoff = *backoff;
        served(move |request, seen| {
            seen.future::<A, _>(pin!((|| async move { A::answer(request) }).retry(backoff)));
        })
    })
}

fn backoff() -> ExponentialBuilder {
    // It counts the retries alone.
    ExponentialBuilder::new().with_jitter().with_min_delay(PAUSE).with_max_delay(LONGEST).with_max_times(ATTEMPTS - 1)
}
