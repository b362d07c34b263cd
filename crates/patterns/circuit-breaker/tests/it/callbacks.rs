//! Observers: what they may do, what they see, and whom they can hold up.

use crate::support;
use std::{
    future,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    task::Context,
    thread,
};

use crate::support::{Manual, OPEN_FOR, counting, fail, fragile, log, log_changes, steer};
use futures::{FutureExt, executor::block_on};
use seawall_circuit_breaker::{Event, Permit};
use seawall_core::{
    Error,
    breaker::{Change, State, Trip},
    time::ManualClock,
};
use seawall_testkit::time::in_time;
use seawall_testkit::{
    chance::Chance,
    log::Log,
    panics::panic_message,
    reply::{FAILED, Failed},
    time::{PATIENCE, TICK},
    wake::panicking_waker,
};
use tokio_test::assert_pending;
use tower::{Layer, Service, service_fn};

/// A change, and how many others it stands for.
type Told = (Change, u64);

fn told(event: &Event) -> Option<Told> {
    event.change().map(|change| (*change, event.merged()))
}

/// That the changes are one chain, from a new circuit to the breaker's state.
fn assert_chain(changes: &[Told], breaker: &Manual) {
    let mut last = (State::Closed, 0);
    for (change, merged) in changes {
        // What would have been an opening may be among the others, and has no generation.
        let following = last.1 + 1..=last.1 + 1 + *merged as u32;
        assert!(change.from() == last.0 && following.contains(&change.generation()), "{last:?}, {change:?}, {merged}");
        last = (change.to(), change.generation());
    }
    assert_eq!(last.1, breaker.snapshot().generation(), "none is lost");
}

#[test]
fn an_observer_may_call_every_method_of_its_breaker() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).build();
    let (changes, calls) = (log(&breaker, told), AtomicU32::new(0));
    let inside = breaker.clone();
    breaker.on_event(move |event| {
        // What it does brings events of its own: at some time it must stop.
        if calls.fetch_add(1, Ordering::Relaxed) >= 20 {
            return;
        }
        let (_, _, _) = (inside.name(), inside.snapshot(), format!("{inside:?} {event}"));
        clock.advance(OPEN_FOR);
        block_on(inside.execute(|| future::ready(FAILED))).ok();
        inside.force_closed();
        block_on(inside.call(|| future::ready(FAILED))).ok();
        inside.execute_blocking(|| FAILED).ok();
        inside.metrics_only();
        let mut service = inside.layer().layer(service_fn(|()| future::ready(FAILED)));
        block_on(service.call(())).ok();
        inside.reset();
        inside.on_event(|_| ());
        let ends = [Permit::success, Permit::ignore, Permit::failure, drop];
        for end in ends {
            inside.try_acquire().map(end).ok();
        }
        inside.force_open();
        assert_eq!(inside.clone().state(), State::ForcedOpen);
    });
    fail(&breaker);
    let changes = changes.lock().unwrap();
    assert!(changes.len() > 20, "{}", changes.len());
    assert_chain(&changes, &breaker);
}

#[test]
fn what_an_observer_causes_is_told_after_what_it_is_told_of() {
    let breaker = fragile(&ManualClock::new()).build();
    let inside = breaker.clone();
    breaker.on_event(move |event| {
        if event.change().is_some_and(|change| change.to() == State::Open) {
            inside.reset();
        }
    });
    let changes = log_changes(&breaker);
    fail(&breaker);
    assert_eq!(*changes.lock().unwrap(), [(State::Closed, State::Open), (State::Open, State::Closed)]);
}

#[test]
fn an_observer_that_panics_harms_neither_the_call_nor_the_others() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).build();
    let before = log_changes(&breaker);
    breaker.on_event(|_| panic!("an observer"));
    let after = log_changes(&breaker);
    assert_eq!(block_on(breaker.call(|| future::ready(FAILED))), FAILED);
    clock.advance(OPEN_FOR);
    assert_eq!(breaker.execute_blocking(|| Ok::<_, Failed>("probe")), Ok("probe"));
    breaker.force_open();
    assert_eq!(before.lock().unwrap().len(), 4);
    assert_eq!(*before.lock().unwrap(), *after.lock().unwrap());
}

#[test]
fn an_observer_that_panics_while_a_call_panics_does_not_abort() {
    let breaker = fragile(&ManualClock::new()).build();
    breaker.on_event(|_| panic!("an observer"));
    let words = panic_message(|| breaker.execute_blocking(|| -> Result<(), Failed> { panic!("the call") }));
    assert_eq!((words.as_deref(), breaker.state()), (Some("the call"), State::Open));
}

/// An observer that logs, and stands still in its first event until it is let go.
fn stand_still(breaker: &Manual) -> (Log<Told>, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let ((says, stands), (lets_go, gone)) = (mpsc::channel(), mpsc::channel());
    let gone = Mutex::new(Some(gone));
    let seen = log(breaker, move |event| {
        let gone = gone.lock().unwrap().take();
        if let Some(gone) = gone {
            says.send(()).unwrap();
            gone.recv_timeout(PATIENCE).expect("it is let go");
        }
        told(event)
    });
    (seen, stands, lets_go)
}

#[test]
fn a_slow_observer_holds_up_no_one_but_the_call_that_brought_the_event() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).build();
    let (seen, stands, lets_go) = stand_still(&breaker);
    let slow = thread::spawn({
        let breaker = breaker.clone();
        move || breaker.metrics_only()
    });
    stands.recv_timeout(PATIENCE).unwrap();
    in_time({
        let breaker = breaker.clone();
        move || {
            for state in support::STATES.into_iter().cycle().take(60) {
                steer(&breaker, &clock, state);
                breaker.execute_blocking(|| FAILED).ok();
                breaker.snapshot();
            }
        }
    });
    assert!(seen.lock().unwrap().is_empty(), "the events wait for their turn");
    lets_go.send(()).unwrap();
    slow.join().unwrap();
    assert_chain(&seen.lock().unwrap(), &breaker);
}

#[test]
fn an_observer_added_late_is_told_of_later_events_only() {
    let breaker = fragile(&ManualClock::new()).build();
    breaker.force_open();
    breaker.reset();
    let first = log_changes(&breaker);
    breaker.force_closed();
    let second = log_changes(&breaker);
    breaker.reset();
    let (to_forced, back) = ((State::Closed, State::ForcedClosed), (State::ForcedClosed, State::Closed));
    assert_eq!(*first.lock().unwrap(), [to_forced, back]);
    assert_eq!(*second.lock().unwrap(), [back]);
}

#[test]
fn an_observer_added_while_events_wait_is_told_of_later_events_only() {
    let breaker = fragile(&ManualClock::new()).build();
    let (_, stands, lets_go) = stand_still(&breaker);
    let slow = thread::spawn({
        let breaker = breaker.clone();
        move || breaker.force_open()
    });
    stands.recv_timeout(PATIENCE).unwrap();
    breaker.force_closed();
    let late = log_changes(&breaker);
    breaker.reset();
    lets_go.send(()).unwrap();
    slow.join().unwrap();
    assert_eq!(*late.lock().unwrap(), [(State::ForcedClosed, State::Closed)]);
}

#[test]
fn an_observer_added_while_a_would_be_opening_waits_is_not_told_of_it() {
    let breaker = fragile(&ManualClock::new()).build();
    let (_, stands, lets_go) = stand_still(&breaker);
    let slow = thread::spawn({
        let breaker = breaker.clone();
        move || breaker.metrics_only()
    });
    stands.recv_timeout(PATIENCE).unwrap();
    fail(&breaker);
    let late = log(&breaker, |event| Some(event.clone()));
    lets_go.send(()).unwrap();
    slow.join().unwrap();
    assert_eq!(*late.lock().unwrap(), []);
}

#[test]
fn a_waker_that_panics_loses_no_event() {
    let breaker = fragile(&ManualClock::new()).build();
    let changes = log_changes(&breaker);
    breaker.force_open();
    let mut service = breaker.layer().backpressure().layer(service_fn(|()| future::ready(FAILED)));
    assert_pending!(service.poll_ready(&mut Context::from_waker(&panicking_waker())));
    panic_message(|| breaker.reset());
    breaker.force_closed();
    let expected =
        [(State::Closed, State::ForcedOpen), (State::ForcedOpen, State::Closed), (State::Closed, State::ForcedClosed)];
    assert_eq!(*changes.lock().unwrap(), expected);
}

#[test]
fn a_predicate_that_panics_goes_on_to_the_caller_of_a_call_that_was_recorded() {
    let breaker = counting(&ManualClock::new()).trip(Trip::when(|_| panic!("a predicate")).min_calls(2)).build();
    fail(&breaker);
    let words = panic_message(|| breaker.execute_blocking(|| FAILED));
    assert_eq!(words.as_deref(), Some("a predicate"));
    assert_eq!(breaker.snapshot().rules()[1].counts.calls, 2);
}

/// One operation of many, chosen by chance.
fn operate(
    breaker: &Manual,
    clock: &ManualClock,
    chance: u64,
    kept: &mut Vec<Permit<seawall_core::ErrIsFailure, ManualClock>>,
) {
    match chance % 16 {
        0 => breaker.force_open(),
        1 => breaker.force_closed(),
        2 => breaker.metrics_only(),
        3 | 4 => breaker.reset(),
        5 | 6 => clock.advance(OPEN_FOR),
        7 => clock.advance(TICK),
        8 => kept.extend(breaker.try_acquire()),
        9 => drop(kept.pop()),
        10 => kept.pop().into_iter().for_each(Permit::failure),
        11 => drop(breaker.execute_blocking(|| Ok::<_, Error<Failed>>(()))),
        12 => drop(breaker.call(|| future::ready(FAILED)).now_or_never()),
        _ => drop(breaker.execute_blocking(|| FAILED)),
    }
}

#[test]
fn events_from_many_threads_are_one_chain_and_none_is_lost() {
    const THREADS: u64 = 8;
    const OPERATIONS: u64 = 5_000;
    let clock = ManualClock::new();
    let breaker = fragile(&clock).trip(Trip::consecutive(1)).probes(2).build();
    let changes = log(&breaker, told);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (breaker, clock) = (&breaker, &clock);
            scope.spawn(move || {
                let (mut chance, mut kept) = (Chance(thread + 1), Vec::new());
                for _ in 0..OPERATIONS {
                    operate(breaker, clock, chance.number(), &mut kept);
                }
            });
        }
    });
    let changes = changes.lock().unwrap();
    let told: u64 = changes.iter().map(|(_, merged)| 1 + merged).sum();
    assert!(told > OPERATIONS, "{told} changes are too few to tell anything");
    assert_chain(&changes, &breaker);
}
