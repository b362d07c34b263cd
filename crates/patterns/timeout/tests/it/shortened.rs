//! A timeout inside of a deadline, or of another timeout: it is cut to what is left, and says so.

use crate::support;
use std::{
    future::{self, Ready},
    time::Duration,
};

use crate::support::{Reply, SECOND, TICK, Way, YEAR, cut_off, manual, probed, steps, words};
use futures::FutureExt;
use seawall_core::{Deadline, time::Instant};
use seawall_timeout::Timeout;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};

fn at(seconds: u64) -> Deadline {
    Deadline::at(Instant::from_nanos(seconds * 1_000_000_000))
}

#[test]
fn a_timeout_is_cut_to_the_deadline_around_it_and_says_so() {
    for way in Way::ALL {
        let (timeout, clock) = manual(5 * SECOND);
        clock.advance(SECOND);
        let mut call = task::spawn(at(3).scope(way.start(&timeout, future::pending::<Reply>)));
        assert_pending!(call.poll());
        clock.advance(2 * SECOND - TICK);
        assert_pending!(call.poll(), "{way:?}");
        clock.advance(TICK);
        assert!(call.is_woken());
        let reply = assert_ready!(call.poll());
        assert_eq!(words(&reply), Some((2 * SECOND, 2 * SECOND, true)), "{way:?}: what was left");
        assert_eq!(cut_off(&reply).unwrap().to_string(), "timeout `manual`: not done by the deadline, in 2s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_that_is_cut_to_a_deadline_wakes_its_task_there() {
    for (way, asks) in Way::ALL.into_iter().flat_map(|way| [false, true].map(|asks| (way, asks))) {
        let began = tokio::time::Instant::now();
        let call = way.start(&Timeout::new("timeout", YEAR / 2), || {
            assert!(!asks || Deadline::current().is_some());
            future::pending::<Reply>()
        });
        let reply = support::some_day(Deadline::after(2 * SECOND).scope(call)).await;
        assert!(cut_off(&reply).unwrap().is_by_deadline(), "{way:?}");
        assert_eq!(began.elapsed().as_secs(), 2, "{way:?}, asked when it was made: {asks}");
    }
}

#[test]
fn a_timeout_that_is_over_before_the_deadline_around_it_is_cut_off_by_itself() {
    for (way, deadline) in Way::ALL.into_iter().flat_map(|way| [5, 6].map(|deadline| (way, deadline))) {
        let (timeout, clock) = manual(5 * SECOND);
        let mut call = task::spawn(at(deadline).scope(way.start(&timeout, future::pending::<Reply>)));
        assert_pending!(call.poll());
        clock.advance(5 * SECOND);
        assert_eq!(words(&assert_ready!(call.poll())), Some((5 * SECOND, 5 * SECOND, false)), "{way:?}, {deadline}");
    }
}

#[test]
fn a_timeout_is_cut_to_the_timeout_around_it_and_says_so() {
    for (way, outer_way) in Way::ALL.into_iter().flat_map(|way| Way::ALL.map(|outer| (way, outer))) {
        let (outer, clock) = manual(3 * SECOND);
        let inner = Timeout::builder("inner", 5 * SECOND).clock(clock.clone()).build();
        let mut call = outer_way.begin(&outer, || way.start(&inner, future::pending::<Reply>));
        clock.advance(3 * SECOND);
        let reply = assert_ready!(call.poll());
        // By `execute` these tests convert the inner error, so the outer timeout does not see that it is a rejection.
        let by_inner = way == Way::Execute;
        assert_eq!(words(&reply), Some((3 * SECOND, 3 * SECOND, by_inner)), "{way:?} in {outer_way:?}");
        let begin =
            if by_inner { "timeout `inner`: not done by the deadline" } else { "timeout `manual`: not done in 3s" };
        let message = cut_off(&reply).unwrap().to_string();
        assert!(message.starts_with(begin), "{message}");
    }
}

#[test]
fn a_timeout_without_a_limit_is_cut_to_the_deadline_around_it() {
    for way in Way::ALL {
        let (endless, clock) = manual(std::time::Duration::MAX);
        let mut call = task::spawn(at(3).scope(way.start(&endless, future::pending::<Reply>)));
        assert_pending!(call.poll());
        clock.advance(3 * SECOND);
        assert_eq!(words(&assert_ready!(call.poll())), Some((3 * SECOND, 3 * SECOND, true)), "{way:?}");
    }
}

#[test]
fn a_timeout_that_somebody_asked_when_it_was_made_is_cut_to_a_deadline_that_came_after() {
    for way in Way::ALL {
        let (timeout, clock) = manual(5 * SECOND);
        let asks = || {
            assert_eq!(Deadline::current_by(&clock), Some(at(5)));
            future::pending::<Reply>()
        };
        let mut call = task::spawn(at(3).scope(way.start(&timeout, asks)));
        assert_pending!(call.poll());
        clock.advance(3 * SECOND);
        assert_eq!(words(&assert_ready!(call.poll())), Some((3 * SECOND, 3 * SECOND, true)), "{way:?}");
    }
}

#[test]
fn a_call_is_refused_untouched_where_the_deadline_has_passed() {
    for (way, late) in Way::ALL.into_iter().flat_map(|way| [2 * SECOND, YEAR].map(|late| (way, late))) {
        let (timeout, probe) = probed(SECOND);
        probe.advance(late);
        let never = || -> Ready<Reply> { panic!("it is called") };
        let reply = at(2).scope_blocking(|| way.start(&timeout, never)).now_or_never().unwrap();
        assert_eq!(words(&reply), Some((Duration::ZERO, Duration::ZERO, true)), "{way:?}");
        assert_eq!(cut_off(&reply).unwrap().to_string(), "timeout `probed`: the deadline has passed");
        assert_eq!(probe.asked(), (1, 0));
    }
}

#[test]
fn a_call_begins_a_tick_before_its_deadline() {
    for way in Way::ALL {
        let (timeout, probe) = probed(SECOND);
        probe.advance(2 * SECOND - TICK);
        let mut call = at(2).scope_blocking(|| way.begin(&timeout, || steps(1, || Ok(()))));
        assert_ready_ok!(call.poll(), "{way:?}");
    }
}

#[test]
fn a_deadline_alone_cuts_nothing_off() {
    let mut call = task::spawn(Deadline::at(Instant::ORIGIN).scope(steps(3, || 7)));
    (0..3).for_each(|_| assert_pending!(call.poll()));
    assert_eq!(assert_ready!(call.poll()), 7);
}
