//! tower-resilience 0.14.

use std::time::Duration;

use tower::{Service, ServiceBuilder, ServiceExt};

use crate::{Callee, Failed, Told, run};

#[test]
fn their_circuit_breaker() -> Result<(), Failed> {
    let (callee, told) = (Callee::failing(20), Told::default());
    let (client, request) = (callee.service(), String::new);
    run(async {
        use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer, SlidingWindowType};

        let breaker = CircuitBreakerLayer::builder()
            .name("inventory")
            .failure_rate_threshold(0.5)
            .sliding_window_type(SlidingWindowType::TimeBased)
            .sliding_window_duration(Duration::from_secs(10))
            .minimum_number_of_calls(20)
            .wait_duration_in_open(Duration::from_secs(5))
            .permitted_calls_in_half_open(3)
            .build()?;
        let mut service = ServiceBuilder::new().layer(breaker).service(client);
        for _ in 0..21 {
            match service.ready().await?.call(request()).await {
                Ok(_) => told.tell("answered"),
                Err(CircuitBreakerError::OpenCircuit) => told.tell("not sent"),
                Err(CircuitBreakerError::Inner(_)) => told.tell("sent, and failed"),
            }
        }
        Ok::<_, Failed>(())
    })?;
    assert_eq!((callee.calls(), told.told()), (20, "not sent"));
    Ok(())
}

#[test]
fn our_circuit_breaker() -> Result<(), Failed> {
    let (callee, told) = (Callee::failing(20), Told::default());
    let (client, request) = (callee.service(), String::new);
    run(async {
        use seawall::{CircuitBreaker, Error, Trip, Window};

        let breaker = CircuitBreaker::builder("inventory")
            .trip(Trip::failure_rate(0.5).over(Window::time(Duration::from_secs(10))).min_calls(20))
            .open_for(Duration::from_secs(5))
            .probes(3)
            .build();
        let mut service = ServiceBuilder::new().layer(breaker.layer()).map_err(Error::Inner).service(client);
        for _ in 0..21 {
            match service.ready().await?.call(request()).await {
                Ok(_) => told.tell("answered"),
                Err(error) if !error.reached_callee() => told.tell("not sent"),
                Err(_) => told.tell("sent, and failed"),
            }
        }
        Ok::<_, Failed>(())
    })?;
    assert_eq!((callee.calls(), told.told()), (20, "not sent"));
    Ok(())
}

#[test]
fn their_classifier() -> Result<(), Failed> {
    let callee = Callee::failing(9);
    let client = callee.service();
    run(async {
        use std::io;
        use tower_resilience_circuitbreaker::CircuitBreakerLayer;

        let breaker = CircuitBreakerLayer::builder()
            .consecutive_failures(5)
            .failure_classifier(|result: &Result<String, io::Error>| {
                matches!(result, Err(error) if error.kind() != io::ErrorKind::NotFound)
            })
            .build()?;
        let mut service = ServiceBuilder::new().layer(breaker).service(client);
        for _ in 0..9 {
            let _ = service.ready().await?.call(String::new()).await;
        }
        Ok::<_, Failed>(())
    })?;
    assert_eq!(callee.calls(), 5);
    Ok(())
}

#[test]
fn our_classifier() -> Result<(), Failed> {
    let callee = Callee::failing(9);
    let client = callee.service();
    run(async {
        use seawall::{CircuitBreaker, Error, Outcome, Trip};
        use std::io;

        let breaker = CircuitBreaker::builder("inventory")
            .trip(Trip::consecutive(5))
            .classify(|result: &Result<String, Error<io::Error>>| match result {
                Ok(_) => Outcome::Success,
                Err(Error::Inner(error)) if error.kind() == io::ErrorKind::NotFound => Outcome::Ignored,
                Err(_) => Outcome::Failure,
            })
            .build();
        let mut service = ServiceBuilder::new().layer(breaker.layer()).map_err(Error::Inner).service(client);
        for _ in 0..9 {
            let _ = service.ready().await?.call(String::new()).await;
        }
        Ok::<_, Failed>(())
    })?;
    assert_eq!(callee.calls(), 5);
    Ok(())
}

#[test]
fn their_retry() -> Result<(), Failed> {
    let callee = Callee::failing(2);
    let client = callee.service();
    run(async {
        use std::io;
        use tower_resilience_retry::{ExponentialRandomBackoff, RetryLayer};

        let backoff = ExponentialRandomBackoff::new(Duration::from_millis(100), 0.5)?;
        let retry = RetryLayer::<String, String, io::Error>::builder()
            .max_attempts(3)
            .backoff(backoff.max_interval(Duration::from_secs(2)))
            .retry_on(|error| error.kind() != io::ErrorKind::NotFound)
            .build();
        let mut service = ServiceBuilder::new().layer(retry).service(client);
        assert_eq!(service.ready().await?.call(String::new()).await?, "stock: 7");
        Ok::<_, Failed>(())
    })?;
    assert_eq!(callee.calls(), 3);
    Ok(())
}

#[test]
fn our_retry() -> Result<(), Failed> {
    let callee = Callee::failing(2);
    let client = callee.service();
    run(async {
        use seawall::{Attempt, Backoff, Error, Retry};
        use std::io;

        let retry = Retry::builder("inventory")
            .max_attempts(3)
            .backoff(Backoff::exponential(Duration::from_millis(100)).max(Duration::from_secs(2)))
            .retry_if(|_: &Attempt, result: &Result<String, Error<io::Error>>| match result {
                Ok(_) => false,
                Err(Error::Inner(error)) => error.kind() != io::ErrorKind::NotFound,
                Err(Error::Rejected(_)) => true,
            })
            .build();
        let mut service = ServiceBuilder::new().layer(retry.layer().clone_all()).map_err(Error::Inner).service(client);
        assert_eq!(service.ready().await?.call(String::new()).await?, "stock: 7");
        Ok::<_, Failed>(())
    })?;
    assert_eq!(callee.calls(), 3);
    Ok(())
}

#[test]
fn their_time_limit() -> Result<(), Failed> {
    let client = Callee::slow();
    run(async {
        use tower_resilience_timelimiter::{TimeLimiterError, TimeLimiterLayer};

        let limit = TimeLimiterLayer::builder().timeout_duration(Duration::from_millis(50)).build();
        let mut service = ServiceBuilder::new().layer(limit).service(client);
        let result = service.ready().await?.call(String::new()).await;
        assert!(matches!(result, Err(TimeLimiterError::Timeout)));
        Ok::<_, Failed>(())
    })
}

#[test]
fn our_time_limit() -> Result<(), Failed> {
    let client = Callee::slow();
    run(async {
        use seawall::{Error, Rejection, Timeout};

        let timeout = Timeout::new("inventory", Duration::from_millis(50));
        let mut service = ServiceBuilder::new().layer(timeout.layer()).map_err(Error::Inner).service(client);
        let result = service.ready().await?.call(String::new()).await;
        assert!(matches!(result, Err(Error::Rejected(Rejection::TimedOut(_)))));
        Ok::<_, Failed>(())
    })
}

#[test]
fn their_rate_limit() -> Result<(), Failed> {
    let callee = Callee::default();
    let client = callee.service();
    run(async {
        use tower_resilience_ratelimiter::RateLimiterLayer;

        let limit = RateLimiterLayer::builder()
            .limit_for_period(10)
            .refresh_period(Duration::from_secs(60))
            .timeout_duration(Duration::ZERO)
            .build()?;
        let mut service = ServiceBuilder::new().layer(limit).service(client);
        for _ in 0..10 {
            service.ready().await?.call(String::new()).await?;
        }
        let refused = service.ready().await?.call(String::new()).await.unwrap_err();
        assert!(refused.is_rate_limited());
        Ok::<_, Failed>(())
    })?;
    assert_eq!(callee.calls(), 10);
    Ok(())
}

#[test]
fn our_rate_limit() -> Result<(), Failed> {
    let callee = Callee::default();
    let client = callee.service();
    run(async {
        use seawall::{Error, Quota, RateLimiter};

        let limiter = RateLimiter::new("inventory", Quota::per_minute(10));
        let mut service = ServiceBuilder::new().layer(limiter.layer()).map_err(Error::Inner).service(client);
        for _ in 0..10 {
            service.ready().await?.call(String::new()).await?;
        }
        let refused = service.ready().await?.call(String::new()).await.unwrap_err();
        assert!(refused.rejection().is_some_and(|rejection| rejection.retry_after().is_some()));
        Ok::<_, Failed>(())
    })?;
    assert_eq!(callee.calls(), 10);
    Ok(())
}

#[test]
fn their_bulkhead() -> Result<(), Failed> {
    let client = Callee::slow();
    run(async {
        use tower_resilience_bulkhead::BulkheadLayer;

        let bulkhead =
            BulkheadLayer::builder().max_concurrent_calls(1).max_wait_duration(Duration::from_millis(50)).build()?;
        let service = ServiceBuilder::new().layer(bulkhead).service(client);
        let first = tokio::spawn(service.clone().oneshot(String::new()));
        tokio::task::yield_now().await;
        assert!(service.oneshot(String::new()).await.unwrap_err().is_bulkhead());
        first.abort();
        Ok::<_, Failed>(())
    })
}

#[test]
fn our_bulkhead() -> Result<(), Failed> {
    let client = Callee::slow();
    run(async {
        use seawall::{Bulkhead, Error};

        let bulkhead = Bulkhead::builder("inventory", 1).max_queued(64).max_wait(Duration::from_millis(50)).build();
        let service = ServiceBuilder::new().layer(bulkhead.layer()).map_err(Error::Inner).service(client);
        let first = tokio::spawn(service.clone().oneshot(String::new()));
        tokio::task::yield_now().await;
        assert!(service.oneshot(String::new()).await.unwrap_err().rejection().is_some());
        first.abort();
        Ok::<_, Failed>(())
    })
}
