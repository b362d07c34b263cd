//! The contract of a tower service: what is polled ready is what is called, for each attempt, and requests are copied
//! and marked as was asked for.

use std::{
    cell::RefCell,
    future::{self, Ready},
    io,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use crate::support::{Failed, Reply, exactly, failed, free, log, plain, quick, reasons};
use seawall_core::{Error, time::ManualClock};
use seawall_retry::{Attempt, Cause, CloneAll, CloneRequest, GaveUp, Plan, RetryService};
use seawall_testkit::{
    call::ends,
    time::{MILLISECOND, SECOND, TICK},
};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt};
use tower_test::mock::{self, Handle};

type Spawned = mock::Spawn<RetryService<mock::Mock<&'static str, u32>, Plan, ManualClock, CloneAll>>;

/// The mock, called again a second after it failed.
fn retried(clock: &ManualClock) -> (Spawned, Handle<&'static str, u32>) {
    let retry = free().backoff(exactly(SECOND)).clock(clock.clone()).build();
    mock::spawn_layer(retry.layer().clone_all())
}

#[test]
fn a_further_attempt_waits_until_the_inner_service_is_ready_for_it() {
    let clock = ManualClock::new();
    let (mut service, mut handle) = retried(&clock);
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call("one"));
    assert_pending!(call.poll());
    assert_ready!(handle.poll_request()).unwrap().1.send_error(io::Error::other("down"));
    assert!(call.is_woken());
    assert_pending!(call.poll());
    clock.advance(SECOND);
    assert!(call.is_woken());
    assert_pending!(call.poll());
    assert_pending!(handle.poll_request());
    handle.allow(1);
    assert!(call.is_woken());
    assert_pending!(call.poll());
    let (request, answer) = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!(request, "one");
    answer.send_response(7);
    assert_eq!(assert_ready_ok!(call.poll()), 7);
}

#[test]
fn a_further_attempt_does_not_begin_before_the_wait_is_over() {
    let clock = ManualClock::new();
    let (mut service, mut handle) = retried(&clock);
    handle.allow(9);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call("one"));
    assert_ready!(handle.poll_request()).unwrap().1.send_error(io::Error::other("down"));
    assert_pending!(call.poll());
    clock.advance(SECOND - TICK);
    assert_pending!(call.poll());
    assert_pending!(handle.poll_request());
    clock.advance(TICK);
    assert_pending!(call.poll());
    assert!(assert_ready!(handle.poll_request()).is_some());
}

#[test]
fn calls_are_independent_and_clones_are_of_one_policy() {
    let clock = ManualClock::new();
    let (mut service, mut handle) = retried(&clock);
    handle.allow(9);
    let mut other = service.clone();
    assert_ready_ok!(service.poll_ready());
    assert_ready_ok!(other.poll_ready());
    let (mut one, mut two) = (task::spawn(service.call("one")), task::spawn(other.call("two")));
    let first = assert_ready!(handle.poll_request()).unwrap();
    let second = assert_ready!(handle.poll_request()).unwrap();
    assert_eq!((first.0, second.0), ("one", "two"));
    first.1.send_error(io::Error::other("down"));
    second.1.send_response(2);
    assert_pending!(one.poll());
    assert_eq!(assert_ready_ok!(two.poll()), 2);
    assert_eq!(service.get_ref().policy().name(), other.get_ref().policy().name());
}

// ===== a service that writes down what happens =====

type Told = Rc<RefCell<Vec<String>>>;

/// Each clone has its number; to call one that was not polled ready is a mistake.
struct Numbered {
    number: u32,
    clones: Rc<RefCell<u32>>,
    ready: bool,
    /// The clone whose `poll_ready` fails.
    broken: u32,
    told: Told,
}

impl Numbered {
    fn new(broken: u32) -> Self {
        Self { number: 0, clones: Rc::default(), ready: false, broken, told: Told::default() }
    }

    fn tell(&self, what: &str) {
        self.told.borrow_mut().push(format!("{what} {}", self.number));
    }
}

impl Clone for Numbered {
    fn clone(&self) -> Self {
        let mut clones = self.clones.borrow_mut();
        *clones += 1;
        Self {
            number: *clones,
            clones: self.clones.clone(),
            ready: false,
            broken: self.broken,
            told: self.told.clone(),
        }
    }
}

impl Service<()> for Numbered {
    type Response = u32;
    type Error = Error<Failed>;
    type Future = Ready<Reply>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error<Failed>>> {
        self.tell("ready");
        self.ready = self.number != self.broken;
        Poll::Ready(if self.ready { Ok(()) } else { Err(Error::Inner(Failed(99))) })
    }

    fn call(&mut self, (): ()) -> Ready<Reply> {
        assert!(std::mem::take(&mut self.ready), "{} was not polled ready", self.number);
        self.tell("call");
        future::ready(failed(self.number))
    }
}

const NONE: u32 = u32::MAX;

#[test]
fn each_attempt_goes_to_the_very_service_that_was_polled_ready() {
    let inner = Numbered::new(NONE);
    let told = inner.told.clone();
    let (builder, _) = plain();
    let mut service = builder.build().layer().clone_all().layer(inner);
    ends(async {
        service.ready().await.unwrap().call(()).await.unwrap_err();
        service.ready().await.unwrap().call(()).await.unwrap_err();
    });
    let call = |numbers: [u32; 3]| numbers.map(|number| [format!("ready {number}"), format!("call {number}")]).concat();
    assert_eq!(*told.borrow(), [call([0, 1, 2]), call([0, 3, 4])].concat());
}

#[test]
fn a_later_attempt_that_cannot_be_made_ready_has_that_error_and_is_retried() {
    for (broken, wanted) in [(1, failed(2)), (2, failed(99))] {
        let inner = Numbered::new(broken);
        let told = inner.told.clone();
        let (builder, clock) = plain();
        let service = builder.build().layer().clone_all().layer(inner);
        assert_eq!(ends(service.oneshot(())), wanted);
        assert_eq!(clock.take_waits(), [MILLISECOND; 2]);
        assert_eq!(told.borrow().iter().filter(|what| what.starts_with("ready")).count(), 3);
        assert!(!told.borrow().contains(&format!("call {broken}")));
    }
}

#[test]
fn an_error_of_the_first_poll_ready_is_the_callers_and_is_not_retried() {
    let (builder, clock) = plain();
    let mut service = builder.build().layer().clone_all().layer(Numbered::new(0));
    assert_eq!(ends(service.ready()).err(), Some(Error::Inner(Failed(99))));
    assert_eq!(clock.take_waits(), []);
}

#[test]
fn one_attempt_clones_no_service() {
    let inner = Numbered::new(NONE);
    let clones = inner.clones.clone();
    let service = quick().max_attempts(1).build().layer().clone_all().layer(inner);
    assert_eq!(ends(service.oneshot(())), failed(0));
    assert_eq!(*clones.borrow(), 0);
}

// ===== requests =====

#[test]
fn a_request_that_cannot_be_sent_again_is_sent_once() {
    let (builder, clock) = plain();
    let (log, observer) = log();
    let retry = builder.max_attempts(4).on_event(observer).build();
    // Two copies are there of each, at most.
    let copy = |left: &u32| left.checked_sub(1);
    let sent = RefCell::new(Vec::new());
    let inner = tower::service_fn(|left: u32| {
        sent.borrow_mut().push(left);
        future::ready(failed(left))
    });
    for (request, wanted) in [(0, vec![0]), (1, vec![1, 0]), (2, vec![2, 1, 0]), (9, vec![9, 8, 7, 6])] {
        let service = retry.layer().clone_request(copy).layer(inner);
        assert_eq!(ends(service.oneshot(request)), failed(*wanted.last().unwrap()));
        assert_eq!(sent.take(), wanted);
    }
    use GaveUp::{Attempts, NotRepeatable};
    assert_eq!(reasons(&log), [NotRepeatable, NotRepeatable, NotRepeatable, Attempts]);
    assert_eq!(clock.take_waits().len(), 6);
}

#[test]
fn a_request_that_cannot_be_sent_again_pays_for_nothing() {
    let budget = seawall_core::Budget::ratio(0.0).floor(5).burst(5);
    let retry = quick().clock(ManualClock::new()).budget(budget.clone()).build();
    let layer = retry.layer().clone_request(|_: &u32| None).any_error();
    assert_eq!(ends(layer.layer(tower::service_fn(|_| future::ready(failed(1)))).oneshot(1)), failed(1));
    assert_eq!(budget.balance(), 5.0);
}

/// Writes down in a request which attempt it is.
#[derive(Debug, Clone, Copy)]
struct Marking;

type Marked = Vec<(u32, Duration, Option<Cause>)>;

impl CloneRequest<Marked> for Marking {
    fn clone_request(&self, request: &Marked) -> Option<Marked> {
        Some(request.clone())
    }

    fn mark(&self, request: &mut Marked, attempt: Attempt) {
        request.push((attempt.number(), attempt.elapsed(), attempt.previous()));
    }
}

#[test]
fn each_request_is_marked_with_its_own_attempt_and_the_copy_is_of_the_unmarked() {
    let (builder, clock) = plain();
    let retry = builder.build();
    let sent = RefCell::new(Vec::new());
    let inner = tower::service_fn(|request: Marked| {
        sent.borrow_mut().push(request);
        clock.advance(SECOND);
        future::ready(failed(1))
    });
    ends(retry.layer().clone_request(Marking).layer(inner).oneshot(vec![])).unwrap_err();
    let (step, failed) = (SECOND + MILLISECOND, Some(Cause::Failed));
    let wanted = [(1, Duration::ZERO, None), (2, step, failed), (3, 2 * step, failed)];
    assert_eq!(sent.into_inner(), wanted.map(|mark| vec![mark]));
}
