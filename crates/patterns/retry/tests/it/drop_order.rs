//! What is dropped when: a result before the wait, an attempt before the next.

use crate::support;
use std::{
    cell::Cell,
    future::{self, Future, Ready},
    mem,
    rc::Rc,
    sync::{Arc, Mutex},
};

use crate::support::{Failed, Way, exactly, free};
use seawall_core::{
    Error,
    time::{Clock, Instant, Timer},
};
use seawall_retry::{Attempt, CloneRequest};
use seawall_testkit::{call::ends, clock::LeapingClock, time::SECOND};
use tower::{Layer, ServiceExt, service_fn};

/// What happened, in turn.
#[derive(Debug, Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn tell(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Tells that it is dropped.
struct Noisy(&'static str, u32, Told);

impl Drop for Noisy {
    fn drop(&mut self) {
        self.2.tell(format!("{} {} goes", self.0, self.1));
    }
}

/// Tells that it is waited for.
#[derive(Clone)]
struct NoisyTimer(LeapingClock, Told);

impl Clock for NoisyTimer {
    fn now(&self) -> Instant {
        self.0.now()
    }
}

impl Timer for NoisyTimer {
    type Sleep = Ready<()>;

    fn sleep_until(&self, deadline: Instant) -> Ready<()> {
        self.1.tell("sleep");
        self.0.sleep_until(deadline)
    }
}

type Noise = Result<Noisy, Error<Failed>>;

/// An attempt that tells of its coming and going, and has a response that does.
fn attempt(number: u32, told: &Told) -> impl Future<Output = Noise> + use<> {
    told.tell(format!("attempt {number} comes"));
    let (alive, response) = (Noisy("attempt", number, told.clone()), Noisy("response", number, told.clone()));
    let mut parts = Some((alive, response));
    // The attempt is there until its future is dropped, and not only until it ends.
    let mut held = None;
    future::poll_fn(move |_| {
        let (alive, response) = parts.take().unwrap();
        held.get_or_insert(alive);
        std::task::Poll::Ready(Ok(response))
    })
}

#[test]
fn a_result_goes_before_the_wait_and_an_attempt_before_the_next_comes() {
    for way in Way::ALL {
        for wait in [0, 1] {
            let (clock, told, number) = (LeapingClock::default(), Told::default(), Cell::new(0));
            let builder = free().backoff(exactly(wait * SECOND)).clock(NoisyTimer(clock, told.clone()));
            let retry = builder.retry_if(|attempt: &Attempt, _: &Noise| attempt.number() < 2).build();
            let last = ends(way.start(&retry, || {
                number.set(number.get() + 1);
                attempt(number.get(), &told)
            }));
            let mut wanted = vec!["attempt 1 comes", "response 1 goes"];
            wanted.extend((wait > 0).then_some("sleep"));
            wanted.extend(["attempt 1 goes", "attempt 2 comes", "attempt 2 goes"]);
            assert_eq!(told.take(), wanted, "{way:?}");
            drop(last);
            assert_eq!(told.take(), ["response 2 goes"], "{way:?}");
        }
    }
}

/// A request whose copies tell that they are dropped.
struct Request(u32, Told);

impl Drop for Request {
    fn drop(&mut self) {
        self.1.tell(format!("copy {} goes", self.0));
    }
}

#[derive(Clone)]
struct Copies(Rc<Cell<u32>>);

impl CloneRequest<Request> for Copies {
    fn clone_request(&self, request: &Request) -> Option<Request> {
        self.0.set(self.0.get() + 1);
        Some(Request(self.0.get(), request.1.clone()))
    }
}

#[test]
fn the_first_attempt_sends_the_request_itself_and_the_last_one_the_last_copy() {
    let (told, sent) = (Told::default(), std::cell::RefCell::new(Vec::new()));
    let inner = service_fn(|request: Request| {
        sent.borrow_mut().push(request.0);
        future::ready(support::failed(1))
    });
    let retry = free().clock(LeapingClock::default()).build();
    let service = retry.layer().clone_request(Copies(Rc::default())).layer(inner);
    ends(service.oneshot(Request(0, told.clone()))).unwrap_err();
    assert_eq!(sent.into_inner(), [0, 1, 2]);
    assert_eq!(told.take(), ["copy 0 goes", "copy 1 goes", "copy 2 goes"]);
}
