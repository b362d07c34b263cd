//! seawall: a `Stack`, plainly and as a service; and the policies' own layers, one in another.

use std::pin::pin;
use std::sync::Arc;

use seawall::retry::CloneAll;
use seawall::time::DefaultClock;
use seawall::{Bulkhead, CircuitBreaker, Error, RateLimiter, Retry, Stack, StackService, Timeout};
use tower::{Layer, Service, ServiceBuilder};

use crate::contenders::breaker::seawall::{Rule, breaker};
use crate::contenders::bulkhead::seawall::{Queue, with_room};
use crate::contenders::rate::Supply;
use crate::contenders::rate::seawall::default_gcra;
use crate::contenders::retry::seawall::{Savings, retry};
use crate::contenders::timeout::seawall::timeout;
use crate::contenders::timeout::{yielding, yielding_service};
use crate::contenders::{
    AlwaysOk, Answer, Echo, Fault, Make, Run, Seen, Turning, awaited, bodies, served, within_runtime,
};

/// The stack that is measured; only its breaker's rule is a choice.
pub type Five = Stack<Policies>;

type Policies = (RateLimiter, (Timeout, (Retry, (CircuitBreaker, (Bulkhead, ())))));

/// A stack whose breaker has that rule.
#[must_use]
pub fn five(rule: Rule) -> Five {
    Stack::new()
        .rate_limit(default_gcra(Supply::Ample))
        .timeout(timeout())
        .retry(retry(Savings::Full))
        .circuit_breaker(breaker(rule, DefaultClock::default()))
        .bulkhead(with_room(Queue::None))
}

/// Its service.
#[must_use]
pub fn echo(stack: &Five) -> StackService<Echo<AlwaysOk>, Policies, CloneAll> {
    stack.layer().clone_all().layer(Echo::new())
}

/// `execute`; each thread has a clones own.
#[must_use]
pub fn execute(rule: Rule) -> Make {
    within_runtime(bodies(
        move || five(rule),
        |stack| {
            let stack = stack.clone();
            served(move |request, seen| {
                seen.future::<AlwaysOk, _>(pin!(stack.execute(|| async move { AlwaysOk::answer(request) })));
            })
        },
    ))
}

/// `execute`, by reference.
#[must_use]
pub fn execute_by_reference(rule: Rule) -> Make {
    within_runtime(bodies(
        move || Arc::new(five(rule)),
        |stack| {
            let stack = Arc::clone(stack);
            served(move |request, seen| {
                seen.future::<AlwaysOk, _>(pin!(stack.execute(|| async move { AlwaysOk::answer(request) })));
            })
        },
    ))
}

/// The service of one layer; each thread has a clone.
#[must_use]
pub fn service(rule: Rule) -> Make {
    within_runtime(bodies(
        move || echo(&five(rule)),
        |service| {
            let mut service = service.clone();
            served(move |request, seen| seen.service::<AlwaysOk, _>(&mut service, request))
        },
    ))
}

/// The service, each thread with a layer of its own, made from one stack.
#[must_use]
pub fn service_of_own_layer(rule: Rule) -> Make {
    within_runtime(bodies(
        move || five(rule),
        |stack| {
            let mut service = echo(stack);
            served(move |request, seen| seen.service::<AlwaysOk, _>(&mut service, request))
        },
    ))
}

/// The policies' own layers.
#[must_use]
pub fn nested(rule: Rule) -> Make {
    within_runtime(bodies(
        move || five(rule),
        |stack| -> Run {
            let mut service = nest(stack, Echo::<AlwaysOk>::new());
            served(move |request, seen| seen.service::<AlwaysOk, _>(&mut service, request))
        },
    ))
}

/// `execute` on a call that is pending once; each thread has a clones own.
#[must_use]
pub fn execute_pending(rule: Rule, turning: Turning) -> Make {
    awaited(
        turning,
        move || five(rule),
        |stack| {
            let stack = stack.clone();
            async move |request, seen: &mut Seen| seen.awaited(stack.execute(|| yielding(request))).await
        },
    )
}

/// The service over an inner service with futures that are pending once; each thread has a clone.
#[must_use]
pub fn pending(rule: Rule, turning: Turning) -> Make {
    awaited(
        turning,
        move || five(rule).layer().clone_all().layer(yielding_service()),
        |service| {
            let mut service = service.clone();
            async move |request, seen: &mut Seen| seen.awaited_service(&mut service, request).await
        },
    )
}

/// The policies' own layers over a service with futures that are pending once.
#[must_use]
pub fn nested_pending(rule: Rule, turning: Turning) -> Make {
    awaited(
        turning,
        move || five(rule),
        |stack| {
            let mut service = nest(stack, yielding_service());
            async move |request, seen: &mut Seen| seen.awaited_service(&mut service, request).await
        },
    )
}

fn nest<S>(
    stack: &Five,
    inner: S,
) -> impl Service<u64, Response = u64, Error = Error<Fault>, Future: Send> + Send + 'static + use<S>
where
    S: Service<u64, Response = u64, Error = Fault, Future: Send> + Clone + Send + 'static,
{
    let (limiter, (timeout, (retry, (breaker, (bulkhead, ()))))) = stack.policies();
    ServiceBuilder::new()
        .layer(limiter.layer())
        .layer(timeout.layer())
        .layer(retry.layer().clone_all())
        .layer(breaker.layer())
        .layer(bulkhead.layer())
        .map_err(Error::Inner)
        .service(inner)
}
