//! The driver: `drive` and `queue` make a call with leave, or its rejection.

use std::{cell::Cell, future, time::Duration};

use crate::door::{Door, InLine};
use futures::FutureExt;
use seawall_core::{Error, Rejection, time::ManualClock};
use seawall_policy::{Answer, KeepError, Policy, Respond, WaitLimit, WrapError, drive, queue};
use seawall_testkit::{
    call::steps,
    panics::panic_message,
    reply::{FAILED, Failed, Reply, is_rejected},
    time::SECOND,
};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};

const ENDED: &str = "a refused call was polled after it had ended";

#[test]
fn with_leave_the_call_is_made_at_once_and_settles_in_the_poll_that_returns_its_result() {
    let door = Door::new(1);
    let made = Cell::new(false);
    let operation = || {
        made.set(true);
        steps(1, || FAILED)
    };
    let mut call = task::spawn(drive(door.enter(), operation, || KeepError));
    assert!(made.get(), "before its first poll");
    assert_eq!(format!("{:?}", *call), "ResponseFuture { admitted: true, .. }");
    assert_pending!(call.poll());
    assert_eq!(door.taken_and_waiting(), (1, 0));
    assert_eq!(assert_ready!(call.poll()), FAILED);
    assert_eq!((door.taken_and_waiting(), door.counts().failed), ((0, 0), 1), "the future lives on");
}

#[test]
fn without_leave_the_call_is_not_made_and_its_rejection_is_given_out_once() {
    let door = Door::new(0);
    let operation = || -> future::Ready<Reply> { panic!("the call was made") };
    let mut call = task::spawn(drive(door.enter(), operation, || KeepError));
    assert_eq!(format!("{:?}", *call), "ResponseFuture { admitted: false, .. }");
    assert!(is_rejected(&assert_ready!(call.poll())));
    assert_eq!(panic_message(|| call.poll()).as_deref(), Some(ENDED));
}

#[test]
fn what_is_made_of_a_rejection_is_asked_for_with_leave_only_if_it_is_needed() {
    let asked = Cell::new(0);
    let reject = || {
        asked.set(asked.get() + 1);
        KeepError
    };
    assert_eq!(drive(Door::new(1).enter(), || future::ready(Reply::Ok(())), reject).now_or_never(), Some(Ok(())));
    assert_eq!(asked.get(), 0);
    assert!(drive(Door::new(0).enter(), || future::ready(Reply::Ok(())), reject).now_or_never().unwrap().is_err());
    assert_eq!(asked.get(), 1);
}

#[test]
fn an_error_is_wrapped_kept_or_answered() {
    let inner = || future::ready(Err::<u32, _>(Failed));
    assert_eq!(drive(Door::new(1).enter(), inner, || WrapError).now_or_never(), Some(Err(Error::Inner(Failed))));
    let rejected = drive(Door::new(0).enter(), inner, || WrapError).now_or_never().unwrap().unwrap_err();
    assert!(matches!(rejected, Error::Rejected(Rejection::TimedOut(_))), "{rejected:?}");

    let inner = || future::ready(Err::<u32, Error<Failed>>(Error::Inner(Failed)));
    assert_eq!(drive(Door::new(1).enter(), inner, || KeepError).now_or_never(), Some(Err(Error::Inner(Failed))));
    let rejected = drive(Door::new(0).enter(), inner, || KeepError).now_or_never().unwrap().unwrap_err();
    assert!(matches!(rejected, Error::Rejected(Rejection::TimedOut(_))), "{rejected:?}");

    let inner = || future::ready(Err::<String, _>(Failed));
    let respond = || Respond(|rejection: Rejection| rejection.policy().to_owned());
    assert_eq!(drive(Door::new(1).enter(), inner, respond).now_or_never(), Some(Err(Failed)));
    assert_eq!(drive(Door::new(0).enter(), inner, respond).now_or_never(), Some(Ok(String::from("door"))));
}

/// A door with a line, and a call that waits in it.
fn waiting<F>(door: &Door, operation: impl FnOnce() -> F) -> task::Spawn<impl Future<Output = F::Output>>
where
    F: Future<Output = Reply>,
{
    let place: Answer<Door, InLine> = Answer::Later(door.in_line(WaitLimit::Configured));
    let call = queue(place, operation, || KeepError);
    assert_eq!(format!("{call:?}"), "QueuedFuture { waiting: true, .. }");
    task::spawn(call)
}

#[test]
fn a_call_that_waits_takes_its_place_with_its_first_poll_and_is_made_in_the_poll_in_which_its_turn_comes() {
    let door = Door::with_line(1, SECOND, &ManualClock::new());
    let ticket = door.enter().unwrap();
    let made = Cell::new(false);
    let mut call = waiting(&door, || {
        made.set(true);
        steps(1, || Reply::Ok(()))
    });
    assert_eq!(door.taken_and_waiting(), (1, 0));
    assert_pending!(call.poll());
    assert_eq!(door.taken_and_waiting(), (1, 1));
    drop(ticket);
    assert!(call.is_woken() && !made.get());
    assert_pending!(call.poll());
    assert!(made.get());
    assert_eq!(door.taken_and_waiting(), (1, 0));
    assert_ready_ok!(call.poll());
    assert_eq!((door.taken_and_waiting(), door.counts().succeeded), ((0, 0), 1));
}

#[test]
fn a_call_that_is_dropped_while_it_waits_is_not_made_and_leaves_the_line() {
    let door = Door::with_line(1, SECOND, &ManualClock::new());
    let ticket = door.enter().unwrap();
    let mut first = waiting(&door, || -> future::Ready<Reply> { panic!("the call was made") });
    let mut second = waiting(&door, || future::ready(Ok(())));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    drop(ticket);
    assert!(first.is_woken() && !second.is_woken());
    drop(first);
    assert!(second.is_woken(), "the turn is passed on");
    assert_ready_ok!(second.poll());
    let counts = door.counts();
    assert_eq!((counts.succeeded, counts.abandoned, door.taken_and_waiting()), (1, 1, (0, 0)));
}

#[test]
fn a_call_that_waits_in_vain_is_rejected_and_not_made() {
    let clock = ManualClock::new();
    let door = Door::with_line(0, SECOND, &clock);
    let mut call = waiting(&door, || -> future::Ready<Reply> { panic!("the call was made") });
    assert_pending!(call.poll());
    clock.advance(SECOND - Duration::from_nanos(1));
    assert_pending!(call.poll());
    assert_eq!(door.counts().rejected, 0);
    clock.advance(Duration::from_nanos(1));
    assert!(call.is_woken());
    assert!(is_rejected(&assert_ready!(call.poll())));
    assert_eq!((door.counts().rejected, door.taken_and_waiting()), (1, (0, 0)));
    assert_eq!(panic_message(|| call.poll()).as_deref(), Some(ENDED));
}

#[test]
fn a_call_that_panics_when_its_turn_has_come_has_failed_and_gives_its_place_back() {
    let door = Door::with_line(1, SECOND, &ManualClock::new());
    let ticket = door.enter().unwrap();
    let mut call = waiting(&door, || -> future::Ready<Reply> { panic!("at its creation") });
    assert_pending!(call.poll());
    drop(ticket);
    assert_eq!(panic_message(|| call.poll()).as_deref(), Some("at its creation"));
    assert_eq!((door.counts().failed, door.taken_and_waiting()), (1, (0, 0)));
    assert!(panic_message(|| call.poll()).is_some(), "it has ended");
    drop(call);
    assert_eq!((door.counts().failed, door.taken_and_waiting()), (1, (0, 0)));
}
