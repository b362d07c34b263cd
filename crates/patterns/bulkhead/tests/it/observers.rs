//! What observers are told, for how long one call delivers, and who keeps whom alive.

use std::sync::{
    Arc, Once,
    atomic::{AtomicU32, Ordering},
};

use crate::support::{MILLISECOND, log, plain};
use seawall_bulkhead::EventKind;
use seawall_core::{observe::Level, time::ManualClock};

#[test]
fn an_observer_that_is_refused_each_time_it_is_told_comes_to_an_end() {
    let (clock, told) = (ManualClock::new(), Arc::new(AtomicU32::new(0)));
    let count = told.clone();
    let bulkhead = plain(0).clock(clock.clone()).on_event(move |_| _ = count.fetch_add(1, Ordering::Relaxed)).build();
    let (inside, so_far) = (bulkhead.downgrade(), told.clone());
    bulkhead.on_event(move |_| {
        clock.advance(MILLISECOND / 10);
        assert!(so_far.load(Ordering::Relaxed) < 1_000, "it would never end");
        inside.upgrade().unwrap().try_acquire().unwrap_err();
    });
    bulkhead.try_acquire().unwrap_err();
    assert_eq!((told.load(Ordering::Relaxed), bulkhead.snapshot().events_lost()), (11, 1));
}

#[test]
fn an_observer_from_info_on_is_told_of_changes_alone_until_it_is_removed() {
    let (bulkhead, told) = (plain(0).build(), Arc::new(AtomicU32::new(0)));
    let count = told.clone();
    let handle = bulkhead.on_event_from(Level::Info, move |_| _ = count.fetch_add(1, Ordering::Relaxed));
    bulkhead.try_acquire().unwrap_err();
    assert_eq!(told.load(Ordering::Relaxed), 0);
    bulkhead.resize(1);
    assert_eq!(told.load(Ordering::Relaxed), 1);
    handle.remove();
    bulkhead.close();
    assert_eq!((told.load(Ordering::Relaxed), Arc::strong_count(&told)), (1, 1));
}

#[test]
fn changes_that_cannot_wait_are_told_as_one_and_a_closing_is_among_them() {
    let bulkhead = plain(0).build();
    let (inside, first) = (bulkhead.downgrade(), Once::new());
    bulkhead.on_event(move |_| {
        let bulkhead = inside.upgrade().unwrap();
        first.call_once(|| {
            (1..=10).for_each(|limit| bulkhead.resize(limit));
            bulkhead.close();
            (12..=75).for_each(|limit| bulkhead.resize(limit));
        });
    });
    let told = log(&bulkhead, |event| Some((event.kind().clone(), event.merged())));
    bulkhead.resize(0);
    let told = told.lock().unwrap();
    // 75 changes waited: the twelve oldest are told as one, of which the closing is the last but one.
    assert_eq!(told.len(), 1 + 64);
    assert_eq!(told[1], (EventKind::Closed, 11));
    assert_eq!(told[2], (EventKind::Resized { from: 12, to: 13 }, 0));
}

#[test]
fn a_weak_handle_does_not_keep_its_bulkhead_and_a_removed_observer_neither() {
    let bulkhead = plain(1).build();
    let weak = bulkhead.downgrade();
    let permit = bulkhead.try_acquire().unwrap();
    assert_eq!(weak.upgrade().unwrap().in_flight(), 1, "the same slots");
    drop(permit);
    let inside = bulkhead.clone();
    let handle = bulkhead.on_event(move |_| assert_eq!(inside.name(), "plain"));
    drop(bulkhead);
    assert!(weak.upgrade().is_some(), "the two keep each other");
    handle.remove();
    assert!(weak.upgrade().is_none());
}
