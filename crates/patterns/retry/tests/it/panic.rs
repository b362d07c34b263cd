//! A panic of the caller's code comes out of the call; the budget keeps what was not spent, and the retry goes on.

use std::{
    cell::Cell,
    future::{self, Future, Ready},
    rc::Rc,
    task::{Context, Poll},
};

use crate::support::{Failed, Reply, Way, exactly, failed, free, plain, quick, run};
use seawall_core::{Backoff, Budget, Error, Hint, Outcome, time::ManualClock};
use seawall_retry::{Attempt, CloneRequest, Retry};
use seawall_testkit::{
    call::{ends, steps},
    clock::LeapingClock,
    panics::panic_message,
    time::SECOND,
};
use tokio_test::{assert_pending, task};
use tower::{Layer, Service, ServiceExt};

/// Where the caller's code panics, in one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Closure,
    /// In that poll of the attempt's future.
    Poll(u32),
    RetryIf,
    Hint,
    /// In the drop of a result that is not the last.
    Drop,
}

const PLACES: [Place; 7] =
    [Place::Closure, Place::Poll(0), Place::Poll(1), Place::Poll(2), Place::RetryIf, Place::Hint, Place::Drop];

/// A response that panics when it is dropped, if it is told to.
struct Response(bool);

impl Drop for Response {
    fn drop(&mut self) {
        assert!(!self.0, "boom");
    }
}

type Ended = Result<Response, Error<Failed>>;

/// How many attempts are there.
struct Alive(Rc<Cell<u32>>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

fn attempt(boom: Option<Place>, alive: &Rc<Cell<u32>>) -> impl Future<Output = Ended> + use<> {
    assert_ne!(boom, Some(Place::Closure), "boom");
    alive.set(alive.get() + 1);
    let alive = Alive(alive.clone());
    let polls = match boom {
        Some(Place::Poll(poll)) => poll,
        _ => 2,
    };
    async move {
        let _alive = alive;
        let end = move || {
            assert!(!matches!(boom, Some(Place::Poll(_))), "boom");
            Ok(Response(boom == Some(Place::Drop)))
        };
        steps(polls, end).await
    }
}

const SAVED: u32 = 10;

/// Nothing comes in but what is given back.
fn saved() -> Budget {
    let budget = Budget::ratio(0.0).floor(0);
    (0..SAVED).for_each(|_| budget.refund());
    budget
}

/// Polls to the end, woken or not.
fn poll_on<F: Future>(call: F) -> F::Output {
    let mut call = task::spawn(call);
    loop {
        if let Poll::Ready(output) = call.poll() {
            return output;
        }
    }
}

#[test]
fn a_panic_anywhere_comes_out_and_costs_no_more_than_the_attempts_that_began() {
    for way in Way::ALL {
        for place in PLACES {
            for at in 1..=3 {
                if place == Place::Drop && at == 3 {
                    // The last result is the caller's.
                    continue;
                }
                let row = format!("{way:?}, {place:?} in attempt {at}");
                let budget = saved();
                let retry = free()
                    .clock(LeapingClock::default())
                    .backoff(exactly(SECOND))
                    .budget(budget.clone())
                    .retry_if(move |attempt: &Attempt, _: &Ended| {
                        assert!(!(place == Place::RetryIf && attempt.number() == at), "boom");
                        true
                    })
                    .hint(move |attempt: &Attempt, _: &Ended| {
                        assert!(!(place == Place::Hint && attempt.number() == at), "boom");
                        Hint::None
                    })
                    .build();
                let (begun, alive) = (Cell::new(0), Rc::new(Cell::new(0)));
                let words = panic_message(|| {
                    poll_on(way.start(&retry, || {
                        begun.set(begun.get() + 1);
                        attempt((begun.get() == at).then_some(place), &alive)
                    }))
                });
                assert!(words.is_some_and(|words| words.contains("boom")), "{row}");
                assert_eq!((begun.get(), alive.get()), (at, 0), "{row}");
                assert_eq!(budget.balance(), f64::from(SAVED - (at - 1)), "{row}");
                if !matches!(place, Place::RetryIf | Place::Hint) {
                    assert!(poll_on(retry.call(|| attempt(None, &alive))).is_ok(), "{row}: it goes on");
                }
            }
        }
    }
}

#[test]
fn a_panic_of_a_classifier_comes_out() {
    for way in Way::ALL {
        let budget = saved();
        let judge = |_: &Reply| -> Outcome { panic!("boom") };
        let retry = quick().clock(ManualClock::new()).budget(budget.clone()).classify(judge).build();
        assert_eq!(panic_message(|| run(way, &retry, failed)).as_deref(), Some("boom"), "{way:?}");
        assert_eq!(budget.balance(), f64::from(SAVED), "{way:?}");
    }
}

#[test]
fn a_panic_in_a_blocking_call_comes_out_and_spends_nothing() {
    let budget = saved();
    let build = || quick().clock(ManualClock::new()).budget(budget.clone());
    let blocking = |retry: &Retry<_, _>| panic_message(|| retry.execute_blocking(|| -> Reply { panic!("boom") }));
    assert_eq!(blocking(&build().build()).as_deref(), Some("boom"));
    let retry = build().retry_if(|_: &Attempt, _: &Ended| true).build();
    let words = panic_message(|| retry.execute_blocking(|| Ended::Ok(Response(true))));
    assert_eq!(words.as_deref(), Some("boom"));
    assert_eq!(budget.balance(), f64::from(SAVED));
}

#[test]
fn a_call_whose_closure_panicked_says_that_it_has_ended_if_it_is_polled_on() {
    let (builder, _) = plain();
    let retry = builder.build();
    let attempts = Cell::new(0);
    let mut call = task::spawn(retry.call(|| {
        attempts.set(attempts.get() + 1);
        assert!(attempts.get() < 2, "boom");
        future::ready(failed(1))
    }));
    assert_eq!(panic_message(|| call.poll()).as_deref(), Some("boom"));
    let words = panic_message(|| call.poll());
    assert_eq!((words.as_deref(), attempts.get()), (Some("a call was polled after it had ended"), 2));
}

#[test]
fn a_future_that_panicked_and_is_polled_on_is_polled_on() {
    let retry = quick().build();
    let polls = Cell::new(0);
    let mut call = task::spawn(retry.call(|| {
        future::poll_fn(|_| {
            polls.set(polls.get() + 1);
            assert!(polls.get() > 1, "boom");
            Poll::Ready(failed(1))
        })
    }));
    assert!(panic_message(|| call.poll()).is_some());
    assert_eq!(tokio_test::assert_ready!(call.poll()), failed(1));
}

// ===== services =====

/// Where a service or its request panics, in the second attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    PollReady,
    Call,
    CloneRequest,
    Mark,
}

#[derive(Clone)]
struct Fragile(Part, Rc<Cell<u32>>);

impl Service<u32> for Fragile {
    type Response = u32;
    type Error = Error<Failed>;
    type Future = Ready<Reply>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error<Failed>>> {
        assert!(!(self.0 == Part::PollReady && self.1.get() == 1), "boom");
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u32) -> Ready<Reply> {
        self.1.set(self.1.get() + 1);
        assert!(!(self.0 == Part::Call && self.1.get() == 2), "boom");
        future::ready(failed(self.1.get()))
    }
}

impl CloneRequest<u32> for Fragile {
    fn clone_request(&self, request: &u32) -> Option<u32> {
        assert!(!(self.0 == Part::CloneRequest && self.1.get() == 1), "boom");
        Some(*request)
    }

    fn mark(&self, _: &mut u32, attempt: Attempt) {
        assert!(!(self.0 == Part::Mark && attempt.number() == 2), "boom");
    }
}

#[test]
fn a_panic_of_a_service_or_a_request_comes_out_and_the_service_goes_on() {
    for part in [Part::PollReady, Part::Call, Part::CloneRequest, Part::Mark] {
        let budget = saved();
        let retry = quick().clock(ManualClock::new()).budget(budget.clone()).backoff(Backoff::constant(SECOND / 1_000));
        let retry = retry.clock(LeapingClock::default()).build();
        let fragile = Fragile(part, Rc::default());
        let mut service = retry.layer().clone_request(fragile.clone()).layer(fragile.clone());
        let words = panic_message(|| ends(async { service.ready().await?.call(7).await }));
        assert_eq!(words.as_deref(), Some("boom"), "{part:?}");
        assert_eq!(budget.balance(), f64::from(SAVED - 1), "{part:?}");
        if part != Part::Mark {
            fragile.1.set(2);
            assert_eq!(ends(async { service.ready().await?.call(7).await }), failed(5), "{part:?}");
        }
    }
}

#[test]
fn a_panic_while_a_waiting_call_is_dropped_gives_back_what_it_paid() {
    struct Boom;
    impl Drop for Boom {
        fn drop(&mut self) {
            panic!("boom");
        }
    }
    let budget = saved();
    let retry = free().clock(ManualClock::new()).budget(budget.clone()).backoff(exactly(SECOND)).build();
    let boom = Boom;
    let mut call = task::spawn(retry.execute(|| {
        let _used = &boom;
        future::ready(failed(1))
    }));
    assert_pending!(call.poll());
    drop(call);
    assert_eq!(budget.balance(), f64::from(SAVED));
    let mut call = task::spawn(retry.execute(move || {
        let _used = &boom;
        future::ready(failed(1))
    }));
    assert_pending!(call.poll());
    assert_eq!(panic_message(move || drop(call)).as_deref(), Some("boom"));
    assert_eq!(budget.balance(), f64::from(SAVED));
}
