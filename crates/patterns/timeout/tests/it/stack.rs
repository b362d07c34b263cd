//! What the service can be built into: tower's boxes, buffers, limits and balancers, error types, and inner services that
//! can do less than most.

use std::{
    future, io,
    rc::Rc,
    task::{Context, Poll},
};

use crate::support::{Failed, SECOND, cut_off, some_day, timed_out};
use futures::FutureExt;
use seawall_core::{Deadline, Error, Rejection};
use seawall_testkit::error::ClientError;
use seawall_timeout::Timeout;
use tower::{
    BoxError, Layer, Service, ServiceBuilder, ServiceExt,
    balance::p2c::Balance,
    buffer::Buffer,
    discover::ServiceList,
    limit::ConcurrencyLimit,
    load::{CompleteOnResponse, PendingRequests},
    load_shed::LoadShed,
    service_fn,
    util::BoxCloneService,
};

/// Answers no other number than 7.
async fn answers_seven(number: u32) -> Result<u32, io::Error> {
    if number == 7 { Ok(7) } else { future::pending().await }
}

/// That `service` answers in time, or cuts off, in two calls one after the other.
async fn assert_limits<S: Service<u32, Response = u32>>(mut service: S, is_cut_off: impl Fn(S::Error) -> bool) {
    for _ in 0..2 {
        let Ok(ready) = some_day(service.ready()).await else { panic!("it is ready") };
        assert!(some_day(ready.call(7)).await.is_ok_and(|answer| answer == 7));
        let Ok(ready) = some_day(service.ready()).await else { panic!("it is ready") };
        assert!(some_day(ready.call(0)).await.is_err_and(&is_cut_off));
    }
}

fn is_boxed_rejection(error: BoxError) -> bool {
    matches!(error.downcast_ref::<Rejection>(), Some(Rejection::TimedOut(_)))
        || matches!(error.downcast_ref::<Error<io::Error>>(), Some(Error::Rejected(_)))
}

#[tokio::test(start_paused = true)]
async fn it_works_above_and_below_towers_own() {
    let layer = Timeout::new("timeout", SECOND).layer();
    let guarded =
        || ServiceBuilder::new().layer(layer.clone()).map_err(Error::Inner).service(service_fn(answers_seven));
    let boxed = || service_fn(answers_seven).map_err(BoxError::from);
    assert_limits(guarded(), |error| cut_off(&Err::<(), _>(error)).is_some()).await;
    assert_limits(BoxCloneService::new(guarded()), |error| cut_off(&Err::<(), _>(error)).is_some()).await;
    assert_limits(layer.layer(BoxCloneService::new(boxed())), is_boxed_rejection).await;
    assert_limits(Buffer::new(guarded(), 4), is_boxed_rejection).await;
    assert_limits(layer.layer(Buffer::new(boxed(), 4)), is_boxed_rejection).await;
    assert_limits(ConcurrencyLimit::new(guarded(), 1), |error| matches!(error, Error::Rejected(_))).await;
    assert_limits(layer.layer(ConcurrencyLimit::new(boxed(), 1)), is_boxed_rejection).await;
    assert_limits(LoadShed::new(guarded()), is_boxed_rejection).await;
    assert_limits(layer.layer(LoadShed::new(ConcurrencyLimit::new(boxed(), 1))), is_boxed_rejection).await;
}

#[tokio::test(start_paused = true)]
async fn it_works_above_and_below_a_balancer() {
    let layer = Timeout::new("timeout", SECOND).layer();
    let boxed = || service_fn(answers_seven).map_err(BoxError::from);
    let endpoints = [0; 2].map(|_| PendingRequests::new(layer.layer(boxed()), CompleteOnResponse::default()));
    assert_limits(Balance::new(ServiceList::new::<u32>(endpoints)), is_boxed_rejection).await;
    let endpoints = [0; 2].map(|_| PendingRequests::new(boxed(), CompleteOnResponse::default()));
    assert_limits(layer.layer(Balance::new(ServiceList::new::<u32>(endpoints))), is_boxed_rejection).await;
}

#[tokio::test(start_paused = true)]
async fn a_buffer_does_not_pass_the_deadline_on() {
    let sees = service_fn(|()| future::ready(Ok::<_, BoxError>(Deadline::current().is_some())));
    let layer = Timeout::new("timeout", SECOND).layer();
    assert!(layer.layer(sees).oneshot(()).await.unwrap());
    assert!(!layer.layer(Buffer::new(sees, 1)).oneshot(()).await.unwrap(), "its worker is another task");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_ones_own_carries_the_rejection() {
    let service = Timeout::new("timeout", SECOND).layer().layer(service_fn(answers_seven).map_err(ClientError::Io));
    assert_limits(service, |error| match error {
        ClientError::Rejected(rejection) => timed_out(&rejection).limit() == SECOND,
        ClientError::Io(error) => panic!("{error}"),
    })
    .await;
}

/// A service that can be neither cloned nor sent, and whose request is borrowed.
struct Local(Rc<()>);

impl<'a> Service<&'a str> for Local {
    type Response = &'a str;
    type Error = Error<Failed>;
    type Future = future::Ready<Result<&'a str, Error<Failed>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: &'a str) -> Self::Future {
        assert_eq!(Rc::strong_count(&self.0), 1);
        future::ready(Ok(request))
    }
}

#[test]
fn an_inner_service_need_be_neither_clone_nor_send_and_its_request_may_be_borrowed() {
    let mut service = Timeout::new("timeout", SECOND).layer().layer(Local(Rc::default()));
    let request = String::from("hello");
    assert_eq!(service.call(&request).now_or_never(), Some(Ok("hello")));
}
