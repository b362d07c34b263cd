//! tower-resilience: five layers, each with a boxed future. The breaker counts failures in a row, the cheapest of its rules.

use tower::{Service, ServiceBuilder};
use tower_resilience_ratelimiter::WindowType;

use crate::contenders::rate::Supply;
use crate::contenders::timeout::yielding_service;
use crate::contenders::{
    AlwaysOk, Echo, Fault, Make, Refusal, Seen, Turning, awaited, bodies, breaker, bulkhead, rate, retry, served,
    timeout, within_runtime,
};

/// The service over an inner service with futures that are ready.
#[must_use]
pub fn ready() -> Make {
    within_runtime(bodies(
        || five(Echo::<AlwaysOk>::new()),
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
        || five(yielding_service()),
        |service| {
            let mut service = service.clone();
            async move |request, seen: &mut Seen| seen.awaited_service(&mut service, request).await
        },
    )
}

fn five<S>(inner: S) -> impl Service<u64, Response = u64, Error: Refusal + Send, Future: Send> + Clone + Send + 'static
where
    S: Service<u64, Response = u64, Error = Fault, Future: Send> + Clone + Send + Sync + 'static,
{
    ServiceBuilder::new()
        .layer(rate::tower_resilience::layer(Supply::Ample, WindowType::Fixed))
        .layer(timeout::tower_resilience::layer())
        .layer(retry::tower_resilience::layer(|builder| builder))
        .layer(breaker::tower_resilience::consecutive_layer())
        .layer(bulkhead::tower_resilience::layer(|builder| builder))
        .service(inner)
}
