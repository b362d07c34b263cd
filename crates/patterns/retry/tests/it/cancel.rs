//! A call that is dropped, wherever it is: the attempt goes, nothing else is called, and the budget is as if the attempt
//! that it waited for had never been thought of.

use crate::support;
use std::{cell::Cell, future::Future, pin::pin, rc::Rc, time::Duration};

use crate::support::{Reply, Way, exactly, failed, log, quick};
use seawall_core::{Budget, time::ManualClock};
use seawall_testkit::{call::steps, time::SECOND};
use tokio_test::{assert_pending, task};

/// Counts the attempts that were begun, and those that live.
#[derive(Clone, Default)]
struct Attempts {
    begun: Rc<Cell<u32>>,
    alive: Rc<Cell<u32>>,
}

struct Alive(Rc<Cell<u32>>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Attempts {
    /// An attempt that is pending for so many polls, and fails.
    fn begin(&self, pending: u32) -> impl Future<Output = Reply> + use<> {
        self.begun.set(self.begun.get() + 1);
        assert_eq!(self.alive.replace(1), 0, "the one before is gone");
        let alive = Alive(self.alive.clone());
        async move {
            let _alive = alive;
            steps(pending, || failed(1)).await
        }
    }
}

const SAVED: u32 = 100;

/// A call is begun, goes on for so many polls, and is dropped. Whether it had ended before.
fn drop_after(polls: u32, pending: u32, wait: Duration, way: Way) -> bool {
    // Nothing comes in but what is given back.
    let (clock, budget) = (ManualClock::new(), Budget::ratio(0.0).floor(0).burst(SAVED));
    (0..SAVED).for_each(|_| budget.refund());
    let (log, observer) = log();
    let builder = quick().backoff(exactly(wait)).budget(budget.clone()).clock(clock.clone()).max_attempts(60);
    let (retry, attempts) = (builder.on_event(observer).build(), Attempts::default());
    let mut call = task::spawn(way.start(&retry, || attempts.begin(pending)));
    let row = format!("{way:?}, dropped after {polls} polls of attempts of {pending}, {wait:?} apart");
    for _ in 0..polls {
        if call.poll().is_ready() {
            return true;
        }
        // By halves, so that it also is dropped while it waits on.
        clock.advance(wait / 2);
    }
    let begun = attempts.begun.get();
    drop(call);
    assert_eq!((attempts.begun.get(), attempts.alive.get()), (begun, 0), "{row}");
    assert_eq!(budget.balance(), f64::from(SAVED - begun.saturating_sub(1)), "{row}");
    assert!(support::reasons(&log).is_empty(), "{row}: nobody gave it up");
    false
}

#[test]
fn a_call_dropped_after_any_poll_leaves_nothing_behind() {
    for way in Way::ALL {
        for pending in [0, 1, 2] {
            for wait in [Duration::ZERO, SECOND] {
                let mut polls = 0;
                while !drop_after(polls, pending, wait, way) {
                    polls += 1;
                }
                assert!(polls >= 3, "{way:?}: it was dropped in few states");
            }
        }
    }
}

#[test]
fn a_plain_call_begins_its_first_attempt_when_it_is_made_and_drops_it_unpolled() {
    let retry = quick().build();
    for way in [Way::Execute, Way::ExecuteWith, Way::Call, Way::CallWith] {
        let attempts = Attempts::default();
        let call = way.start(&retry, || attempts.begin(0));
        assert_eq!((attempts.begun.get(), attempts.alive.get()), (1, 1), "{way:?}");
        drop(call);
        assert_eq!((attempts.begun.get(), attempts.alive.get()), (1, 0), "{way:?}");
    }
}

#[test]
fn a_call_that_is_dropped_has_paid_in_nevertheless() {
    let budget = Budget::ratio(0.5).floor(0);
    let retry = quick().budget(budget.clone()).build();
    for way in Way::ALL {
        let mut call = task::spawn(way.start(&retry, std::future::pending::<Reply>));
        assert_pending!(call.poll());
    }
    assert_eq!(budget.balance(), 3.0);
}

#[test]
fn a_call_that_is_forgotten_keeps_what_it_paid_and_nothing_else() {
    let (clock, budget) = (ManualClock::new(), Budget::ratio(0.0).floor(2).burst(2));
    let retry = quick().backoff(exactly(SECOND)).budget(budget.clone()).clock(clock).build();
    let mut call = Box::pin(retry.execute(|| std::future::ready(failed(1))));
    assert_pending!(task::spawn(pin!(&mut call)).poll());
    std::mem::forget(call);
    assert_eq!(budget.balance(), 1.0);
}
