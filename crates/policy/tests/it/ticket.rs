//! A ticket gives its pass back once, whatever happens to the call.

use std::{panic::resume_unwind, thread};

use crate::door::{Counts, Door, Hooks, Place};
use seawall_core::{Error, Mark, Outcome, time::ManualClock};
use seawall_policy::{Gate, Policy, Spent, Ticket};
use seawall_testkit::{
    panics::panic_message,
    process::in_its_own_process,
    reply::{FAILED, Failed, Reply},
};

const NONE: Counts = Counts { succeeded: 0, failed: 0, ignored: 0, abandoned: 0, rejected: 0 };
const FAILURE: Counts = Counts { failed: 1, ..NONE };

fn door(hooks: Hooks) -> Door {
    Door::with(1, None, &ManualClock::new(), hooks)
}

/// A door without hooks, and its only ticket.
fn ticket() -> (Door, Ticket<Door>) {
    let door = Door::new(1);
    let ticket = door.enter().unwrap();
    (door, ticket)
}

#[test]
fn a_settled_ticket_gives_its_pass_back_once() {
    let rows = [
        (Outcome::Success, Counts { succeeded: 1, ..NONE }),
        (Outcome::Failure, FAILURE),
        (Outcome::Ignored, Counts { ignored: 1, ..NONE }),
    ];
    for (outcome, counts) in rows {
        let (door, mut ticket) = ticket();
        ticket.settle(outcome);
        assert_eq!((door.counts(), door.taken_and_waiting()), (counts, (0, 0)), "at once");
        assert_eq!(format!("{ticket:?}"), "Ticket { spent: true, .. }");
        ticket.settle(Outcome::Failure);
        ticket.settle_in_panic();
        ticket.record(&FAILED, Mark::here());
        drop(ticket);
        assert_eq!(door.counts(), counts, "and no second time");
    }
}

#[test]
fn a_dropped_ticket_abandons_the_call() {
    let (door, ticket) = ticket();
    assert_eq!(format!("{ticket:?}"), "Ticket { spent: false, .. }");
    drop(ticket);
    assert_eq!((door.counts(), door.taken_and_waiting()), (Counts { abandoned: 1, ..NONE }, (0, 0)));
}

#[test]
fn a_result_is_recorded_as_the_gate_judges_it() {
    for (reply, counts) in [(Ok(()), Counts { succeeded: 1, ..NONE }), (FAILED, FAILURE)] {
        let (door, mut ticket) = ticket();
        ticket.record(&reply, Mark::here());
        assert_eq!(door.counts(), counts, "{reply:?}");
    }
}

#[test]
fn a_part_of_the_call_that_panics_has_failed_and_its_panic_goes_on() {
    let (door, mut ticket) = ticket();
    assert_eq!(ticket.run(|| 1), 1);
    assert_eq!(door.counts(), NONE, "a part that returns settles nothing");
    assert_eq!(panic_message(|| ticket.run(|| panic!("a part"))).as_deref(), Some("a part"));
    assert_eq!(door.counts(), FAILURE);
    drop(ticket);
    assert_eq!(door.counts(), FAILURE);
}

#[test]
fn a_call_whose_judge_panics_has_failed() {
    let door = door(Hooks { judge: |_| panic!("the judge"), ..Hooks::default() });
    let mut ticket = door.enter().unwrap();
    assert_eq!(panic_message(|| ticket.record(&Reply::Ok(()), Mark::here())).as_deref(), Some("the judge"));
    drop(ticket);
    assert_eq!(door.counts(), FAILURE);
}

#[test]
fn a_pass_that_was_taken_out_is_not_given_back() {
    let (door, mut ticket) = ticket();
    assert_eq!(ticket.pass(), Some(&Place));
    let place = ticket.take_pass().unwrap();
    assert_eq!(ticket.pass(), None);
    assert_eq!(ticket.take_pass(), None);
    ticket.gate().exit(place, Outcome::Success);
    drop(ticket);
    assert_eq!(door.counts(), Counts { succeeded: 1, ..NONE });
}

#[test]
fn a_blocking_call_is_recorded_and_its_error_is_wrapped() {
    for (result, counts) in [(Ok(1), Counts { succeeded: 1, ..NONE }), (Err(Failed), FAILURE)] {
        let (door, ticket) = ticket();
        assert_eq!(ticket.execute(|| result), result.map_err(Error::Inner));
        assert_eq!(door.counts(), counts);
    }
    let (door, ticket) = ticket();
    let message = panic_message(|| ticket.execute(|| -> Reply { panic!("the call") }));
    assert_eq!((message.as_deref(), door.counts()), (Some("the call"), FAILURE));
}

#[test]
fn a_panic_of_the_gates_exit_goes_on_unless_the_call_panics_already() {
    let hooks = Hooks { exit: || panic!("the exit"), ..Hooks::default() };
    let door = door(hooks);
    let mut ticket = door.enter().unwrap();
    assert_eq!(panic_message(|| ticket.settle(Outcome::Success)).as_deref(), Some("the exit"));
    let mut ticket = door.enter().unwrap();
    assert_eq!(panic_message(|| ticket.settle_in_panic()), None);
    assert_eq!(door.counts(), Counts { succeeded: 1, failed: 1, ..NONE });
}

#[test]
fn a_panic_of_the_gates_abandon_goes_on_unless_the_thread_panics_already() {
    let hooks = Hooks { abandon: || panic!("the abandon"), ..Hooks::default() };
    let door = door(hooks);
    let ticket = door.enter().unwrap();
    assert_eq!(panic_message(|| drop(ticket)).as_deref(), Some("the abandon"));
    let name = "a_panic_of_the_gates_abandon_goes_on_unless_the_thread_panics_already";
    // A second panic while the first unwinds aborts the process.
    in_its_own_process(module_path!(), name, || {
        let message = panic_message(|| {
            let _ticket = door.enter().unwrap();
            panic!("the caller")
        });
        assert_eq!(message.as_deref(), Some("the caller"));
        let message = panic_message(|| {
            let mut ticket = door.enter().unwrap();
            ticket.run(|| panic!("a part"))
        });
        assert_eq!(message.as_deref(), Some("a part"));
    });
}

#[test]
fn a_ticket_dropped_in_another_thread_gives_its_pass_back() {
    let (door, ticket) = ticket();
    thread::spawn(move || drop(ticket)).join().unwrap();
    assert_eq!(door.taken_and_waiting(), (0, 0));
}

#[test]
fn a_ticket_may_borrow_its_gate() {
    let door = Door::new(1);
    let place = door.enter().unwrap().take_pass().unwrap();
    Ticket::new(&door, place).record(&FAILED, Mark::here());
    assert_eq!((door.counts(), door.taken_and_waiting()), (FAILURE, (0, 0)));
}

#[test]
fn a_pass_that_is_spent_when_it_is_given_needs_no_gate() {
    let mut ticket = Ticket::new(Spent, ());
    ticket.record(&FAILED, Mark::here());
    assert_eq!(ticket.pass(), None);
    let message = panic_message(|| Ticket::new(Spent, ()).run(|| resume_unwind(Box::new("a part"))));
    assert_eq!(message.as_deref(), Some("a part"));
    assert_eq!(size_of::<Ticket<Spent>>(), 1);
}
