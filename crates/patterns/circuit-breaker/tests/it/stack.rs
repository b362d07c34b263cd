//! What the service can be built into: error types, responses for refusals, tower's own boxes and buffers, and inner
//! services that can do less than most.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::{self, Ready},
    io,
    rc::Rc,
    task::{Context, Poll},
};

use crate::support::{Manual, OPEN_FOR, fail, fragile};
use futures::executor::block_on;
use seawall_circuit_breaker::{CircuitBreaker, CircuitBreakerService};
use seawall_core::{Error, Rejection, breaker::Trip, time::ManualClock};
use seawall_testkit::error::ClientError;
use seawall_testkit::time::some_day;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, buffer::Buffer, service_fn, util::BoxCloneService};
use tower_test::mock;

/// A circuit that is open.
fn open() -> Manual {
    let breaker = fragile(&ManualClock::new()).build();
    fail(&breaker);
    breaker
}

/// Says its number's double, or that it has failed.
async fn double(number: u32) -> Result<u32, io::Error> {
    if number == 0 { Err(io::Error::other("zero")) } else { Ok(2 * number) }
}

async fn ask<S: Service<u32>>(mut service: S, number: u32) -> Result<S::Response, S::Error> {
    service.ready().await?.call(number).await
}

#[tokio::test]
async fn the_error_of_a_stack_of_breakers_is_flat_in_any_order() {
    let named = |name| CircuitBreaker::builder(name).clock(ManualClock::new()).trip(Trip::consecutive(1)).build();
    let (outer, inner) = (named("outer"), named("inner"));
    let stack = || {
        ServiceBuilder::new()
            .layer(outer.layer())
            .layer(inner.layer())
            .map_err(Error::Inner)
            .service(service_fn(double))
    };
    let expect_type = |error: Error<io::Error>| error;
    assert_eq!(ask(stack(), 2).await.map_err(expect_type).unwrap(), 4);
    let failed = ask(stack(), 0).await.map_err(expect_type).unwrap_err();
    assert_eq!(failed.into_inner().expect("it ran").to_string(), "zero");
    for refusing in [&outer, &inner] {
        outer.reset();
        inner.reset();
        fail(refusing);
        let refused = ask(stack(), 2).await.map_err(expect_type).unwrap_err();
        assert_eq!(refused.rejection().map(Rejection::policy), Some(refusing.name()));
    }
}

#[tokio::test]
async fn a_boxed_error_carries_a_rejection() {
    let inner = service_fn(|number| async move { double(number).await.map_err(BoxError::from) });
    let error = ask(open().layer().layer(inner), 2).await.unwrap_err();
    assert_eq!(error.downcast_ref::<Rejection>().and_then(Rejection::retry_after), Some(OPEN_FOR));
}

#[tokio::test]
async fn a_users_own_error_carries_a_rejection() {
    let client = |breaker: &Manual| {
        let inner = service_fn(|number| async move { double(number).await.map_err(ClientError::Io) });
        breaker.layer().layer(inner)
    };
    assert!(matches!(ask(client(&open()), 2).await, Err(ClientError::Rejected(Rejection::CircuitOpen(_)))));
    let closed = fragile(&ManualClock::new()).build();
    assert!(matches!(ask(client(&closed), 0).await, Err(ClientError::Io(_))));
    let plain = open().call(|| async { double(2).await.map_err(ClientError::Io) }).await;
    assert!(matches!(plain, Err(ClientError::Rejected(_))));
}

#[tokio::test]
async fn a_refusal_can_be_a_response() {
    let (mut service, mut handle) = mock::spawn_layer::<u32, u64, _>(
        open().layer().on_reject(|rejection| rejection.retry_after().map_or(0, |wait| wait.as_secs())),
    );
    handle.allow(0);
    assert_ready_ok!(service.poll_ready());
    assert_eq!(assert_ready_ok!(task::spawn(service.call(1)).poll()), 5);
    assert_pending!(handle.poll_request());
    service.get_ref().policy().reset();
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(1));
    assert_ready!(handle.poll_request()).unwrap().1.send_response(7);
    assert_eq!(assert_ready_ok!(call.poll()), 7, "a call that ran is left as it is");
}

#[tokio::test]
async fn a_refusal_that_is_a_response_needs_no_error_type() {
    let breaker = open();
    let inner = service_fn(|number: u32| future::ready(Ok::<_, Infallible>(number.to_string())));
    let layer = breaker.layer().on_reject(|rejection| rejection.to_string());
    let service = layer.layer(inner);
    let Ok(words) = ask(service.clone(), 1).await;
    assert!(words.starts_with("circuit breaker `fragile` is open"), "{words}");
    breaker.reset();
    let Ok(words) = ask(service, 1).await;
    assert_eq!(words, "1");
}

#[tokio::test]
async fn a_boxed_clone_shares_the_breaker() {
    let breaker = fragile(&ManualClock::new()).build();
    let service = BoxCloneService::new(breaker.layer().layer(service_fn(double).map_err(Error::Inner)));
    assert!(matches!(ask(service.clone(), 0).await, Err(Error::Inner(_))));
    assert!(matches!(ask(service.clone(), 2).await, Err(Error::Rejected(_))));
    breaker.reset();
    assert_eq!(ask(service, 2).await.unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn behind_a_buffer_an_open_circuit_still_refuses_at_once() {
    let breaker = fragile(&ManualClock::new()).build();
    let (inner, mut handle) = mock::pair::<u32, u32>();
    let mut buffer = Buffer::new(breaker.layer().layer(inner), 1);
    handle.allow(0);
    fail(&breaker);
    for _ in 0..3 {
        let error = some_day(some_day(buffer.ready()).await.unwrap().call(1)).await.unwrap_err();
        assert!(error.is::<Rejection>(), "{error}");
    }
    // The inner service is pending, then ready, then pending: the worker waits, and goes on.
    breaker.reset();
    for number in 0..3 {
        let call = tokio::spawn(some_day(buffer.ready()).await.unwrap().call(number));
        tokio::task::yield_now().await;
        handle.allow(1);
        let (request, answer) = some_day(handle.next_request()).await.unwrap();
        answer.send_response(request + 1);
        assert_eq!(some_day(call).await.unwrap().unwrap(), number + 1);
    }
}

fn assert_send_sync_clone<T: Send + Sync + Clone>(_: &T) {}

fn assert_send<T: Send>(_: &T) {}

#[test]
fn the_service_can_do_what_its_inner_service_can() {
    let breaker = CircuitBreaker::new("t");
    let inner = || service_fn(double).map_err(Error::Inner as fn(io::Error) -> Error<io::Error>);
    assert_send_sync_clone(&breaker);
    assert_send_sync_clone(&breaker.layer());
    assert_send_sync_clone(&breaker.layer().backpressure());
    assert_send_sync_clone(&breaker.layer().layer(inner()));
    assert_send_sync_clone(&breaker.layer().backpressure().layer(inner()));
    let mut service = breaker.layer().backpressure().layer(inner());
    assert_send(&service.call(1));
    assert_send(&breaker.try_acquire());
    // Not `Sync` inside: `Send` all the same.
    assert_send(&CircuitBreakerService::new(Cell::new(1), breaker));
}

/// Neither `Send` nor `Clone` nor `'static`, and nor are its requests and its futures.
struct Modest<'a> {
    seen: &'a RefCell<Vec<Rc<str>>>,
    _not_send: Rc<()>,
}

impl<'a> Service<&'a Rc<str>> for Modest<'_> {
    type Response = Rc<str>;
    type Error = Error<Rc<()>>;
    type Future = Ready<Result<Rc<str>, Error<Rc<()>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: &'a Rc<str>) -> Self::Future {
        self.seen.borrow_mut().push(request.clone());
        future::ready(Ok(request.clone()))
    }
}

#[test]
fn an_inner_service_may_be_of_one_thread_and_borrowed_and_unique() {
    let seen = RefCell::default();
    // A classifier that borrows, too.
    let judged = Cell::new(0);
    let breaker = CircuitBreaker::builder("t").classify(|_: &Result<Rc<str>, Error<Rc<()>>>| {
        judged.set(judged.get() + 1);
        seawall_core::Outcome::Success
    });
    let mut service = breaker.build().layer().layer(Modest { seen: &seen, _not_send: Rc::new(()) });
    let request = Rc::from("local");
    let reply = block_on(async { service.ready().await?.call(&request).await });
    assert_eq!(reply.unwrap(), request);
    assert_eq!((seen.borrow().len(), judged.get()), (1, 1));
}
