//! What can be set, and what holds where nothing was.

use std::time::Duration;

use crate::support::{MILLISECOND, assert_idle, reason};
use seawall_bulkhead::{Bulkhead, Order, Reason};
use seawall_core::time::{ManualClock, SystemClock};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};

#[test]
fn by_default_nobody_waits() {
    let bulkhead = Bulkhead::new("inventory", 25);
    assert_eq!((bulkhead.name(), bulkhead.max_concurrent(), bulkhead.available()), ("inventory", 25, 25));
    let _held = bulkhead.try_acquire_n(25).unwrap();
    assert_eq!(reason(&assert_ready_err!(task::spawn(bulkhead.acquire()).poll())), Reason::Full);
}

#[test]
fn by_default_who_waits_does_so_for_as_long_as_it_takes_and_the_first_is_next() {
    // Outside of a runtime: it needs no timer.
    let bulkhead = Bulkhead::builder("t", 1).max_queued(2).build();
    let held = bulkhead.try_acquire().unwrap();
    let (mut first, mut second) = (task::spawn(bulkhead.acquire()), task::spawn(bulkhead.acquire()));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    drop(held);
    assert!(first.is_woken() && !second.is_woken());
    drop(assert_ready_ok!(first.poll()));
    drop(assert_ready_ok!(second.poll()));
    assert_idle(&bulkhead);
}

#[test]
fn without_a_queue_the_longest_wait_is_of_no_matter() {
    let bulkhead = Bulkhead::builder("t", 1).max_wait(Duration::MAX).build();
    let _held = bulkhead.try_acquire().unwrap();
    assert_eq!(reason(&assert_ready_err!(task::spawn(bulkhead.acquire()).poll())), Reason::Full);
}

#[test]
fn the_last_word_counts() {
    let builder = Bulkhead::builder("t", 1).max_queued(7).max_queued(1).order(Order::Lifo).order(Order::Fifo);
    let bulkhead = builder.build();
    let _held = bulkhead.try_acquire().unwrap();
    let mut waits = task::spawn(bulkhead.acquire());
    assert_pending!(waits.poll());
    assert_eq!(reason(&assert_ready_err!(task::spawn(bulkhead.acquire()).poll())), Reason::QueueFull);
}

#[test]
fn the_ends_of_every_range_are_taken() {
    let orders = [
        Order::Fifo,
        Order::Lifo,
        Order::codel(),
        Order::CoDel { target: Duration::ZERO, interval: Duration::ZERO },
        Order::CoDel { target: Duration::MAX, interval: Duration::MAX },
    ];
    for (limit, order) in [0, 1, usize::MAX].into_iter().flat_map(|limit| orders.map(|order| (limit, order))) {
        for (max_queued, max_wait) in [(0, Duration::ZERO), (1, Duration::MAX), (usize::MAX, MILLISECOND)] {
            let builder = Bulkhead::builder("t", limit).order(order).max_queued(max_queued).max_wait(max_wait);
            let bulkhead = builder.clock(ManualClock::new()).build();
            assert_eq!(bulkhead.try_acquire().is_ok(), limit > 0);
            let mut one = task::spawn(bulkhead.acquire());
            let _ = one.poll();
            drop(one);
            assert_idle(&bulkhead);
        }
    }
}

#[test]
fn a_clock_without_a_timer_is_enough_for_who_does_not_wait() {
    let bulkhead = Bulkhead::builder(String::from("t"), 1).clock(SystemClock).build();
    let permit = bulkhead.try_acquire().unwrap();
    assert!(bulkhead.execute_blocking(|| Ok::<_, ()>(())).is_err());
    drop(permit);
    bulkhead.execute_blocking(|| Ok::<_, ()>(())).unwrap();
    assert_idle(&bulkhead);
}

#[test]
fn a_builder_says_what_was_set() {
    let words = format!("{:?}", Bulkhead::builder("inventory", 3).max_queued(5).max_wait(MILLISECOND));
    for word in ["inventory", "limit: 3", "max_queued: 5", "1ms", "Fifo"] {
        assert!(words.contains(word), "{word} in {words}");
    }
}
