//! tokio's `timeout`.

use std::future::Future;
use std::pin::pin;

use tokio::time;

use super::{LIMIT, yielding};
use crate::contenders::{AlwaysOk, Answer, Fault, Make, Seen, Turning, awaited, bodies, served, within_runtime};

/// Around a future that is ready.
#[must_use]
pub fn ready() -> Make {
    within_runtime(bodies(
        || (),
        |()| {
            served(|request, seen| {
                seen.future::<AlwaysOk, _>(pin!(limited(async move { AlwaysOk::answer(request) })));
            })
        },
    ))
}

/// Around a future that is pending once.
#[must_use]
pub fn pending(turning: Turning) -> Make {
    awaited(turning, || (), |()| async |request, seen: &mut Seen| seen.awaited(limited(yielding(request))).await)
}

async fn limited(call: impl Future<Output = Result<u64, Fault>>) -> Result<u64, Fault> {
    time::timeout(LIMIT, call).await.unwrap_or(Err(Fault::Refused))
}
