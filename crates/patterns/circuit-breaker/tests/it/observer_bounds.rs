//! What observers cost the calls that are refused, and who keeps whom alive.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use crate::support::{Manual, OPEN_FOR, fail, fragile, log, log_changes};
use seawall_circuit_breaker::{CircuitBreaker, EventKind};
use seawall_core::{
    breaker::{Change, State},
    observe::Level,
    time::ManualClock,
};
use seawall_testkit::log::Log;
use seawall_testkit::time::exactly;

fn open() -> Manual {
    let breaker = fragile(&ManualClock::new()).build();
    fail(&breaker);
    breaker
}

#[test]
fn no_refused_call_delivers_the_refusals_of_others_without_end() {
    const EACH: u32 = 24_000;
    thread_local!(static TOLD_HERE: Cell<u32> = const { Cell::new(0) });
    let breaker = open();
    let told = Arc::new(AtomicU32::new(0));
    let count = told.clone();
    breaker.on_event(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        TOLD_HERE.set(TOLD_HERE.get() + 1);
    });
    let most = thread::scope(|scope| {
        let refused = || {
            TOLD_HERE.set(0);
            breaker.try_acquire().unwrap_err();
            TOLD_HERE.get()
        };
        let threads = [(); 4].map(|()| scope.spawn(move || (0..EACH).map(|_| refused()).max().unwrap()));
        threads.into_iter().map(|thread| thread.join().unwrap()).max().unwrap()
    });
    // Its own, a thousand while more come, and what waits then if no more come.
    assert!(most <= 1 + 1_024 + 1_024, "one call delivered {most} events");
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.rejected(), 4 * u64::from(EACH));
    assert_eq!(u64::from(told.load(Ordering::Relaxed)) + snapshot.events_lost(), snapshot.rejected());
}

#[test]
fn an_observer_that_is_refused_each_time_it_is_told_comes_to_an_end() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).build();
    fail(&breaker);
    let told = Arc::new(AtomicU32::new(0));
    let (inside, count) = (breaker.downgrade(), told.clone());
    breaker.on_event(move |_| {
        assert!(count.fetch_add(1, Ordering::Relaxed) < 1_000, "it would never end");
        clock.advance(Duration::from_micros(100));
        inside.upgrade().unwrap().try_acquire().unwrap_err();
    });
    breaker.try_acquire().unwrap_err();
    assert_eq!((told.load(Ordering::Relaxed), breaker.snapshot().events_lost()), (11, 1));
}

#[test]
fn of_refusals_nothing_is_made_for_observers_of_changes() {
    let breaker = fragile(&ManualClock::new()).build();
    let seen: Log<EventKind> = Log::default();
    let (inside, keep) = (breaker.downgrade(), seen.clone());
    // While it is told of the opening, more are refused than can wait.
    breaker.on_event_from(Level::Info, move |event| {
        for _ in 0..2_000 {
            inside.upgrade().unwrap().try_acquire().unwrap_err();
        }
        keep.lock().unwrap().push(event.kind().clone());
    });
    fail(&breaker);
    let seen = seen.lock().unwrap();
    assert!(matches!(**seen, [EventKind::Changed(change)] if change.to() == State::Open), "{seen:?}");
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.rejected(), snapshot.events_lost()), (2_000, 0), "none of them was an event");
}

#[test]
fn changes_that_cannot_wait_are_told_as_one_and_stay_a_chain() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).build();
    let merged: Log<(Change, u64)> = Log::default();
    let (inside, keep, busy) = (breaker.downgrade(), merged.clone(), Mutex::new(true));
    breaker.on_event(move |event| {
        if std::mem::take(&mut *busy.lock().unwrap()) {
            let breaker = inside.upgrade().unwrap();
            (0..100)
                .for_each(|_| [Manual::force_closed, Manual::metrics_only].iter().for_each(|force| force(&breaker)));
        }
        keep.lock().unwrap().push((*event.change().unwrap(), event.merged()));
    });
    breaker.force_open();
    let told = merged.lock().unwrap();
    assert_eq!(told.len(), 1 + 64);
    assert_eq!((told[1].0.from(), told[1].1), (State::ForcedOpen, 200 - 64));
    assert!(told.windows(2).all(|pair| pair[0].0.to() == pair[1].0.from()), "{told:?}");
    assert_eq!(told[64].0.generation(), breaker.snapshot().generation());
}

#[test]
fn an_opening_that_became_part_of_another_change_is_told_to_an_observer_of_warnings() {
    let breaker = fragile(&ManualClock::new()).build();
    let (inside, first) = (breaker.downgrade(), Once::new());
    breaker.on_event(move |_| {
        first.call_once(|| {
            let breaker = inside.upgrade().unwrap();
            breaker.force_open();
            (0..33).for_each(|_| [Manual::reset, Manual::metrics_only].iter().for_each(|force| force(&breaker)));
        });
    });
    let warned: Log<(State, u64)> = Log::default();
    let log = warned.clone();
    breaker.on_event_from(Level::Warn, move |event| {
        log.lock().unwrap().push((event.change().unwrap().to(), event.merged()));
    });
    breaker.force_closed();
    assert_eq!(*warned.lock().unwrap(), [(State::Closed, 3)], "of the others it is not told");
}

// ===== who keeps whom =====

#[test]
fn an_observer_with_a_weak_handle_does_not_keep_its_breaker() {
    let breaker = open();
    let alive = Arc::new(());
    let (inside, kept) = (breaker.downgrade(), alive.clone());
    breaker.on_event(move |_| {
        let _ = (inside.upgrade().map(|breaker| breaker.state()), &kept);
    });
    let weak = breaker.downgrade();
    assert_eq!(weak.upgrade().map(|breaker| breaker.state()), Some(State::Open), "the same state");
    let permit = {
        breaker.reset();
        breaker.try_acquire().unwrap()
    };
    let layer = breaker.layer();
    drop(breaker);
    assert!(weak.upgrade().is_some(), "a layer keeps it");
    drop(layer);
    assert!(weak.upgrade().is_none(), "a call does not");
    drop(permit);
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn an_observer_that_keeps_its_breaker_is_freed_when_it_is_removed() {
    let breaker = open();
    let alive = Arc::new(());
    let (inside, kept) = (breaker.clone(), alive.clone());
    let handle = breaker.on_event(move |_| {
        let _ = (inside.state(), &kept);
    });
    let weak = breaker.downgrade();
    drop(breaker);
    assert!(weak.upgrade().is_some(), "the two keep each other");
    handle.remove();
    assert!(weak.upgrade().is_none());
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn the_observers_of_a_builder_are_those_of_its_breaker() {
    let seen: Log<State> = Log::default();
    let (all, changes) = (seen.clone(), seen.clone());
    let breaker = CircuitBreaker::builder("t")
        .on_event(move |_| all.lock().unwrap().push(State::Closed))
        .on_event_from(Level::Info, move |event| changes.lock().unwrap().push(event.change().unwrap().to()))
        .clock(ManualClock::new())
        .open_for(exactly(OPEN_FOR))
        .build();
    let later = log_changes(&breaker);
    breaker.force_open();
    breaker.try_acquire().unwrap_err();
    assert_eq!(*seen.lock().unwrap(), [State::Closed, State::ForcedOpen, State::Closed]);
    assert_eq!(later.lock().unwrap().len(), 1);
}

#[test]
fn an_observer_that_was_removed_is_told_of_no_refusal_and_later_ones_of_all() {
    let breaker = open();
    let (first, second) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let count = |counter: &Arc<AtomicU32>| {
        let counter = counter.clone();
        move |_: &seawall_circuit_breaker::Event| _ = counter.fetch_add(1, Ordering::Relaxed)
    };
    let handle = breaker.on_event(count(&first));
    breaker.try_acquire().unwrap_err();
    handle.remove();
    breaker.try_acquire().unwrap_err();
    breaker.reset();
    fail(&breaker);
    breaker.on_event(count(&second));
    let changes = log(&breaker, |event| event.change().copied());
    breaker.try_acquire().unwrap_err();
    breaker.reset();
    assert_eq!((first.load(Ordering::Relaxed), second.load(Ordering::Relaxed)), (1, 2));
    assert_eq!(changes.lock().unwrap().len(), 1);
}
