//! The call sites that are a contract, as a user writes them; and the README's, word for word.

use std::{convert::Infallible, fmt, io, time::Duration};

use seawall::{
    Adaptive, Attempt, Backoff, Budget, Bulkhead, CircuitBreaker, CircuitBreakerLayer, CircuitBreakerService, Classify,
    Deadline, Error, Hint, Jitter, KeyedRateLimiter, ManualClock, Outcome, Quota, RateLimiter, Rejection, Retry, Stack,
    State, Timeout, Trip, Window, retry::RepeatRequest,
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

#[derive(Clone)]
struct Client;

#[derive(Clone)]
struct Request;

impl Client {
    fn get(&self, _url: &str) -> Request {
        Request
    }
}

impl Request {
    async fn send(self) -> Result<&'static str, io::Error> {
        Ok("stock: 7")
    }
}

/// A read: it may be sent again.
impl RepeatRequest for Request {
    fn repeat(&self) -> Option<Self> {
        Some(self.clone())
    }
}

#[tokio::test]
async fn readme_directly() {
    let (client, url) = (Client, "http://inventory/7");
    let handle = async |response: &str| assert_eq!(response, "stock: 7");
    let retry_later = |_: Option<Duration>| unreachable!("the circuit is closed");
    let report = |_: Error<io::Error>| unreachable!("the client is well");

    let breaker = CircuitBreaker::builder("inventory")
        .trip(Trip::failure_rate(0.5).over(Window::time(Duration::from_secs(10))).min_calls(20))
        .open_for(Duration::from_secs(5))
        .build();
    match breaker.execute(|| client.get(url).send()).await {
        Ok(response) => handle(response).await,
        Err(Error::Rejected(rejection)) if !rejection.reached_callee() => retry_later(rejection.retry_after()), // not sent
        Err(error) => report(error), // sent, and failed or cut off: the callee may have done the work
    }
}

#[tokio::test]
async fn readme_tower() -> Result<(), Error<io::Error>> {
    let (client, request) = (service_fn(|request: Request| request.send()), Request);
    #[rustfmt::skip]
    let response = {
        let breaker = CircuitBreaker::new("inventory");
        let mut service = ServiceBuilder::new()
            .layer(breaker.layer())  // the same breaker and the same counts as `breaker.execute`
            .map_err(Error::Inner)   // the client's error, able to carry a rejection from here up
            .service(client);
        let response = service.ready().await?.call(request).await?;
        breaker.on_event(seawall::tracing); // with the feature `tracing`
        response
    };
    assert_eq!(response, "stock: 7");
    Ok(())
}

#[tokio::test]
async fn readme_together() -> Result<(), Error<io::Error>> {
    let (client, url) = (Client, "http://inventory/7");
    let fetch = |client: &Client, url: &str| client.get(url).send();

    #[rustfmt::skip]
    let stack = Stack::new()                             // outermost first
        .timeout(Timeout::new("inventory", Duration::from_secs(10))) // the whole call
        .retry(Retry::new("inventory"))                  // 3 attempts, paid from a budget
        .circuit_breaker(CircuitBreaker::new("inventory"))
        .bulkhead(Bulkhead::new("inventory", 64))
        .timeout(Timeout::new("inventory.attempt", Duration::from_secs(2))); // each attempt
    #[rustfmt::skip]
    let body = stack.execute(|| fetch(&client, url)).await?; // Result<T, Error<E>>, however many policies
    let client = service_fn(|request: Request| request.send());
    #[rustfmt::skip]
    let mut service = stack.layer().layer(client); // the same policies, as a service
    assert_eq!((body, service.ready().await?.call(Request).await?), ("stock: 7", "stock: 7"));
    assert_eq!(stack.check(), []);
    Ok(())
}

/// The order of the design's own example.
#[tokio::test]
async fn the_whole_stack_once_for_both_uses() -> Result<(), Error<io::Error>> {
    let (client, url) = (Client, "http://inventory/7");
    let fetch = |client: &Client, url: &str| client.get(url).send();
    let breaker = CircuitBreaker::new("inventory");

    let stack = Stack::new()
        .timeout(Timeout::new("timeout", Duration::from_secs(10)))
        .retry(Retry::builder("inventory").max_attempts(3).budget(Budget::ratio(0.2)).build())
        .rate_limit(RateLimiter::new("inventory", Quota::per_second(500).burst(50)))
        .circuit_breaker(breaker)
        .bulkhead(Bulkhead::builder("inventory", 64).max_queued(128).build())
        .timeout(Timeout::new("timeout", Duration::from_secs(2)));
    let body = stack.execute(|| fetch(&client, url)).await?;
    let client = service_fn(|request: Request| request.send());
    let service = stack.layer().layer(client);
    assert_eq!((body, service.oneshot(Request).await?), ("stock: 7", "stock: 7"));
    Ok(())
}

#[tokio::test]
async fn readme_limits() -> Result<(), Error<io::Error>> {
    let (client, url) = (Client, "http://inventory/7");
    let fetch = |client: &Client, url: &str| client.get(url).send();

    #[rustfmt::skip]
    let body = {
        let limiter = RateLimiter::new("inventory", Quota::per_second(200).burst(4));
        let bulkhead = Bulkhead::builder("inventory", 8).max_queued(16).max_wait(Duration::from_millis(100)).build();
        let body = bulkhead.execute(|| fetch(&client, url)).await;
        let per_client = KeyedRateLimiter::<String>::new("per client", Quota::per_minute(60).burst(10));
        per_client.try_acquire("10.0.0.1")?; // a refusal says exactly when to come again
        assert_eq!((limiter.available(), bulkhead.in_flight(), per_client.available("10.0.0.1")), (4, 0, 9));
        body
    };
    assert_eq!(body?, "stock: 7");
    Ok(())
}

/// All gates in one stack: the client's error is wrapped once, and stays flat in any order.
#[tokio::test]
async fn gates_stack_in_any_order() {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("b").clock(clock.clone()).build();
    let limiter = RateLimiter::builder("l", Quota::per_second(1)).clock(clock.clone()).build();
    let bulkhead = Bulkhead::builder("h", 1).clock(clock.clone()).build();
    let client = service_fn(|request: Request| request.send());
    let mut service = ServiceBuilder::new()
        .layer(bulkhead.layer())
        .layer(limiter.layer())
        .layer(breaker.layer())
        .map_err(Error::Inner)
        .service(client);
    assert_eq!(service.ready().await.unwrap().call(Request).await.unwrap(), "stock: 7");
    let refused = |error: Error<io::Error>| error.rejection().expect("it was refused").kind();
    assert_eq!(refused(service.ready().await.unwrap().call(Request).await.unwrap_err()), "rate limited");
    let permit = bulkhead.try_acquire().unwrap();
    assert_eq!(refused(service.ready().await.unwrap().call(Request).await.unwrap_err()), "bulkhead full");
    drop(permit);
    clock.advance(Duration::from_secs(1));
    breaker.force_open();
    assert_eq!(refused(service.ready().await.unwrap().call(Request).await.unwrap_err()), "circuit open");

    // The same policies, as plain calls.
    breaker.reset();
    clock.advance(Duration::from_secs(1));
    let body = bulkhead.call(|| limiter.call(|| breaker.execute(|| Client.get("").send()))).await;
    assert_eq!(body.unwrap(), "stock: 7");
}

/// A call's future can be spawned, also if its closure borrows.
#[tokio::test]
async fn futures_of_the_gates_can_be_spawned() {
    let limiter = RateLimiter::builder("l", Quota::per_second(9)).max_wait(Duration::from_secs(1)).build();
    let bulkhead = Bulkhead::builder("h", 1).max_queued(1).build();
    let spawned = tokio::spawn(async move {
        let url = String::from("http://inventory/7");
        let body = limiter.call(|| bulkhead.execute(|| Client.get(&url).send())).await;
        let permit = bulkhead.acquire().await.map(|permit| permit.into_owned());
        (body, permit.is_ok())
    });
    let (body, permit) = spawned.await.unwrap();
    assert_eq!((body.unwrap(), permit), ("stock: 7", true));
}

#[test]
fn the_readme_shows_what_is_tested_here() {
    let readme = include_str!("../../../../README.md");
    // The crate `http` tests the examples that need axum and reqwest.
    let tests = [include_str!("call_sites.rs"), include_str!("../../../integrations/http/tests/it/readme.rs")];
    let tested: Vec<&str> = tests.iter().flat_map(|test| test.lines()).map(str::trim).collect();
    let shown = readme.split("```rust\n").skip(1).flat_map(|block| block.split("```").next().unwrap_or("").lines());
    let mut lines = 0;
    for line in shown.map(str::trim).filter(|line| !line.is_empty()) {
        assert!(tested.contains(&line), "not tested: {line}");
        lines += 1;
    }
    assert!(lines > 35, "{lines} lines");
}

#[tokio::test(start_paused = true)]
async fn several_rules_and_a_growing_open_period() {
    let breaker = CircuitBreaker::builder("inventory")
        .trip(Trip::failure_rate(0.5).over(Window::calls(100)).min_calls(20))
        .trip(Trip::slow_rate(0.5, Duration::from_secs(2)).over(Window::time(Duration::from_secs(10))))
        .trip(Trip::when(|counts| counts.failures >= 50))
        .trip(Trip::consecutive(5))
        .open_for(Backoff::exponential(Duration::from_secs(1)).max(Duration::from_secs(60)).jitter(Jitter::None))
        .probes(3)
        .probe_lease(Duration::from_secs(10))
        .classify(|result: &Result<u16, io::Error>| match result {
            Ok(500..) | Err(_) => Outcome::Failure,
            Ok(400..) => Outcome::Ignored,
            Ok(_) => Outcome::Success,
        })
        .build();
    for _ in 0..5 {
        assert_eq!(breaker.execute(|| async { Ok(503) }).await.unwrap(), 503);
    }
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(breaker.snapshot().retry_after(), Some(Duration::from_secs(1)));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    assert_eq!(breaker.execute(|| async { Ok(503) }).await.unwrap(), 503);
    assert_eq!(breaker.snapshot().retry_after(), Some(Duration::from_secs(2)));
}

#[test]
fn by_hand_with_a_manual_clock() {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("t")
        .clock(clock.clone())
        .trip(Trip::consecutive(1))
        .open_for(Backoff::constant(Duration::from_secs(60)).jitter(Jitter::None))
        .build();
    let permit = breaker.try_acquire().unwrap();
    permit.record(&Err::<(), _>(io::Error::other("down")));
    let Err(rejection) = breaker.try_acquire() else { panic!("the circuit is open") };
    assert_eq!((rejection.policy(), rejection.retry_after()), ("t", Some(Duration::from_secs(60))));
    clock.advance(Duration::from_secs(60));
    breaker.try_acquire().unwrap().success();
    assert_eq!(breaker.state(), State::Closed);
}

/// An error of the user's own, which can carry a rejection.
#[derive(Debug)]
enum AppError {
    Rejected(Rejection),
    Io(io::Error),
}

impl From<Rejection> for AppError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

#[tokio::test]
async fn an_own_error_stays_as_it_is() {
    let breaker = CircuitBreaker::new("inventory");
    breaker.force_open();
    let call = breaker.call(|| async { Err::<(), _>(AppError::Io(io::Error::other("down"))) });
    let error = call.await.unwrap_err();
    assert_eq!(error.to_string(), "circuit breaker `inventory` is forced open");
    assert!(matches!(error, AppError::Rejected(_)));
}

/// The types have names, and defaults for rare parameters, so they fit in a struct.
struct App<S> {
    breaker: CircuitBreaker,
    layer: CircuitBreakerLayer,
    service: CircuitBreakerService<S>,
}

#[tokio::test]
async fn the_types_fit_in_a_struct() {
    let breaker = CircuitBreaker::new("inventory");
    let inner = service_fn(|(): ()| async { Ok::<_, Error<Infallible>>(7) });
    let mut app = App { layer: breaker.layer(), service: CircuitBreakerService::new(inner, breaker.clone()), breaker };
    assert_eq!(app.service.ready().await.unwrap().call(()).await.unwrap(), 7);
    app.breaker.force_open();
    let mut other = ServiceBuilder::new().layer(app.layer).service(inner);
    assert!(other.ready().await.unwrap().call(()).await.is_err());
}

/// A classifier with a name, for code that must write the breaker's type.
struct ByStatus;

impl<E> Classify<u16, E> for ByStatus {
    fn classify(&self, result: &Result<u16, E>) -> Outcome {
        if matches!(result, Ok(..500)) { Outcome::Success } else { Outcome::Failure }
    }
}

#[tokio::test]
async fn a_classifier_with_a_name() {
    let breaker: CircuitBreaker<ByStatus> =
        CircuitBreaker::builder(String::from("inventory")).trip(Trip::consecutive(1)).classify(ByStatus).build();
    breaker.execute(|| async { Ok::<_, io::Error>(503) }).await.unwrap();
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test]
async fn readme_retries_in_an_outage() {
    let (client, url) = (Client, "http://inventory/7");
    async fn fetch(client: &Client, url: &str) -> Result<&'static str, io::Error> {
        client.get(url).send().await
    }
    let retry = Retry::new("inventory"); // 3 attempts, backoff with full jitter, retries for a fifth of the calls
    let timeout = Timeout::new("inventory.attempt", Duration::from_millis(250)); // of each attempt
    let body = retry.call(|| timeout.execute(|| fetch(&client, url))).await;
    assert_eq!(body.unwrap(), "stock: 7");
}

#[tokio::test(start_paused = true)]
async fn retry_and_timeout_as_layers_around_a_breaker() -> Result<(), Error<io::Error>> {
    let retry = Retry::builder("inventory")
        .max_attempts(4)
        .backoff(Backoff::exponential(Duration::from_millis(50)).max(Duration::from_secs(1)).jitter(Jitter::Full))
        .budget(Budget::ratio(0.2).floor(5).burst(50))
        .retry_if(|attempt: &Attempt, result: &Result<u32, Error<io::Error>>| attempt.number() < 4 && result.is_err())
        .hint(|_: &Attempt, _: &Result<u32, Error<io::Error>>| Hint::None)
        .max_retry_after(Duration::from_secs(30))
        .max_elapsed(Duration::from_secs(10))
        .min_useful(Duration::from_millis(5))
        .on_event(|event| println!("{event}"))
        .seed(1)
        .build();
    let breaker = CircuitBreaker::new("inventory");
    let whole = Timeout::builder("whole", Duration::from_secs(10)).build();
    let each = Timeout::adaptive("each", Adaptive::quantile(0.99).ceiling(Duration::from_secs(2))).build();
    let client = service_fn(|id: u32| async move { Ok::<_, io::Error>(id) });
    let mut service = ServiceBuilder::new()
        .layer(whole.layer())
        .layer(retry.layer().clone_all())
        .layer(breaker.layer())
        .layer(each.layer())
        .map_err(Error::Inner)
        .service(client);
    assert_eq!(Deadline::after(Duration::from_secs(1)).scope(service.ready().await?.call(7)).await?, 7);
    // The same policies, called directly.
    let direct = whole.call(|| retry.call(|| breaker.call(|| each.execute(|| async { Ok::<_, io::Error>(7) }))));
    assert_eq!(direct.await?, 7);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_for_a_circuit_that_says_when_if_it_may() {
    let breaker =
        CircuitBreaker::builder("inventory").trip(Trip::consecutive(1)).open_for(Duration::from_secs(5)).build();
    let builder = Retry::builder("inventory").backoff(Duration::from_millis(10));
    let retry = builder.max_rejection_wait(Duration::from_secs(5)).build();
    let attempts = std::cell::Cell::new(0);
    let result = retry
        .call(|| {
            breaker.execute(|| async {
                attempts.set(attempts.get() + 1);
                if attempts.get() == 1 { Err(io::Error::other("ill")) } else { Ok(7) }
            })
        })
        .await;
    // One attempt failed, one was rejected and waited, and one succeeded.
    assert_eq!((result.unwrap(), attempts.get()), (7, 2));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_comes_with_a_request_and_goes_on_to_the_callee() {
    const CAP: Duration = Duration::from_secs(30);
    let timeout = Timeout::new("timeout", Duration::from_secs(5));
    let sent = || async { Ok::<_, io::Error>(Deadline::current().unwrap().to_timeout_millis().to_string()) };
    // Inside the caller's remaining time, and inside our own limit.
    for (header, sent_on) in [("2S", "2000"), ("99999999H", "5000"), ("1500m", "1500")] {
        let deadline = Deadline::from_grpc_timeout(header, CAP).unwrap();
        assert_eq!(deadline.scope(timeout.execute(sent)).await.unwrap(), sent_on);
    }
    let late = Deadline::from_timeout_millis("0", CAP).unwrap();
    let Err(Error::Rejected(rejection)) = late.scope(async { timeout.execute(sent).await }).await else {
        panic!("no time is left")
    };
    assert_eq!(rejection.to_string(), "timeout `timeout`: the deadline has passed");
    assert_eq!(Deadline::after(Duration::from_millis(1500)).to_grpc_timeout().as_str(), "1500000u");
    assert!(Deadline::from_grpc_timeout("1.5S", CAP).is_err());
}
