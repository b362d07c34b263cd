//! A passage: a call's way through a gate whose handle comes with each poll.

use std::{
    cell::RefCell,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
};

use crate::door::{Door, Hooks, InLine, Place};
use futures::task::noop_waker_ref;
use seawall_core::{Mark, Outcome, Rejection, time::ManualClock};
use seawall_policy::{Admission, Admit, Callee, GateCall, Policy, Waiting};
use seawall_testkit::{panics::panic_message, time::SECOND};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok};

/// A callee whose call is pending for `pending` polls. It logs what it is told.
struct Inner {
    pending: u32,
    panics_at: &'static str,
    log: Rc<RefCell<Vec<&'static str>>>,
    watched: Rc<RefCell<Option<Door>>>,
}

type Call = Dropped;

/// A call that logs its drop, and whether its place is still taken then.
struct Dropped {
    log: Rc<RefCell<Vec<&'static str>>>,
    watched: Rc<RefCell<Option<Door>>>,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.log.borrow_mut().push("dropped");
        if let Some(door) = &*self.watched.borrow() {
            let (taken, _) = door.taken_and_waiting();
            self.log.borrow_mut().push(if taken == 0 { "its place is free" } else { "its place is taken" });
        }
    }
}

impl Inner {
    fn new(pending: u32) -> Self {
        Self { pending, panics_at: "", log: Rc::default(), watched: Rc::default() }
    }

    fn note(&self, what: &'static str) {
        self.log.borrow_mut().push(what);
        assert_ne!(self.panics_at, what, "the callee");
    }

    fn log(&self) -> Vec<&'static str> {
        self.log.borrow().clone()
    }
}

impl Callee for Inner {
    type Call = Call;
    type Output = Result<u32, Rejection>;

    fn begin(&mut self) -> Call {
        self.note("begun");
        Dropped { log: self.log.clone(), watched: self.watched.clone() }
    }

    fn poll(&mut self, _: Pin<&mut Call>, _: &mut Context<'_>) -> Poll<Self::Output> {
        self.note("polled");
        match self.pending.checked_sub(1) {
            Some(fewer) => {
                self.pending = fewer;
                Poll::Pending
            }
            None => Poll::Ready(Ok(7)),
        }
    }

    fn postpone(&mut self) {
        self.note("postponed");
    }
}

type Way = GateCall<Call, Place, Waiting<InLine, Door>>;

fn verdict(_: &Door, result: &Result<u32, Rejection>, _: Mark) -> Option<Outcome> {
    Some(if result.is_ok() { Outcome::Success } else { Outcome::Failure })
}

fn poll(way: Pin<&mut Way>, door: &Door, inner: &mut Inner) -> Poll<Result<u32, Rejection>> {
    way.poll(door, inner, &mut Context::from_waker(noop_waker_ref()), verdict)
}

#[test]
fn with_leave_the_call_begins_at_once_and_is_settled_by_the_verdict() {
    let (door, mut inner) = (Door::new(1), Inner::new(1));
    let mut way = pin!(Way::begin(&door, &mut inner));
    assert_eq!(format!("{way:?}"), r#"GateCall("running")"#);
    assert_eq!((inner.log(), door.taken_and_waiting()), (vec!["begun"], (1, 0)));
    assert_pending!(poll(way.as_mut(), &door, &mut inner));
    assert_eq!(assert_ready_ok!(poll(way.as_mut(), &door, &mut inner)), 7);
    assert_eq!((door.taken_and_waiting(), door.counts().succeeded), ((0, 0), 1), "at once");
    way.abandon(&door, |_| ());
    assert_eq!((door.counts().abandoned, door.counts().succeeded), (0, 1), "a call that has ended has no leave");
}

#[test]
fn a_call_without_a_verdict_is_abandoned() {
    let (door, mut inner) = (Door::new(1), Inner::new(0));
    let mut way = pin!(Way::begin(&door, &mut inner));
    let cx = &mut Context::from_waker(noop_waker_ref());
    assert_ready_ok!(way.as_mut().poll(&door, &mut inner, cx, |_, _, _| None));
    assert_eq!((door.taken_and_waiting(), door.counts().abandoned), ((0, 0), 1));
}

#[test]
fn without_leave_the_call_does_not_begin_and_the_rejection_is_given_out_once() {
    let (door, mut inner) = (Door::new(0), Inner::new(0));
    let mut way = pin!(Way::begin(&door, &mut inner));
    assert_eq!(format!("{way:?}"), r#"GateCall("refused")"#);
    let rejection = assert_ready!(poll(way.as_mut(), &door, &mut inner)).unwrap_err();
    assert_eq!((rejection.policy(), door.counts().rejected, inner.log()), ("door", 1, vec![]));
    let message = panic_message(|| poll(way.as_mut(), &door, &mut inner));
    assert_eq!(message.as_deref(), Some("a call was polled after it had ended"));
}

#[test]
fn a_call_that_waits_is_postponed_and_begins_when_its_turn_comes() {
    let door = Door::with_line(1, SECOND, &ManualClock::new());
    let (ticket, mut inner) = (door.enter().unwrap(), Inner::new(0));
    let mut way = pin!(Way::begin(&door, &mut inner));
    assert_eq!(format!("{way:?}"), r#"GateCall("waiting")"#);
    assert_eq!((inner.log(), door.taken_and_waiting()), (vec!["postponed"], (1, 0)));
    assert_pending!(poll(way.as_mut(), &door, &mut inner));
    assert_eq!(door.taken_and_waiting(), (1, 1));
    drop(ticket);
    assert_eq!(assert_ready_ok!(poll(way.as_mut(), &door, &mut inner)), 7);
    assert_eq!((inner.log(), door.taken_and_waiting()), (vec!["postponed", "begun", "polled"], (0, 0)));
}

#[test]
fn a_passage_that_is_dropped_while_it_waits_leaves_the_line_by_itself() {
    let door = Door::with_line(1, SECOND, &ManualClock::new());
    let (_ticket, mut inner) = (door.enter().unwrap(), Inner::new(0));
    let mut way = Box::pin(Way::begin(&door, &mut inner));
    assert_pending!(poll(way.as_mut(), &door, &mut inner));
    assert_eq!(door.taken_and_waiting(), (1, 1));
    drop(way);
    assert_eq!(door.taken_and_waiting(), (1, 0));
}

#[test]
fn an_abandoned_call_is_dropped_from_the_inside_and_then_its_leave_is_given_back() {
    let (door, mut inner) = (Door::new(1), Inner::new(9));
    let mut way = Box::pin(Way::begin(&door, &mut inner));
    assert_pending!(poll(way.as_mut(), &door, &mut inner));
    let order = inner.log.clone();
    order.borrow_mut().clear();
    inner.watched.replace(Some(door.clone()));
    way.as_mut().abandon(&door, |_| {
        order.borrow_mut().push("inside");
        assert_eq!(door.taken_and_waiting(), (1, 0));
    });
    assert_eq!(inner.log(), ["inside", "dropped", "its place is taken"]);
    assert_eq!((door.taken_and_waiting(), door.counts().abandoned), ((0, 0), 1));
    way.as_mut().abandon(&door, |_| unreachable!("a call is abandoned once"));
    drop(way);
    assert_eq!((inner.log().len(), door.counts().abandoned), (3, 1));
}

#[test]
fn a_passage_that_is_dropped_by_itself_gives_nothing_back() {
    let (door, mut inner) = (Door::new(1), Inner::new(9));
    drop(Way::begin(&door, &mut inner));
    assert_eq!((inner.log(), door.taken_and_waiting()), (vec!["begun", "dropped"], (1, 0)));
}

#[test]
fn a_panic_on_the_way_in_or_in_a_poll_fails_the_call_and_goes_on() {
    for panics_at in ["begun", "polled"] {
        for waits in [false, true] {
            let door = Door::with_line(1, SECOND, &ManualClock::new());
            let ticket = waits.then(|| door.enter().unwrap());
            let mut inner = Inner { panics_at, ..Inner::new(0) };
            let message = panic_message(|| {
                let mut way = pin!(Way::begin(&door, &mut inner));
                if let Some(ticket) = ticket {
                    assert_pending!(poll(way.as_mut(), &door, &mut inner));
                    drop(ticket);
                }
                let message = panic_message(|| poll(way.as_mut(), &door, &mut inner)).unwrap();
                assert_eq!((door.taken_and_waiting(), door.counts().failed), ((0, 0), 1), "at once");
                // Only a bad executor polls it again.
                assert!(panic_message(|| poll(way.as_mut(), &door, &mut inner)).is_some());
                way.abandon(&door, |_| ());
                panic!("{message}")
            });
            assert!(message.is_some_and(|message| message.contains("the callee")), "{panics_at}, waits: {waits}");
            assert_eq!((door.taken_and_waiting(), door.counts().failed), ((0, 0), 1), "{panics_at}, waits: {waits}");
        }
    }
}

#[test]
fn a_panic_of_the_verdict_fails_the_call() {
    let (door, mut inner) = (Door::new(1), Inner::new(0));
    let mut way = pin!(Way::begin(&door, &mut inner));
    let cx = &mut Context::from_waker(noop_waker_ref());
    let message = panic_message(|| way.as_mut().poll(&door, &mut inner, cx, |_, _, _| panic!("the verdict")));
    assert_eq!((message.as_deref(), door.counts().failed), (Some("the verdict"), 1));
}

#[test]
fn a_call_that_panics_while_it_is_abandoned_gives_its_leave_back() {
    let (door, mut inner) = (Door::new(1), Inner::new(9));
    let mut way = Box::pin(Way::begin(&door, &mut inner));
    let message = panic_message(|| way.as_mut().abandon(&door, |_| panic!("the inside")));
    assert_eq!(message.as_deref(), Some("the inside"));
    assert_eq!((door.taken_and_waiting(), door.counts().abandoned), ((0, 0), 1));
}

#[test]
fn a_gate_whose_abandon_panics_does_not_abort_a_call_that_panics() {
    let hooks = Hooks { abandon: || panic!("the abandon"), ..Hooks::default() };
    let door = Door::with(1, None, &ManualClock::new(), hooks);
    let name = "a_gate_whose_abandon_panics_does_not_abort_a_call_that_panics";
    seawall_testkit::process::in_its_own_process(module_path!(), name, || {
        let mut inner = Inner::new(9);
        let mut way = Box::pin(Way::begin(&door, &mut inner));
        let message = panic_message(|| way.as_mut().abandon(&door, |_| panic!("the inside")));
        assert_eq!(message.as_deref(), Some("the inside"));
    });
}

#[test]
fn a_door_admits_as_its_handle_enters() {
    let door = Door::new(1);
    assert!(!door.refuses());
    assert!(matches!(door.admit(), Admission::Entered(Place)));
    assert!(door.refuses());
    assert!(matches!(door.admit(), Admission::Refused(_)));
    assert_eq!((door.taken_and_waiting(), door.counts().rejected), ((1, 0), 1));
}
