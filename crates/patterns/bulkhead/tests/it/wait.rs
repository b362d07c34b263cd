//! Waiting: for how long, how many, and what is told to who waited in vain.

use crate::support;
use std::{future, time::Duration};

use crate::support::{
    FAILED, MILLISECOND, Reply, SECOND, TICK, Way, YEAR, assert_idle, log_refusals, queued, refused, some_day, steps,
};
use seawall_bulkhead::{Bulkhead, Reason};
use seawall_core::{
    Error,
    time::{Instant, ManualClock},
};
use tokio::time;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};

#[test]
fn a_wait_is_refused_exactly_at_its_longest_and_not_before() {
    for (way, max_wait) in Way::ALL.into_iter().flat_map(|way| [TICK, MILLISECOND, YEAR].map(|max| (way, max))) {
        let clock = ManualClock::new();
        let bulkhead = queued(1).max_wait(max_wait).clock(clock.clone()).build();
        let _taken = bulkhead.try_acquire().unwrap();
        let mut call = way.begin(&bulkhead, || future::ready(Ok(())));
        clock.advance(max_wait - TICK);
        assert_pending!(call.poll(), "{way:?} {max_wait:?}");
        clock.advance(TICK);
        assert!(call.is_woken(), "{way:?} {max_wait:?}");
        assert_eq!(refused(&assert_ready!(call.poll())), Some(Reason::TooLong), "{way:?} {max_wait:?}");
        assert_eq!((bulkhead.in_flight(), bulkhead.queued(), bulkhead.snapshot().rejected()), (1, 0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn by_the_default_clock_a_wait_is_refused_at_its_longest_and_no_more_than_a_millisecond_later() {
    for max_wait in [MILLISECOND, 50 * MILLISECOND, 1_234_567 * TICK, YEAR] {
        let bulkhead = Bulkhead::builder("t", 1).max_queued(9).max_wait(max_wait).build();
        let _taken = bulkhead.try_acquire().unwrap();
        for way in Way::ALL {
            let began = time::Instant::now();
            let reply = way.start(&bulkhead, || future::ready(Ok(()))).await;
            assert_eq!(refused(&reply), Some(Reason::TooLong), "{way:?} {max_wait:?}");
            let waited = began.elapsed();
            // Tokio's timer is good to a millisecond.
            assert!(waited >= max_wait && waited < max_wait + 2 * MILLISECOND, "{way:?} {max_wait:?}: {waited:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_comes_free_in_time_is_taken_when_it_does() {
    for way in Way::ALL {
        let bulkhead = Bulkhead::builder("t", 1).max_queued(9).max_wait(SECOND).build();
        let taken = bulkhead.try_acquire().unwrap().into_owned();
        tokio::spawn(async move {
            time::sleep(200 * MILLISECOND).await;
            drop(taken);
        });
        let began = time::Instant::now();
        // The call itself may take longer than the wait might have.
        let call = || async {
            time::sleep(2 * SECOND).await;
            Ok(())
        };
        assert_eq!(some_day(way.start(&bulkhead, call)).await, Ok(()), "{way:?}");
        assert_eq!(began.elapsed(), 2_200 * MILLISECOND, "{way:?}");
        assert_idle(&bulkhead);
    }
}

#[test]
fn a_turn_that_comes_at_the_last_moment_is_taken() {
    for way in Way::ALL {
        let clock = ManualClock::new();
        let bulkhead = queued(1).max_wait(SECOND).clock(clock.clone()).build();
        let taken = bulkhead.try_acquire().unwrap();
        let mut call = way.begin(&bulkhead, || future::ready(Ok(())));
        drop(taken);
        clock.advance(10 * SECOND);
        assert_ready_ok!(call.poll(), "{way:?}: the slot was its own, though it looked late");
        assert_idle(&bulkhead);
    }
}

#[test]
fn whoever_waits_no_longer_than_no_time_is_refused_with_its_first_poll() {
    for way in Way::ALL {
        let bulkhead = queued(1).max_wait(Duration::ZERO).build();
        let refusals = log_refusals(&bulkhead);
        let taken = bulkhead.try_acquire().unwrap();
        let mut call = task::spawn(way.start(&bulkhead, || future::ready(Ok(()))));
        assert_eq!(refused(&assert_ready!(call.poll())), Some(Reason::TooLong), "{way:?}");
        assert_eq!(*refusals.lock().unwrap(), [Reason::TooLong]);
        drop(taken);
        let mut call = task::spawn(way.start(&bulkhead, || future::ready(FAILED)));
        assert_eq!(assert_ready!(call.poll()), FAILED, "{way:?}: where there is room it need not wait");
        assert_idle(&bulkhead);
    }
}

#[tokio::test(start_paused = true)]
async fn by_the_default_clock_no_time_is_no_time() {
    let bulkhead = Bulkhead::builder("t", 1).max_queued(9).max_wait(Duration::ZERO).build();
    let _taken = bulkhead.try_acquire().unwrap();
    for way in Way::ALL {
        let began = time::Instant::now();
        let reply = way.start(&bulkhead, || future::ready(Ok(()))).await;
        assert_eq!((refused(&reply), began.elapsed() <= MILLISECOND), (Some(Reason::TooLong), true), "{way:?}");
    }
}

#[test]
fn whoever_waits_for_ever_needs_no_timer_and_is_served_after_centuries() {
    for way in Way::ALL {
        for bulkhead in [queued(1), queued(1).max_wait(Duration::MAX)] {
            // Without a runtime tokio's timer would panic.
            let clock = ManualClock::new();
            let (timeless, bulkhead) =
                (Bulkhead::builder("t", 1).max_queued(1).build(), bulkhead.clock(clock.clone()).build());
            let (first, second) = (timeless.try_acquire().unwrap(), bulkhead.try_acquire().unwrap());
            let mut without = way.begin(&timeless, || future::ready(Ok(())));
            let mut call = way.begin(&bulkhead, || future::ready(Ok(())));
            clock.advance(500 * YEAR);
            assert!(!call.is_woken(), "{way:?}");
            assert_pending!(call.poll());
            drop((first, second));
            assert_ready_ok!(call.poll());
            assert_ready_ok!(without.poll());
        }
    }
}

#[test]
fn a_wait_that_begins_at_the_end_of_time_ends_when_its_turn_comes() {
    let clock = ManualClock::new();
    let bulkhead = queued(1).max_wait(SECOND).clock(clock.clone()).build();
    clock.advance(Instant::MAX.saturating_duration_since(Instant::ORIGIN) - TICK);
    let taken = bulkhead.try_acquire().unwrap();
    let mut call = Way::Execute.begin(&bulkhead, || future::ready(Ok(())));
    clock.advance(YEAR);
    assert_pending!(call.poll());
    drop(taken);
    assert_ready_ok!(call.poll());
}

#[test]
fn the_wait_begins_with_the_first_poll() {
    let clock = ManualClock::new();
    let bulkhead = queued(1).max_wait(SECOND).clock(clock.clone()).build();
    let _taken = bulkhead.try_acquire().unwrap();
    for way in Way::ALL {
        let mut call = task::spawn(way.start(&bulkhead, || future::ready(Ok(()))));
        clock.advance(YEAR);
        assert_pending!(call.poll(), "{way:?}");
        clock.advance(SECOND - TICK);
        assert_pending!(call.poll(), "{way:?}");
        clock.advance(TICK);
        assert!(assert_ready!(call.poll()).is_err(), "{way:?}");
    }
}

#[test]
fn each_wait_has_its_own_end() {
    let clock = ManualClock::new();
    let bulkhead = queued(1).max_wait(3 * SECOND).clock(clock.clone()).build();
    let taken = bulkhead.try_acquire().unwrap();
    let mut calls = Vec::new();
    for way in Way::ALL {
        calls.push(way.begin(&bulkhead, || future::ready(Ok(()))));
        clock.advance(SECOND);
    }
    // The first has waited for four seconds, the second for three, and so on.
    let replies: Vec<_> = calls.iter_mut().map(|call| call.poll().is_ready()).collect();
    assert_eq!((replies, bulkhead.queued()), (vec![true, true, false, false], 2));
    drop(taken);
    assert!(calls[2].is_woken() && !calls[3].is_woken());
    assert_ready_ok!(calls[2].poll());
    assert_ready_ok!(calls[3].poll());
    assert_idle(&bulkhead);
}

#[test]
fn as_many_wait_as_may_and_more_are_refused_at_once() {
    for (max_queued, way) in [0, 1, 2, 10].into_iter().flat_map(|max| Way::ALL.map(|way| (max, way))) {
        let bulkhead = queued(1).max_queued(max_queued).build();
        let taken = bulkhead.try_acquire().unwrap();
        let mut calls: Vec<_> = (0..max_queued).map(|_| way.begin(&bulkhead, || steps(1, || Ok(())))).collect();
        assert_eq!(bulkhead.queued(), max_queued);
        let expected = if max_queued == 0 { Reason::Full } else { Reason::QueueFull };
        let turn_away = |why: &str| {
            let mut call = task::spawn(way.start(&bulkhead, || -> future::Ready<Reply> { panic!("it ran") }));
            assert_eq!(refused(&assert_ready!(call.poll())), Some(expected), "{way:?}, {max_queued}, {why}");
        };
        turn_away("the queue is full");
        drop(taken);
        if let Some(first) = calls.first_mut() {
            // It is in flight now, and has left its place to another.
            assert_pending!(first.poll());
            calls.push(way.begin(&bulkhead, || steps(1, || Ok(()))));
            turn_away("it is full again");
            // As is the place of one who gives up.
            drop(calls.remove(1));
            calls.push(way.begin(&bulkhead, || steps(1, || Ok(()))));
            turn_away("and again");
        }
        assert_eq!(bulkhead.snapshot().rejected(), if max_queued == 0 { 1 } else { 3 });
    }
}

#[test]
fn calls_that_may_not_wait_are_refused_where_others_do() {
    let bulkhead = queued(2).build();
    let taken = bulkhead.try_acquire_n(2).unwrap();
    let waits = Way::Acquire.begin(&bulkhead, future::pending::<Reply>);
    assert_eq!(support::reason(&bulkhead.try_acquire().unwrap_err()), Reason::Full);
    drop(taken);
    // One slot is the waiting one's, and the other is free.
    assert_eq!((bulkhead.available(), bulkhead.queued()), (1, 0));
    bulkhead.execute_blocking(|| Ok::<_, Error<()>>(())).unwrap();
    drop(waits);
    assert_idle(&bulkhead);
}

#[tokio::test(start_paused = true)]
async fn thousands_wait_and_each_is_served() {
    let bulkhead = Bulkhead::builder("t", 3).max_queued(usize::MAX).max_wait(YEAR).build();
    let calls = (0..3_000).map(|number: usize| {
        let call = || async {
            time::sleep(MILLISECOND).await;
            Ok(())
        };
        Way::ALL[number % 4].start(&bulkhead, call)
    });
    let began = time::Instant::now();
    let replies = some_day(futures::future::join_all(calls)).await;
    assert!(replies.iter().all(Result::is_ok));
    assert!(began.elapsed() >= SECOND && began.elapsed() < 3 * SECOND, "{:?}", began.elapsed());
    assert_idle(&bulkhead);
}
