//! seawall: the plain calls, and the tower service.

use std::pin::pin;
use std::sync::Arc;

use seawall::retry::Builder;
use seawall::{Backoff, Budget, Error, Jitter, Retry};
use tower::{Layer, ServiceBuilder};

use super::{ATTEMPTS, LONGEST, PAUSE};
use crate::contenders::{Answer, Echo, Make, bodies, served};

/// What there is to pay retries from.
#[derive(Clone, Copy, Debug)]
pub enum Savings {
    /// They cost nothing.
    None,
    /// The default budget as it is while all goes well: full. A call looks at it, and leaves it as it is.
    Full,
    /// A budget that no number of calls fills: each pays in.
    Growing,
}

/// `execute`; each thread has a clones own.
#[must_use]
pub fn execute<A: Answer>(savings: Savings) -> Make {
    bodies(
        move || retry(savings),
        |retry| {
            let retry = retry.clone();
            served(move |request, seen| {
                seen.future::<A, _>(pin!(retry.execute(|| async move { A::answer(request) })));
            })
        },
    )
}

/// `call`, around what can carry a rejection; each thread has a clones own.
#[must_use]
pub fn call<A: Answer>(savings: Savings) -> Make {
    bodies(
        move || retry(savings),
        |retry| {
            let retry = retry.clone();
            served(move |request, seen| {
                let operation = || async move { A::answer(request).map_err(Error::Inner) };
                seen.future::<A, _>(pin!(retry.call(operation)));
            })
        },
    )
}

/// `execute_blocking`, by reference.
#[must_use]
pub fn blocking<A: Answer>(savings: Savings) -> Make {
    bodies(
        move || Arc::new(retry(savings)),
        |retry| {
            let retry = Arc::clone(retry);
            served(move |request, seen| seen.result::<A, _>(|| retry.execute_blocking(|| A::answer(request))))
        },
    )
}

/// The tower service, which asks nothing of the error; each thread has a clones own.
#[must_use]
pub fn service<A: Answer>(savings: Savings) -> Make {
    bodies(
        move || retry(savings).layer().clone_all().any_error().layer(Echo::<A>::new()),
        |service| {
            let mut service = service.clone();
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        },
    )
}

/// The tower service over an inner service whose error can carry a rejection, as it is over another policy.
#[must_use]
pub fn service_over_policy<A: Answer>(savings: Savings) -> Make {
    bodies(
        move || {
            ServiceBuilder::new()
                .layer(retry(savings).layer().clone_all())
                .map_err(Error::Inner)
                .service(Echo::<A>::new())
        },
        |service| {
            let mut service = service.clone();
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        },
    )
}

pub(in crate::contenders) fn retry(savings: Savings) -> Retry {
    let backoff = Backoff::exponential(PAUSE).max(LONGEST).jitter(Jitter::Full);
    let builder: Builder = Retry::builder("bench").max_attempts(ATTEMPTS as u32).backoff(backoff);
    match savings {
        Savings::None => builder.budget(Budget::unlimited()).build(),
        Savings::Full => {
            let retry = builder.build();
            // A fifth of a retry each, and there is room for a hundred.
            (0..1_000).for_each(|_| retry.budget().deposit());
            retry
        }
        Savings::Growing => builder.budget(Budget::ratio(0.2).burst(u32::MAX)).build(),
    }
}
