//! tower-resilience: a tower layer whose future is boxed.

use tower::Layer;
use tower_resilience_retry::{ExponentialRandomBackoff, RetryBudgetBuilder, RetryConfigBuilder, RetryLayer};

use super::{ATTEMPTS, LONGEST, PAUSE};
use crate::contenders::{Answer, Echo, Fault, Make, bodies, served};

/// The service, without a budget, as it is by default.
#[must_use]
pub fn service<A: Answer>() -> Make {
    guarded::<A>(|builder| builder)
}

/// The service with a budget: a bucket that time fills, and successes too.
#[must_use]
pub fn service_with_budget<A: Answer>() -> Make {
    guarded::<A>(|builder| {
        let budget = RetryBudgetBuilder::new().token_bucket().tokens_per_second(10.0).max_tokens(100);
        builder.budget(budget.build().expect("the numbers are within their ranges"))
    })
}

type Builder<E = Fault> = RetryConfigBuilder<u64, u64, E>;

fn guarded<A: Answer>(with: impl Fn(Builder) -> Builder + 'static) -> Make {
    bodies(
        move || layer(&with).layer(Echo::<A>::new()),
        |service| {
            let mut service = service.clone();
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        },
    )
}

pub(in crate::contenders) fn layer<E>(with: impl Fn(Builder<E>) -> Builder<E>) -> RetryLayer<u64, u64, E> {
    let backoff = ExponentialRandomBackoff::new(PAUSE, 0.5).expect("a half is a share");
    let builder = RetryLayer::builder().name("bench").max_attempts(ATTEMPTS).backoff(backoff.max_interval(LONGEST));
    with(builder).build()
}
