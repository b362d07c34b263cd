//! tower's own four: it has no circuit breaker. The rate limit is one thread's, and has no clones, so it is outermost.

use tower::retry::RetryLayer;
use tower::{BoxError, Service, ServiceBuilder};

use crate::contenders::bulkhead::ROOM;
use crate::contenders::rate::SECOND;
use crate::contenders::retry::tower::Attempts;
use crate::contenders::timeout::{LIMIT, yielding_service};
use crate::contenders::{AlwaysOk, Echo, Fault, Make, Seen, Turning, awaited, served, within_runtime};

/// The service over an inner service with futures that are ready.
#[must_use]
pub fn ready() -> Make {
    within_runtime(Box::new(|threads| {
        assert_eq!(threads, 1, "the rate limit is not shared");
        let mut service = four(Echo::<AlwaysOk>::new());
        vec![served(move |request, seen| seen.service::<AlwaysOk, _>(&mut service, request))]
    }))
}

/// The service over an inner service with futures that are pending once.
#[must_use]
pub fn pending(turning: Turning) -> Make {
    awaited(
        turning,
        || (),
        |()| {
            let mut service = four(yielding_service());
            async move |request, seen: &mut Seen| seen.awaited_service(&mut service, request).await
        },
    )
}

fn four<S>(inner: S) -> impl Service<u64, Response = u64, Error = BoxError, Future: Send> + Send + 'static
where
    S: Service<u64, Response = u64, Error = Fault, Future: Send> + Clone + Send + 'static,
{
    ServiceBuilder::new()
        .rate_limit(u64::MAX, SECOND)
        .timeout(LIMIT)
        .layer(RetryLayer::new(Attempts::new()))
        .concurrency_limit(ROOM)
        .service(inner)
}
