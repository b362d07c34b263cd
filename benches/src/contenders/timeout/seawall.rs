//! seawall: the plain calls, and the tower service; by tokio's clock and timers.

use std::pin::pin;

use seawall::{Error, Timeout};
use tower::{Layer, ServiceBuilder};

use super::{LIMIT, yielding, yielding_service};
use crate::contenders::{AlwaysOk, Answer, Echo, Make, Seen, Turning, awaited, bodies, served, within_runtime};

/// `execute` on a call that is ready.
#[must_use]
pub fn execute_ready() -> Make {
    within_runtime(bodies(timeout, |timeout| {
        let timeout = timeout.clone();
        served(move |request, seen| {
            seen.future::<AlwaysOk, _>(pin!(timeout.execute(|| async move { AlwaysOk::answer(request) })));
        })
    }))
}

/// `call` on a call that is ready, and whose error can carry a rejection itself.
#[must_use]
pub fn call_ready() -> Make {
    within_runtime(bodies(timeout, |timeout| {
        let timeout = timeout.clone();
        served(move |request, seen| {
            seen.future::<AlwaysOk, _>(pin!(timeout.call(|| async move { AlwaysOk::answer(request) })));
        })
    }))
}

/// The tower service over an inner service with futures that are ready.
#[must_use]
pub fn ready() -> Make {
    within_runtime(bodies(timeout, |timeout| {
        let mut service =
            ServiceBuilder::new().layer(timeout.layer()).map_err(Error::Inner).service(Echo::<AlwaysOk>::new());
        served(move |request, seen| seen.service::<AlwaysOk, _>(&mut service, request))
    }))
}

/// The tower service over an inner service with futures that are ready, and with an error type that can carry a rejection.
#[must_use]
pub fn own_error_ready() -> Make {
    within_runtime(bodies(timeout, |timeout| {
        let mut service = timeout.layer().layer(Echo::<AlwaysOk>::new());
        served(move |request, seen| seen.service::<AlwaysOk, _>(&mut service, request))
    }))
}

/// `execute` on a call that is pending once.
#[must_use]
pub fn execute_pending(turning: Turning) -> Make {
    awaited(turning, timeout, |timeout| {
        let timeout = timeout.clone();
        async move |request, seen: &mut Seen| seen.awaited(timeout.execute(|| yielding(request))).await
    })
}

/// The tower service over an inner service with futures that are pending once.
#[must_use]
pub fn pending(turning: Turning) -> Make {
    awaited(turning, timeout, |timeout| {
        let mut service =
            ServiceBuilder::new().layer(timeout.layer()).map_err(Error::Inner).service(yielding_service());
        async move |request, seen: &mut Seen| seen.awaited_service(&mut service, request).await
    })
}

pub(in crate::contenders) fn timeout() -> Timeout {
    Timeout::new("timeout", LIMIT)
}
