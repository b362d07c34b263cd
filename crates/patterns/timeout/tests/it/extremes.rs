//! Limits and times at the ends of their ranges, and clocks that misbehave.

use crate::support;
use std::{
    future::{self, Ready},
    time::Duration,
};

use crate::support::{Probe, Reply, SECOND, TICK, Way, YEAR, probed, steps, words};
use futures::FutureExt;
use seawall_core::{
    Deadline,
    time::{Clock, Instant},
};
use seawall_timeout::Timeout;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};

/// The longest time that an instant can say.
const LONGEST: Duration = Duration::from_nanos(u64::MAX);

#[test]
fn a_nanosecond_is_a_limit() {
    for way in Way::ALL {
        let (timeout, probe) = probed(TICK);
        let mut call = way.begin(&timeout, future::pending::<Reply>);
        assert_pending!(call.poll(), "{way:?}: no time has passed");
        probe.advance(TICK);
        assert_eq!(words(&assert_ready!(call.poll())), Some((TICK, TICK, false)), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_nanosecond_is_a_limit_for_tokio_too() {
    for way in Way::ALL {
        let reply = support::some_day(way.start(&Timeout::new("timeout", TICK), future::pending::<Reply>)).await;
        assert_eq!(words(&reply).map(|(limit, ..)| limit), Some(TICK), "{way:?}");
    }
}

#[test]
fn limits_that_end_after_all_time_are_none_and_make_no_timer() {
    let rows = [(0, LONGEST), (0, LONGEST + TICK), (1, LONGEST), (1, LONGEST - TICK), (u64::MAX - 1, TICK)];
    let rows = rows.into_iter().chain([(0, Duration::MAX), (u64::MAX - 1, Duration::MAX), (5, Duration::MAX - TICK)]);
    for ((now, limit), way) in rows.flat_map(|row| Way::ALL.map(|way| (row, way))) {
        let (timeout, probe) = probed(limit);
        probe.set(Duration::from_nanos(now));
        let mut call = way.begin(&timeout, || steps(2, || Ok(())));
        probe.set(Duration::from_nanos(u64::MAX));
        assert_pending!(call.poll(), "{way:?}, {limit:?} from {now}");
        assert_ready_ok!(call.poll());
        assert_eq!(probe.asked().1, 0, "{way:?}, {limit:?} from {now}");
    }
}

#[test]
fn the_latest_end_that_there_can_be_is_kept_to() {
    // A limit of 292 years is none.
    const LATEST: u64 = (1 << 63) - 2;
    for (now, way) in [0, 1, LATEST - 2].into_iter().flat_map(|now| Way::ALL.map(|way| (now, way))) {
        let limit = Duration::from_nanos(LATEST - now);
        let (timeout, probe) = probed(limit);
        probe.set(Duration::from_nanos(now));
        let mut call = way.begin(&timeout, future::pending::<Reply>);
        probe.set(Duration::from_nanos(LATEST - 1));
        assert_pending!(call.poll(), "{way:?} from {now}");
        probe.set(Duration::from_nanos(LATEST));
        assert_eq!(words(&assert_ready!(call.poll())), Some((limit, limit, false)), "{way:?} from {now}");
    }
}

#[tokio::test(start_paused = true)]
async fn tokio_can_wait_for_limits_that_its_clock_cannot_say() {
    let limits = [1_000 * YEAR, LONGEST - YEAR, LONGEST - TICK, LONGEST, Duration::MAX];
    for (limit, way) in limits.into_iter().flat_map(|limit| Way::ALL.map(|way| (limit, way))) {
        let timeout = Timeout::new("timeout", limit);
        let mut call = task::spawn(way.start(&timeout, || steps(2, || Ok(()))));
        assert_pending!(call.poll());
        tokio::time::advance(YEAR).await;
        assert_pending!(call.poll(), "{way:?}, {limit:?}");
        assert_ready_ok!(call.poll());
    }
}

#[test]
fn a_clock_that_stands_at_the_end_of_time_cuts_nothing_off() {
    for (limit, way) in [TICK, SECOND, Duration::MAX].into_iter().flat_map(|limit| Way::ALL.map(|way| (limit, way))) {
        let (timeout, probe) = probed(limit);
        probe.set(Duration::from_nanos(u64::MAX));
        let call = || {
            assert_eq!(Deadline::current_by(&probe), None);
            way.start(&timeout, || steps(2, || Ok(())))
        };
        let mut call = task::spawn(way.start(&timeout, call));
        assert_pending!(call.poll());
        assert_pending!(call.poll());
        assert_ready_ok!(call.poll(), "{way:?}, {limit:?}");
    }
}

#[test]
fn no_deadline_is_passed_at_the_end_of_time() {
    let (timeout, probe) = probed(SECOND);
    probe.set(Duration::from_nanos(u64::MAX));
    for way in Way::ALL {
        let start = || way.start(&timeout, || future::ready(Ok(())));
        assert_eq!(Deadline::at(Instant::MAX).scope_blocking(start).now_or_never(), Some(Ok(())));
        let never = || way.start(&timeout, || -> Ready<Reply> { panic!("it is called") });
        let refused = Deadline::at(Instant::from_nanos(u64::MAX - 1)).scope_blocking(never);
        assert!(refused.now_or_never().unwrap().is_err(), "{way:?}");
    }
}

#[test]
fn a_clock_that_steps_back_makes_the_call_wait_for_it_and_overflows_nothing() {
    for way in Way::ALL {
        let (timeout, probe) = probed(SECOND);
        probe.set(Duration::from_nanos(1_000_000_000));
        let mut call = way.begin(&timeout, future::pending::<Reply>);
        probe.set(Duration::from_nanos(0));
        assert_pending!(call.poll(), "{way:?}");
        probe.set(Duration::from_nanos(1_999_999_999));
        assert_pending!(call.poll(), "{way:?}");
        probe.set(Duration::from_nanos(2_000_000_000));
        assert_eq!(words(&assert_ready!(call.poll())), Some((SECOND, SECOND, false)), "{way:?}");
    }
}

#[test]
fn a_clock_that_steps_back_under_the_last_look_says_that_the_call_ran_for_no_time() {
    /// Whose timer has fired, while its time has stepped back.
    #[derive(Clone)]
    struct Fired(Probe);

    impl Clock for Fired {
        fn now(&self) -> Instant {
            self.0.now()
        }
    }

    impl seawall_core::time::Timer for Fired {
        type Sleep = Ready<()>;

        fn sleep_until(&self, _: Instant) -> Ready<()> {
            self.0.set(Duration::from_nanos(0));
            future::ready(())
        }
    }

    for way in Way::ALL {
        let probe = Probe::default();
        probe.set(Duration::from_nanos(7));
        let timeout = Timeout::builder("t", SECOND).clock(Fired(probe)).build();
        let reply = way.start(&timeout, future::pending::<Reply>).now_or_never().unwrap();
        assert_eq!(words(&reply), Some((SECOND, Duration::ZERO, false)), "{way:?}");
    }
}

#[test]
fn deadlines_at_the_ends_of_time_are_what_they_say() {
    let probe = Probe::default();
    assert_eq!(Deadline::after_by(Duration::MAX, &probe).instant(), Instant::MAX);
    assert_eq!(Deadline::after_by(Duration::ZERO, &probe).instant(), Instant::ORIGIN);
    assert_eq!(Deadline::at(Instant::MAX).remaining_by(&probe), LONGEST);
    probe.set(Duration::from_nanos(5));
    assert_eq!(Deadline::at(Instant::ORIGIN).remaining_by(&probe), Duration::ZERO);
    Deadline::at(Instant::MAX).scope_blocking(|| assert_eq!(Deadline::current_by(&probe), None));
    let first = Deadline::at(Instant::ORIGIN);
    first.scope_blocking(|| assert_eq!(Deadline::current_by(&probe), Some(first)));
}
