//! The tower contract, over a service that is ready when it is told to be.

use crate::support::{Manual, gcra};
use seawall_core::{Error, Rejection, time::ManualClock};
use seawall_policy::GateService;
use seawall_rate_limit::{KeyedRateLimiter, Quota, RateLimitService, RateLimiter};
use seawall_testkit::time::{SECOND, TICK};
use tokio_test::{
    assert_pending, assert_ready, assert_ready_ok,
    task::{self, Spawn},
};
use tower::{Layer, Service, ServiceExt, util::BoxCloneService};
use tower_test::mock::{self, Handle};

type Mock = mock::Mock<u32, u32>;
type Guarded = RateLimitService<Mock, ManualClock>;
type Waiting = GateService<Mock, RateLimiter<ManualClock>>;

/// A service behind the limiter, as its layer makes it, and the end that answers.
fn guard(limiter: &Manual) -> (Spawn<Guarded>, Handle<u32, u32>) {
    guard_by(limiter.layer())
}

/// The same, under backpressure.
fn guard_waiting(limiter: &Manual) -> (Spawn<Waiting>, Handle<u32, u32>) {
    guard_by(limiter.layer().backpressure())
}

fn guard_by<L: Layer<Mock>>(layer: L) -> (Spawn<L::Service>, Handle<u32, u32>) {
    let (mock, mut handle) = mock::pair();
    handle.allow(0);
    (task::spawn(layer.layer(mock)), handle)
}

fn ready<S>(service: &mut Spawn<S>) -> std::task::Poll<Result<(), tower::BoxError>>
where
    S: Service<u32, Error = tower::BoxError> + Unpin,
{
    service.enter(|cx, service| service.get_mut().poll_ready(cx))
}

fn call<S>(service: &mut Spawn<S>) -> Spawn<impl Future<Output = Result<u32, tower::BoxError>> + use<S>>
where
    S: Service<u32, Response = u32, Error = tower::BoxError> + Unpin,
{
    task::spawn(service.enter(|_, service| service.get_mut().call(7)))
}

fn waiting(quota: Quota, max_wait: u32) -> (Manual, ManualClock) {
    let clock = ManualClock::new();
    (RateLimiter::builder("t", quota).max_wait(max_wait * SECOND).clock(clock.clone()).build(), clock)
}

fn is_rejection(error: &tower::BoxError) -> bool {
    error.downcast_ref::<Rejection>().is_some()
}

#[tokio::test]
async fn a_refused_call_never_touches_the_inner_service_and_leaves_it_ready_for_the_next_one() {
    let (limiter, clock) = gcra(Quota::every(SECOND));
    let (mut service, mut handle) = guard(&limiter);
    limiter.try_acquire().unwrap();
    assert_pending!(ready(&mut service), "the inner service is asked first");
    handle.allow(1);
    assert_ready_ok!(ready(&mut service));
    let error = assert_ready!(call(&mut service).poll()).unwrap_err();
    assert!(is_rejection(&error));
    assert!(task::spawn(handle.next_request()).poll().is_pending());
    assert_eq!(limiter.snapshot().rejected(), 1);
    clock.advance(SECOND);
    assert_ready_ok!(ready(&mut service), "it is ready still");
    assert_pending!(call(&mut service).poll());
    assert_eq!(handle.next_request().await.unwrap().0, 7);
}

#[tokio::test]
async fn a_call_that_passes_waits_for_the_inner_service_and_takes_its_share_only_then() {
    let (limiter, _clock) = gcra(Quota::every(SECOND));
    let (mut service, mut handle) = guard(&limiter);
    assert_pending!(ready(&mut service));
    assert_eq!(limiter.available(), 1);
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(ready(&mut service));
    let mut response = call(&mut service);
    assert_eq!(limiter.available(), 0);
    let (request, answer) = handle.next_request().await.unwrap();
    answer.send_response(request + 1);
    assert_eq!(assert_ready_ok!(response.poll()), 8);
}

#[tokio::test]
async fn the_call_asks_and_not_poll_ready() {
    let (limiter, clock) = gcra(Quota::every(SECOND));
    let (mut service, mut handle) = guard(&limiter);
    handle.allow(1);
    limiter.try_acquire().unwrap();
    assert_ready_ok!(ready(&mut service));
    clock.advance(SECOND);
    assert_ready_ok!(ready(&mut service));
    assert_pending!(call(&mut service).poll());
}

#[tokio::test]
async fn under_backpressure_it_waits_for_its_turn_before_it_asks_the_inner_service() {
    let (limiter, clock) = gcra(Quota::every(SECOND));
    let (mut service, mut handle) = guard_waiting(&limiter);
    handle.allow(1);
    limiter.try_acquire().unwrap();
    assert_pending!(ready(&mut service));
    assert_eq!(limiter.queued(), 1);
    clock.advance(SECOND - TICK);
    assert_pending!(ready(&mut service));
    clock.advance(TICK);
    assert!(service.is_woken());
    assert_ready_ok!(ready(&mut service));
    // It holds its share for the call that follows, however long that takes.
    assert_eq!((limiter.queued(), limiter.available()), (0, 0));
    assert_ready_ok!(ready(&mut service));
    let mut response = call(&mut service);
    let (_, answer) = handle.next_request().await.unwrap();
    answer.send_response(1);
    assert_ready_ok!(response.poll());
}

#[tokio::test]
async fn a_service_that_goes_without_a_call_gives_its_share_back() {
    let (limiter, _clock) = gcra(Quota::every(SECOND));
    let (mut service, mut handle) = guard_waiting(&limiter);
    handle.allow(1);
    assert_ready_ok!(ready(&mut service));
    assert_eq!(limiter.available(), 0);
    drop(service);
    assert_eq!(limiter.available(), 1);
}

#[tokio::test]
async fn an_error_of_the_inner_service_gives_the_share_back() {
    let (limiter, _clock) = gcra(Quota::every(SECOND));
    let (mut service, mut handle) = guard_waiting(&limiter);
    handle.send_error("gone");
    assert!(assert_ready!(ready(&mut service)).is_err());
    assert_eq!(limiter.available(), 1);
}

#[tokio::test]
async fn a_clone_starts_without_what_the_other_one_holds() {
    let (limiter, _clock) = gcra(Quota::every(SECOND));
    let (mut service, mut handle) = guard_waiting(&limiter);
    handle.allow(2);
    assert_ready_ok!(ready(&mut service));
    let mut clone = task::spawn((*service).clone());
    assert_pending!(ready(&mut clone));
    drop(service);
    assert!(clone.is_woken());
    assert_ready_ok!(ready(&mut clone));
}

#[tokio::test]
async fn with_a_longest_wait_the_call_waits_in_its_future_and_a_wait_in_vain_is_a_refused_call() {
    let (limiter, clock) = waiting(Quota::every(SECOND), 1);
    let (mut service, mut handle) = guard(&limiter);
    handle.allow(2);
    limiter.try_acquire().unwrap();
    assert_ready_ok!(ready(&mut service));
    let mut waits = call(&mut service);
    assert_pending!(waits.poll());
    assert_eq!(limiter.queued(), 1);
    // Behind it there is no room in time.
    assert_ready_ok!(ready(&mut service));
    assert!(is_rejection(&assert_ready!(call(&mut service).poll()).unwrap_err()));
    assert!(task::spawn(handle.next_request()).poll().is_pending(), "no request was sent");
    clock.advance(SECOND);
    assert!(waits.is_woken());
    assert_pending!(waits.poll());
    handle.next_request().await.unwrap().1.send_response(8);
    assert_eq!(assert_ready_ok!(waits.poll()), 8);
}

#[tokio::test]
async fn a_service_told_to_wait_in_ready_waits_and_a_wait_in_vain_is_a_refused_call() {
    let (limiter, clock) = waiting(Quota::every(SECOND), 1);
    let (mut service, mut handle) = guard_by(limiter.layer().waits_in_ready());
    handle.allow(1);
    limiter.try_acquire().unwrap();
    assert_pending!(ready(&mut service));
    // Behind it there is no room in time: ready at once, to be refused.
    let (mut late, _) = guard_by(limiter.layer().waits_in_ready());
    assert_ready_ok!(ready(&mut late));
    assert!((*late).policy().queued() == 1);
    // It has been told, and does not wait a second time.
    assert_ready_ok!(ready(&mut late));
    assert!(is_rejection(&assert_ready!(call(&mut late).poll()).unwrap_err()));
    clock.advance(SECOND);
    assert!(service.is_woken());
    assert_ready_ok!(ready(&mut service));
    assert_pending!(call(&mut service).poll());
}

#[tokio::test]
async fn a_call_without_poll_ready_is_asked_then() {
    let (limiter, _clock) = waiting(Quota::every(SECOND), 1);
    limiter.try_acquire().unwrap();
    let inner = tower::service_fn(|_: u32| async { Ok::<u32, Error<()>>(1) });
    let mut service = limiter.layer().waits_in_ready().layer(inner);
    assert!(matches!(service.call(1).await, Err(Error::Rejected(_))));
}

#[tokio::test(start_paused = true)]
async fn it_works_boxed_cloned_buffered_and_in_one_shot() {
    let limiter = RateLimiter::builder("t", Quota::every(SECOND).burst(2)).max_wait(60 * SECOND).build();
    let inner = tower::service_fn(|number: u32| async move { Ok::<u32, Error<std::io::Error>>(number) });
    let service = BoxCloneService::new(limiter.layer().layer(inner));
    let buffered = tower::buffer::Buffer::new(service.clone(), 4);
    let begun = tokio::time::Instant::now();
    let calls = (0..3).map(|number| service.clone().oneshot(number));
    assert_eq!(futures::future::try_join_all(calls).await.unwrap(), [0, 1, 2]);
    assert_eq!(buffered.oneshot(9).await.unwrap(), 9);
    // Two at once, and one a second after that; tokio's timers go by milliseconds.
    assert!(begun.elapsed().abs_diff(2 * SECOND) < std::time::Duration::from_millis(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_response_can_answer_for_a_refusal() {
    let (limiter, _clock) = gcra(Quota::every(SECOND));
    let inner = tower::service_fn(|_: u32| async { Ok::<_, std::convert::Infallible>(String::from("asked")) });
    let service = limiter.layer().on_reject(|rejection| rejection.kind().to_owned()).layer(inner);
    assert_eq!(service.clone().oneshot(1).await.unwrap(), "asked");
    assert_eq!(service.oneshot(1).await.unwrap(), "rate limited");
}

#[tokio::test]
async fn keys_of_requests_are_limited_apart() {
    let clock = ManualClock::new();
    let limiter = KeyedRateLimiter::<u32>::builder("t", Quota::every(SECOND)).clock(clock.clone()).build();
    let (mock, mut handle) = mock::pair::<u32, u32>();
    let mut service = task::spawn(limiter.layer(|request: &u32| request % 2).layer(mock));
    handle.allow(4);
    let mut ask = |request: u32| {
        assert_ready_ok!(service.enter(|cx, mut service| service.poll_ready(cx)));
        task::spawn(service.enter(|_, mut service| service.call(request)))
    };
    let (mut even, mut odd, mut again) = (ask(2), ask(3), ask(4));
    assert!(is_rejection(&assert_ready!(again.poll()).unwrap_err()));
    for expected in [2, 3] {
        let (request, answer) = handle.next_request().await.unwrap();
        assert_eq!(request, expected);
        answer.send_response(request);
    }
    assert_eq!((assert_ready_ok!(even.poll()), assert_ready_ok!(odd.poll())), (2, 3));
    assert_eq!((limiter.len(), limiter.rejected()), (2, 1));
    clock.advance(SECOND);
    assert_pending!(ask(6).poll());
}
