//! All of it at once.

use std::io;
use std::time::Duration;

use tower::{Service, ServiceBuilder, ServiceExt};

use crate::{Callee, Failed, run};

#[test]
fn their_stack() -> Result<(), Failed> {
    let callee = Callee::failing(1);
    let client = callee.service();
    run(async {
        use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer};
        use tower_resilience_retry::RetryLayer;
        use tower_resilience_timelimiter::{TimeLimiterError, TimeLimiterLayer};

        // It grows with each layer, and changes with their order.
        type CallError = CircuitBreakerError<TimeLimiterError<io::Error>>;

        let mut service = ServiceBuilder::new()
            .layer(RetryLayer::<String, String, CallError>::builder().max_attempts(3).build())
            .layer(CircuitBreakerLayer::builder().build()?)
            .layer(TimeLimiterLayer::builder().timeout_duration(Duration::from_secs(2)).build())
            .service(client);
        assert_eq!(service.ready().await?.call(String::new()).await?, "stock: 7");
        Ok::<_, Failed>(())
    })?;
    assert_eq!(callee.calls(), 2);
    Ok(())
}

#[test]
fn our_stack_of_layers() -> Result<(), Failed> {
    let callee = Callee::failing(1);
    let client = callee.service();
    run(async {
        use seawall::{CircuitBreaker, Error, Retry, Timeout};

        type CallError = Error<io::Error>;

        let mut service = ServiceBuilder::new()
            .layer(Retry::new("inventory").layer().clone_all())
            .layer(CircuitBreaker::new("inventory").layer())
            .layer(Timeout::new("inventory", Duration::from_secs(2)).layer())
            .map_err(CallError::Inner)
            .service(client);
        assert_eq!(service.ready().await?.call(String::new()).await?, "stock: 7");
        Ok::<_, Failed>(())
    })?;
    assert_eq!(callee.calls(), 2);
    Ok(())
}

#[test]
fn our_stack_of_plain_calls() -> Result<(), Failed> {
    let callee = Callee::failing(1);
    let fetch = || callee.fetch();
    run(async {
        use seawall::{CircuitBreaker, Retry, Timeout};

        let (retry, breaker) = (Retry::new("inventory"), CircuitBreaker::new("inventory"));
        let timeout = Timeout::new("inventory", Duration::from_secs(2));
        let body = retry.call(|| breaker.call(|| timeout.execute(fetch))).await?;
        assert_eq!(body, "stock: 7");
        Ok::<_, Failed>(())
    })?;
    assert_eq!(callee.calls(), 2);
    Ok(())
}

#[test]
fn our_stack() -> Result<(), Failed> {
    let callee = Callee::failing(1);
    let client = callee.service();
    let fetch = || callee.fetch();
    run(async {
        use seawall::{CircuitBreaker, Retry, Stack, Timeout};
        use tower::Layer;

        let stack = Stack::new()
            .retry(Retry::new("inventory"))
            .circuit_breaker(CircuitBreaker::new("inventory"))
            .timeout(Timeout::new("inventory", Duration::from_secs(2)));
        let body = stack.execute(fetch).await?;
        let mut service = stack.layer().clone_all().layer(client);
        assert_eq!(service.ready().await?.call(String::new()).await?, body);
        Ok::<_, Failed>(())
    })?;
    assert_eq!(callee.calls(), 3);
    Ok(())
}
