//! Extreme numbers and jumps of the clock: no arithmetic overflows, no call hangs, and nothing stays taken.

use std::{future, time::Duration};

use tokio_test::task;

use super::{assert_admits, each, poll_to_end};
use crate::{
    Subject,
    call::steps,
    panics::panic_message,
    reply::{FAILED, Reply, is_rejected},
    time::{SECOND, TICK, YEAR},
};

/// Calls of a policy with extreme numbers end in each way, with their own result or a rejection.
pub fn with_extreme_numbers_each_call_ends<S: Subject>() {
    for (row, way, subject) in each::<S>(S::extremes) {
        assert_admits(&subject, way, &row);
        for reply in [Ok(()), FAILED].into_iter().cycle().take(100) {
            let mut call = task::spawn(subject.start(way, || steps(1, || reply.clone())));
            let ended = poll_to_end(&mut call);
            assert!(ended == reply || is_rejected(&ended), "{row}: {ended:?}");
            drop(call);
            subject.assert_idle();
        }
    }
}

/// Calls of a policy with extreme numbers can be dropped and can panic, and nothing stays taken.
pub fn with_extreme_numbers_a_dropped_call_and_a_panic_leave_nothing<S: Subject>() {
    for (row, way, subject) in each::<S>(S::extremes) {
        for _ in 0..10 {
            let mut call = task::spawn(subject.start(way, future::pending::<Reply>));
            let _ = call.poll();
            drop(call);
            subject.assert_idle();
            let panics = || steps(0, || -> Reply { panic!("in the call") });
            let mut call = task::spawn(subject.start(way, panics));
            let _ = panic_message(|| call.poll());
            drop(call);
            subject.assert_idle();
        }
        let mut call = task::spawn(subject.start(way, || steps(0, || Ok(()))));
        let ended = poll_to_end(&mut call);
        assert!(ended.is_ok() || is_rejected(&ended), "{row}: {ended:?}");
    }
}

/// The steps of a clock that jumps.
const JUMPS: [Duration; 6] = [Duration::ZERO, TICK, SECOND, YEAR, Duration::from_nanos(u64::MAX / 2), Duration::MAX];

/// A clock that jumps, between calls and during a call, stops no call and keeps nothing taken.
pub fn a_clock_that_jumps_stops_no_call<S: Subject>() {
    let kinds: [fn() -> crate::Kinds<S>; 2] = [S::admitting, S::extremes];
    for (row, way, subject) in kinds.into_iter().flat_map(each::<S>) {
        for jump in JUMPS {
            let mut call = task::spawn(subject.start(way, || steps(2, || Ok(()))));
            let mut ended = call.poll();
            subject.advance(jump);
            if ended.is_pending() {
                ended = std::task::Poll::Ready(poll_to_end(&mut call));
            }
            let std::task::Poll::Ready(ended) = ended else { unreachable!("the call was polled to its end") };
            assert!(ended.is_ok() || is_rejected(&ended), "{row}, after {jump:?}: {ended:?}");
            drop(call);
            subject.assert_idle();
            subject.advance(jump);
        }
    }
}

/// A thousand calls on a clock that stands still are all admitted or rejected, and nothing stays taken.
pub fn a_clock_that_stands_still_stops_no_call<S: Subject>() {
    for (row, way, subject) in each::<S>(S::admitting) {
        for _ in 0..1_000 {
            let mut call = task::spawn(subject.start(way, || future::ready(Reply::Ok(()))));
            let ended = poll_to_end(&mut call);
            assert!(ended.is_ok() || is_rejected(&ended), "{row}: {ended:?}");
        }
        subject.assert_idle();
    }
}
