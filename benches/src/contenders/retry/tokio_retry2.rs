//! tokio-retry2: a future that holds an iterator of pauses. It has no budget; the operation says whether its error is worth
//! another attempt.

use std::pin::pin;

use tokio_retry2::strategy::ExponentialFactorBackoff;
use tokio_retry2::{Retry, RetryError};

use super::{ATTEMPTS, LONGEST, PAUSE};
use crate::contenders::{Answer, Make, bodies, served};

/// `Retry::spawn`, which spawns nothing: it is a future.
#[must_use]
pub fn call<A: Answer>() -> Make {
    bodies(
        || (),
        |()| {
            served(|request, seen| {
                let backoff = ExponentialFactorBackoff::from_millis(PAUSE.as_millis() as u64, 2.0).max_delay(LONGEST);
                let operation = || async move { A::answer(request).map_err(RetryError::transient) };
                seen.future::<A, _>(pin!(Retry::spawn(backoff.take(ATTEMPTS - 1), operation)));
            })
        },
    )
}
