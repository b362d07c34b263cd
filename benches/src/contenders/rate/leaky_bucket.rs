//! leaky-bucket: a check, and a future that waits; no tower layer. It reads tokio's clock.

use std::pin::pin;
use std::sync::Arc;

use leaky_bucket::RateLimiter;

use super::{CALLS_A_MILLISECOND, HOUR, MILLISECOND, Supply};
use crate::contenders::{AlwaysOk, Answer, Fault, Make, bodies};

/// `try_acquire`, by reference; fair as it is by default, or not, when a check that may pass takes no lock.
#[must_use]
pub fn check(supply: Supply, fair: bool) -> Make {
    bodies(
        move || Arc::new(limiter(supply, fair)),
        move |limiter| {
            let limiter = Arc::clone(limiter);
            supply.body(move |request, seen| match limiter.try_acquire(1) {
                true => seen.result::<AlwaysOk, _>(|| AlwaysOk::answer(request)),
                false => seen.refusal(&Fault::Refused),
            })
        },
    )
}

/// `acquire_one`, polled, by reference.
#[must_use]
pub fn acquire() -> Make {
    bodies(
        || Arc::new(limiter(Supply::Ample, true)),
        |limiter| {
            let limiter = Arc::clone(limiter);
            Supply::Ample.body(move |request, seen| {
                let acquired = pin!(async {
                    limiter.acquire_one().await;
                    Ok::<(), Fault>(())
                });
                seen.permit::<AlwaysOk, _, _>(acquired, request);
            })
        },
    )
}

fn limiter(supply: Supply, fair: bool) -> RateLimiter {
    let mut builder = RateLimiter::builder();
    match supply {
        Supply::Ample => builder.max(MUCH).initial(MUCH).interval(MILLISECOND).refill(CALLS_A_MILLISECOND as usize),
        Supply::Exhausted => builder.max(1).initial(1).interval(HOUR).refill(1),
    };
    builder.fair(fair).build()
}

const MUCH: usize = u32::MAX as usize;
