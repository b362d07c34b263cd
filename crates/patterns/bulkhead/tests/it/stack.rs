//! What the service can be built into: error types, responses for refusals, tower's own boxes and buffers, and inner
//! services that can do less than most.

use crate::support;
use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::{self, Ready},
    io,
    rc::Rc,
    task::{Context, Poll},
};

use crate::support::{Manual, assert_idle, plain, queued, refused, some_day};
use futures::{executor::block_on, future::join_all};
use seawall_bulkhead::{Bulkhead, BulkheadService, Reason};
use seawall_core::{Error, Rejection};
use seawall_testkit::error::ClientError;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::{
    Layer, Service, ServiceBuilder, ServiceExt, buffer::Buffer, load_shed::LoadShed, service_fn, util::BoxCloneService,
};
use tower_test::mock;

/// Says its number's double, or that it has failed.
async fn double(number: u32) -> Result<u32, io::Error> {
    tokio::task::yield_now().await;
    if number == 0 { Err(io::Error::other("zero")) } else { Ok(2 * number) }
}

async fn ask<S: Service<u32>>(mut service: S, number: u32) -> Result<S::Response, S::Error> {
    service.ready().await?.call(number).await
}

/// A bulkhead without room.
fn full() -> Manual {
    plain(0).build()
}

#[tokio::test]
async fn the_error_of_a_stack_of_bulkheads_is_flat_in_any_order() {
    let (outer, inner) = (Bulkhead::new("outer", 1), Bulkhead::builder("inner", 1).max_queued(0).build());
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
        let permit = refusing.try_acquire().unwrap();
        let refused = ask(stack(), 2).await.map_err(expect_type).unwrap_err();
        assert_eq!(refused.rejection().map(Rejection::policy), Some(refusing.name()));
        drop(permit);
        assert_idle(&outer);
        assert_idle(&inner);
    }
}

#[tokio::test]
async fn a_users_own_error_carries_a_rejection() {
    let client = |bulkhead: &Manual| {
        let inner = service_fn(|number| async move { double(number).await.map_err(ClientError::Io) });
        bulkhead.layer().layer(inner)
    };
    assert!(matches!(ask(client(&full()), 2).await, Err(ClientError::Rejected(Rejection::BulkheadFull(_)))));
    assert!(matches!(ask(client(&plain(1).build()), 0).await, Err(ClientError::Io(_))));
    let plain = full().call(|| async { double(2).await.map_err(ClientError::Io) }).await;
    assert!(matches!(plain, Err(ClientError::Rejected(_))));
}

#[tokio::test]
async fn a_refusal_can_be_a_response_and_then_needs_no_error_type() {
    for bulkhead in [plain(1).build(), queued(1).max_queued(1).build()] {
        let inner = service_fn(|number: u32| future::ready(Ok::<_, Infallible>(number.to_string())));
        let service = bulkhead.layer().on_reject(|rejection| rejection.to_string()).layer(inner);
        let permit = bulkhead.try_acquire().unwrap();
        // It fills the queue, where there is one.
        let mut waits = task::spawn(bulkhead.acquire());
        let _ = waits.poll();
        let Ok(words) = ask(service.clone(), 1).await;
        assert!(words.contains("is full") && words.contains("1 of 1 in flight"), "{words}");
        drop((permit, waits));
        let Ok(words) = ask(service, 1).await;
        assert_eq!(words, "1", "a call that ran is left as it is");
        assert_idle(&bulkhead);
    }
}

#[tokio::test]
async fn a_boxed_clone_shares_the_slots() {
    for bulkhead in [plain(1).build(), queued(1).build()] {
        let service = BoxCloneService::new(bulkhead.layer().layer(service_fn(double).map_err(Error::Inner)));
        let mut first = task::spawn(ask(service.clone(), 1));
        assert_pending!(first.poll());
        let mut second = task::spawn(ask(service.clone(), 2));
        match second.poll() {
            Poll::Ready(reply) => assert_eq!(refused(&reply), Some(Reason::Full)),
            Poll::Pending => assert_eq!(bulkhead.queued(), 1),
        }
        assert_ready_ok!(first.poll());
        drop(second);
        assert_eq!(ask(service, 2).await.unwrap(), 4);
        assert_idle(&bulkhead);
    }
}

#[tokio::test(start_paused = true)]
async fn behind_a_buffer_all_are_served_one_after_the_other() {
    for bulkhead in [queued(2).build(), queued(2).max_queued(1).build()] {
        let buffer = Buffer::new(
            bulkhead
                .layer()
                .waits_in_ready()
                .layer(service_fn(|n| async move { double(n).await.map_err(Error::Inner) })),
            3,
        );
        let calls = (1..=100).map(|number| some_day(ask(buffer.clone(), number)));
        for (number, reply) in (1..).zip(join_all(calls).await) {
            assert_eq!(reply.unwrap(), 2 * number);
        }
        drop(buffer);
        tokio::task::yield_now().await;
        assert_eq!((bulkhead.in_flight(), bulkhead.snapshot().rejected()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn behind_a_buffer_a_full_bulkhead_without_a_queue_still_refuses_at_once() {
    let bulkhead = plain(1).build();
    let (inner, mut handle) = mock::pair::<u32, u32>();
    let mut buffer = Buffer::new(bulkhead.layer().layer(inner), 1);
    handle.allow(0);
    let permit = bulkhead.try_acquire().unwrap();
    for _ in 0..3 {
        let error = some_day(some_day(buffer.ready()).await.unwrap().call(1)).await.unwrap_err();
        assert!(error.is::<Rejection>(), "{error}");
    }
    // The inner service is pending, then ready, then pending: the worker waits, and goes on.
    drop(permit);
    for number in 0..3 {
        let call = tokio::spawn(some_day(buffer.ready()).await.unwrap().call(number));
        tokio::task::yield_now().await;
        handle.allow(1);
        let (request, answer) = some_day(handle.next_request()).await.unwrap();
        answer.send_response(request + 1);
        assert_eq!(some_day(call).await.unwrap().unwrap(), number + 1);
    }
}

#[tokio::test]
async fn a_task_that_does_not_yield_is_not_taken_for_overload() {
    // Tokio's budget for a task has been taken for "not ready", and that for overload, elsewhere.
    let bulkhead = Bulkhead::builder("t", 1).max_queued(1).max_wait(support::SECOND).build();
    let inner = || service_fn(|number: u32| future::ready(Ok::<_, Rejection>(number)));
    let mut services =
        [bulkhead.layer().waits_in_ready().layer(inner()), bulkhead.layer().backpressure().layer(inner())]
            .map(LoadShed::new);
    for number in 0..100_000 {
        for service in &mut services {
            assert_eq!(service.ready().await.unwrap().call(number).await.unwrap(), number);
        }
    }
    assert_idle(&bulkhead);
}

fn assert_send_sync_clone<T: Send + Sync + Clone>(_: &T) {}

fn assert_send<T: Send>(_: &T) {}

fn assert_send_sync<T: Send + Sync>(_: &T) {}

#[test]
fn everything_can_do_what_the_call_can() {
    let bulkhead = Bulkhead::new("t", 1);
    let inner = || service_fn(double).map_err(Error::Inner as fn(io::Error) -> Error<io::Error>);
    assert_send_sync_clone(&bulkhead);
    let queue = Bulkhead::builder("t", 1).max_queued(1).build();
    for layer in [bulkhead.layer(), queue.layer()] {
        assert_send_sync_clone(&layer);
        assert_send_sync_clone(&layer.layer(inner()));
        assert_send(&layer.layer(inner()).call(1));
    }
    for layer in [bulkhead.layer().at_once(), bulkhead.layer().backpressure(), queue.layer().waits_in_ready()] {
        assert_send_sync_clone(&layer);
        assert_send_sync_clone(&layer.layer(inner()));
        assert_send(&layer.layer(inner()).call(1));
    }
    for bulkhead in [&bulkhead, &queue] {
        assert_send_sync(&bulkhead.execute(|| future::ready(Ok::<_, Infallible>(()))));
        assert_send_sync(&bulkhead.call(|| future::ready(Ok::<_, Rejection>(()))));
        assert_send(&bulkhead.execute(|| double(1)));
        assert_send(&bulkhead.acquire());
        assert_send(&bulkhead.acquire_n(2));
        assert_send_sync(&bulkhead.try_acquire());
        assert_send_sync(&bulkhead.try_acquire_n(0).map(|permit| permit.into_owned()));
    }
    // Not `Sync` inside: `Send` all the same.
    assert_send(&BulkheadService::new(Cell::new(1), bulkhead));
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
    let queue = queued(1).build();
    for layer in [queue.layer().at_once(), queue.layer().waits_in_ready(), queue.layer().backpressure()] {
        let seen = RefCell::default();
        let mut service = layer.layer(Modest { seen: &seen, _not_send: Rc::new(()) });
        let request = Rc::from("local");
        let reply = block_on(async { service.ready().await?.call(&request).await });
        assert_eq!((reply.unwrap(), seen.borrow().len()), (request, 1));
    }
}

#[tokio::test]
async fn a_plain_call_may_be_of_one_thread_and_borrow() {
    let (bulkhead, local) = (queued(1).build(), Rc::new(Cell::new(0)));
    let count = || async {
        local.set(local.get() + 1);
        Ok::<_, Infallible>(local.get())
    };
    assert_eq!(bulkhead.execute(count).await, Ok(1));
    let permit = bulkhead.try_acquire().unwrap();
    let mut waits = task::spawn(bulkhead.execute(count));
    assert_pending!(waits.poll());
    drop(permit);
    assert_eq!(assert_ready!(waits.poll()), Ok(2));
}
