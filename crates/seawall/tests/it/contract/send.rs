//! A stack and its calls in other threads, in structs, and in generic functions.

use std::{
    future::Future,
    io,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use seawall::{
    Attempt, Bulkhead, CircuitBreaker, Classify, Error, Outcome, Quota, RateLimiter, Retry, Stack, StackLayer,
    StackService, Timeout, Trip,
    retry::{CloneAll, CloneRequest, Opaque},
    stack::{Again, Callable, Called, Chain, Cloner, Repeats, Requested},
};
use tokio::task::{JoinSet, yield_now};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::support::SECOND;

type Five = (RateLimiter, (Timeout, (Retry, (CircuitBreaker, (Bulkhead, ())))));

fn five() -> Stack<Five> {
    Stack::new()
        .rate_limit(RateLimiter::new("t", Quota::per_second(1_000).burst(10_000)))
        .timeout(Timeout::new("timeout", 10 * SECOND))
        .retry(Retry::builder("t").backoff(Duration::ZERO).build())
        .circuit_breaker(CircuitBreaker::builder("t").trip(Trip::consecutive(1_000)).build())
        .bulkhead(Bulkhead::builder("t", 4).max_queued(10_000).max_wait(10 * SECOND).build())
}

async fn fetch(client: &str, url: &str) -> Result<usize, Error<io::Error>> {
    yield_now().await;
    Ok(client.len() + url.len())
}

fn send<T: Send>(it: T) -> T {
    it
}

fn send_sync_static<T: Send + Sync + 'static>(it: T) -> T {
    it
}

#[test]
fn it_can_do_what_the_call_can() {
    let stack = send_sync_static(five());
    let layer = send_sync_static(stack.layer().clone_all());
    let client = String::from("c");
    drop(send(stack.execute(|| fetch(&client, "u"))));
    drop(send(stack.call(|| fetch(&client, "u"))));
    drop(send(stack.execute_with(|_| fetch(&client, "u"))));
    let ready = |_: u32| std::future::ready(Ok::<u32, io::Error>(1));
    let mut service = send_sync_static(layer.layer(service_fn(ready)));
    drop(send_sync_static(service.call(1)));
    drop(send(stack.execute(move || ready(1))));
}

#[test]
fn a_call_may_be_of_one_thread_and_borrow() {
    let (stack, text) = (five(), Rc::<str>::from("borrowed"));
    let words = std::cell::RefCell::new(Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let call = stack.execute(|| async {
        words.borrow_mut().push(text.clone());
        yield_now().await;
        Ok::<_, io::Error>(text.len())
    });
    assert_eq!(runtime.block_on(call).unwrap(), 8);
    assert_eq!(words.into_inner().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_whose_closures_borrow_are_spawned_on_many_threads() {
    let (stack, calls) = (Arc::new(five()), Arc::new(AtomicU32::new(0)));
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        let (stack, calls) = (stack.clone(), calls.clone());
        tasks.spawn(async move {
            let (client, url) = (String::from("client"), "u".repeat(number));
            let once = stack.execute(|| fetch(&client, &url)).await;
            let kept = stack.call(|| fetch(&client, &url)).await;
            let nested = stack.call(|| async {
                calls.fetch_add(1, Ordering::Relaxed);
                fetch(&client, &url).await
            });
            let numbered = stack.execute_with(|attempt: Attempt| {
                let (client, url) = (&client, &url);
                async move { Ok::<_, io::Error>(attempt.number() as usize * (client.len() + url.len())) }
            });
            let wanted = 6 + number;
            (once.unwrap(), kept.unwrap(), nested.await.unwrap(), numbered.await.unwrap())
                == (wanted, wanted, wanted, wanted)
        });
    }
    assert!(tasks.join_all().await.into_iter().all(|is_right| is_right));
    assert_eq!(calls.load(Ordering::Relaxed), 200);
    let (_, (_, (_, (_, (bulkhead, ()))))) = stack.policies();
    assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_are_cloned_into_many_threads() {
    let stack = five();
    let service = stack.layer().clone_all().layer(service_fn(|n: u32| async move {
        yield_now().await;
        if n % 7 == 0 { Err(io::Error::other("down")) } else { Ok(n) }
    }));
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        tasks.spawn(service.clone().oneshot(number));
    }
    let failed = tasks.join_all().await.into_iter().filter(Result::is_err).count();
    assert_eq!(failed, 29);
    let (_, (_, (_, (_, (bulkhead, ()))))) = stack.policies();
    assert_eq!((bulkhead.in_flight(), bulkhead.queued()), (0, 0));
}

// ===== names =====

/// A stack, a layer and a service with names, that a program keeps.
struct App<S> {
    stack: Stack<(Retry, (CircuitBreaker, ()))>,
    layer: StackLayer<(Retry, (CircuitBreaker, ())), CloneAll>,
    service: StackService<S, (Retry, (CircuitBreaker, ())), CloneAll>,
}

#[tokio::test(start_paused = true)]
async fn the_types_fit_in_a_struct() {
    let stack = Stack::new().retry(Retry::new("t")).circuit_breaker(CircuitBreaker::new("t"));
    let inner = service_fn(|n: u32| async move { Ok::<_, io::Error>(n) });
    let mut app = App { layer: stack.layer().clone_all(), service: stack.layer().clone_all().layer(inner), stack };
    assert_eq!(app.stack.execute(|| async { Ok::<_, io::Error>(1) }).await.unwrap(), 1);
    assert_eq!(app.service.ready().await.unwrap().call(2).await.unwrap(), 2);
    let (_, (breaker, ())) = app.layer.policies();
    breaker.force_open();
    assert!(app.stack.execute(|| async { Ok::<_, io::Error>(1) }).await.is_err(), "they share the breaker");
}

/// A classifier with a name, for code that must write the type.
struct ByStatus;

impl<E> Classify<u16, E> for ByStatus {
    fn classify(&self, result: &Result<u16, E>) -> Outcome {
        if matches!(result, Ok(..500)) { Outcome::Success } else { Outcome::Failure }
    }
}

#[tokio::test(start_paused = true)]
async fn a_classifier_may_have_a_name_or_none() {
    let breaker = || CircuitBreaker::builder("t").trip(Trip::consecutive(2));
    let named: Stack<(CircuitBreaker<ByStatus>, ())> =
        Stack::new().circuit_breaker(breaker().classify(ByStatus).build());
    let status = 503;
    let judge = move |result: &Result<u16, io::Error>| match result {
        Ok(found) if *found < status => Outcome::Success,
        _ => Outcome::Failure,
    };
    let unnamed = Stack::new().circuit_breaker(breaker().classify(judge).build());
    for _ in 0..2 {
        named.execute(|| async { Ok::<u16, io::Error>(503) }).await.unwrap();
        unnamed.execute(|| async { Ok::<u16, io::Error>(503) }).await.unwrap();
    }
    named.execute(|| async { Ok::<u16, io::Error>(200) }).await.unwrap_err();
    unnamed.execute(|| async { Ok::<u16, io::Error>(200) }).await.unwrap_err();
}

// ===== generic functions =====

/// Makes a call through any stack that may make it again.
async fn through<P, F, T, E>(stack: &Stack<P>, f: impl FnMut() -> F) -> Result<T, Error<E>>
where
    P: Repeats<Repeats = Again> + Chain<Called<F, T, E, Opaque>>,
    F: Future<Output = Result<T, E>>,
{
    stack.execute(f).await
}

/// Puts any stack around a service.
fn around<P, S>(stack: &Stack<P>, inner: S) -> impl Service<u32, Response = S::Response, Error = Error<S::Error>>
where
    P: Repeats + Chain<Requested<S, u32, Opaque>> + Clone,
    Cloner<CloneAll, P::Repeats>: CloneRequest<u32>,
    S: Service<u32> + Clone,
{
    stack.layer().clone_all().layer(inner)
}

/// Makes a call of any closure that the stack can call.
fn takes_callable<M>(_: impl Callable<M>) {}

#[tokio::test(start_paused = true)]
async fn a_function_may_be_generic_over_the_policies() {
    assert_eq!(through(&five(), || async { Ok::<_, io::Error>(1) }).await.unwrap(), 1);
    let retry = Stack::new().retry(Retry::new("t"));
    assert_eq!(through(&retry, || async { Ok::<_, io::Error>(1) }).await.unwrap(), 1);
    let inner = service_fn(|n: u32| async move { Ok::<_, io::Error>(n) });
    assert_eq!(around(&five(), inner).oneshot(3).await.unwrap(), 3);
    assert_eq!(around(&Stack::new(), inner).oneshot(3).await.unwrap(), 3);
    takes_callable::<Again>(|| async { 1 });
}
