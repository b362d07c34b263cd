//! tokio-retry 0.3, tokio-retry2 0.9, backon 1.6.

use std::io;
use std::time::Duration;

use crate::{Callee, run};

fn is_transient(error: &io::Error) -> bool {
    error.kind() != io::ErrorKind::NotFound
}

#[test]
fn their_tokio_retry() {
    let callee = Callee::failing(u32::MAX);
    let fetch = || callee.fetch();
    let result = run(async {
        use tokio_retry::RetryIf;
        use tokio_retry::strategy::{ExponentialBackoff, jitter};

        let strategy = ExponentialBackoff::from_millis(2) // 2, 4, 8: the base is raised to the power
            .factor(10)
            .max_delay(Duration::from_secs(2))
            .map(jitter)
            .take(3); // three retries: four attempts
        RetryIf::start(strategy, fetch, is_transient).await
    });
    assert_eq!((result.is_err(), callee.calls()), (true, 4));
}

#[test]
fn our_retry_of_a_future() {
    let callee = Callee::failing(u32::MAX);
    let fetch = || callee.fetch();
    let result = run(async {
        use seawall::{Attempt, Backoff, Retry};

        let retry = Retry::builder("inventory")
            .max_attempts(4) // the first included
            .backoff(Backoff::exponential(Duration::from_millis(20)).max(Duration::from_secs(2)))
            .retry_if(|_: &Attempt, result: &io::Result<String>| result.as_ref().is_err_and(is_transient))
            .build();
        retry.execute(fetch).await
    });
    assert_eq!((result.is_err(), callee.calls()), (true, 4));
}

#[test]
fn their_tokio_retry2() {
    let callee = Callee::failing(u32::MAX);
    let fetch = || callee.fetch();
    let result = run(async {
        use tokio_retry2::strategy::ExponentialFactorBackoff;
        use tokio_retry2::{Retry, RetryError};

        let strategy = ExponentialFactorBackoff::from_millis(20, 2.0).take(3);
        let attempt = async || match fetch().await {
            Ok(body) => Ok(body),
            Err(error) if is_transient(&error) => Err(RetryError::transient(error)),
            Err(error) => Err(RetryError::permanent(error)),
        };
        Retry::spawn(strategy, attempt).await
    });
    assert_eq!((result.is_err(), callee.calls()), (true, 4));
}

#[test]
fn their_backon() {
    let callee = Callee::failing(u32::MAX);
    let fetch = || callee.fetch();
    let result = run(async {
        use backon::{ExponentialBuilder, Retryable};

        let backoff = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(20))
            .with_max_delay(Duration::from_secs(2))
            .with_jitter()
            .with_max_times(3); // three retries: four attempts
        fetch.retry(backoff).when(is_transient).await
    });
    assert_eq!((result.is_err(), callee.calls()), (true, 4));
}

/// What the page says of the default budget: a single call that fails has its retries, an outage has not.
#[test]
fn a_budget_is_kept_to_by_default() {
    use seawall::{Budget, Retry};

    let attempts = |budget: Budget| {
        let callee = Callee::failing(u32::MAX);
        let retry = Retry::builder("inventory").backoff(Duration::from_nanos(1)).budget(budget).build();
        for _ in 0..1_000 {
            let _ = retry.execute_blocking(|| callee.answer());
        }
        callee.calls()
    };
    let (kept, unlimited) = (attempts(Budget::default()), attempts(Budget::unlimited()));
    assert_eq!(unlimited, 3_000);
    assert!((1_100..1_400).contains(&kept), "{kept}");
}
