//! Calls, in each way to make one: in time, too late, failing, with no limit, and with none left.

use crate::support;
use std::{
    cell::Cell,
    future::{self, Ready},
    task::Poll,
    time::Duration,
};

use crate::support::{
    FAILED, Failed, MILLISECOND, Probe, Reply, SECOND, TICK, Way, YEAR, cut_off, manual, panic_words, probed, steps,
    until_told, words,
};
use futures::FutureExt;
use seawall_core::{Error, time::ManualClock};
use seawall_timeout::Timeout;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::{Layer, Service, service_fn};

#[test]
fn a_call_ends_as_it_does_by_itself_or_is_cut_off() {
    // How long it takes, what it comes to, and whether that is too late.
    let rows = [
        (Duration::ZERO, Ok(()), false),
        (Duration::ZERO, FAILED, false),
        (SECOND - TICK, Ok(()), false),
        (SECOND - TICK, FAILED, false),
        (SECOND + TICK, Ok(()), true),
        (SECOND + TICK, FAILED, true),
    ];
    for ((takes, end, is_late), way) in rows.iter().flat_map(|row| Way::ALL.map(|way| (row, way))) {
        let (timeout, clock) = manual(SECOND);
        let ended = Cell::new(false);
        let mut call = way.begin(&timeout, || {
            future::poll_fn(|_| if ended.get() { Poll::Ready(end.clone()) } else { Poll::Pending })
        });
        clock.advance((*takes).min(SECOND));
        let reply = if *is_late {
            assert!(call.is_woken(), "{way:?}");
            assert_ready!(call.poll())
        } else {
            assert_pending!(call.poll(), "{way:?}");
            ended.set(true);
            assert_ready!(call.poll())
        };
        let expected = is_late.then_some((SECOND, SECOND, false));
        assert_eq!(words(&reply), expected, "{way:?}, {takes:?}");
        assert!(*is_late || reply == *end, "{way:?}, {takes:?}");
    }
}

#[test]
fn a_call_that_is_ready_in_the_poll_in_which_the_time_is_over_keeps_its_result() {
    for (late, way) in [SECOND, SECOND + TICK, YEAR].into_iter().flat_map(|late| Way::ALL.map(|way| (late, way))) {
        let (timeout, clock) = manual(SECOND);
        let (tell, told) = until_told();
        let mut call = way.begin(&timeout, || told);
        clock.advance(late);
        tell.send(()).unwrap();
        assert_ready_ok!(call.poll(), "{way:?} after {late:?}");
    }
}

#[test]
fn a_call_is_cut_off_at_its_limit_and_not_before() {
    for way in Way::ALL {
        let (timeout, clock) = manual(SECOND);
        let mut call = way.begin(&timeout, future::pending::<Reply>);
        clock.advance(SECOND - TICK);
        assert_pending!(call.poll(), "{way:?}");
        clock.advance(TICK);
        assert!(call.is_woken(), "{way:?}");
        assert_eq!(words(&assert_ready!(call.poll())), Some((SECOND, SECOND, false)), "{way:?}");
    }
}

#[test]
fn how_long_a_call_ran_is_more_than_its_limit_where_it_was_looked_at_late() {
    for way in Way::ALL {
        let (timeout, clock) = manual(SECOND);
        let mut call = way.begin(&timeout, future::pending::<Reply>);
        clock.advance(3 * SECOND);
        assert_eq!(words(&assert_ready!(call.poll())), Some((SECOND, 3 * SECOND, false)), "{way:?}");
    }
}

#[test]
fn the_longest_duration_is_no_limit_and_makes_no_timer() {
    for way in Way::ALL {
        let (timeout, probe) = probed(Duration::MAX);
        let mut call = way.begin(&timeout, || steps(2, || Ok(())));
        probe.advance(300 * YEAR);
        assert_pending!(call.poll(), "{way:?}");
        assert_ready_ok!(call.poll(), "{way:?}");
        assert_eq!(probe.asked().1, 0, "{way:?}");
    }
}

#[test]
fn a_limit_of_zero_refuses_before_anything_is_called() {
    for way in Way::ALL {
        let (timeout, probe) = probed(Duration::ZERO);
        let reply = way.start(&timeout, || -> Ready<Reply> { panic!("it is called") }).now_or_never().unwrap();
        assert_eq!(words(&reply), Some((Duration::ZERO, Duration::ZERO, false)), "{way:?}");
        let said = "timeout `probed`: a limit of zero lets no call begin";
        assert_eq!(cut_off(&reply).unwrap().to_string(), said);
        assert_eq!(probe.asked(), (0, 0), "{way:?}");
    }
}

#[test]
fn a_call_that_is_polled_after_it_was_refused_or_cut_off_says_so() {
    for (limit, way) in [Duration::ZERO, SECOND].into_iter().flat_map(|limit| Way::ALL.map(|way| (limit, way))) {
        let (timeout, clock) = manual(limit);
        let mut call = task::spawn(way.start(&timeout, future::pending::<Reply>));
        assert_eq!(call.poll().is_ready(), limit.is_zero());
        clock.advance(SECOND);
        if !limit.is_zero() {
            assert!(assert_ready!(call.poll()).is_err());
        }
        assert_eq!(panic_words(|| call.poll()).as_deref(), Some("a call was polled after it had ended"), "{way:?}");
    }
}

#[test]
fn a_limit_may_depend_on_the_request() {
    let timeout = Timeout::builder("by request", |millis: &u32| *millis * MILLISECOND);
    let clock = ManualClock::new();
    let timeout = timeout.clock(clock.clone()).build();
    let mut service = timeout.layer().layer(service_fn(|_| future::pending::<Reply>()));
    for millis in [1, 20, 300] {
        let limit = millis * MILLISECOND;
        let mut served = task::spawn(service.call(millis));
        let mut executed = task::spawn(timeout.execute_for(&millis, future::pending::<Result<(), Failed>>));
        assert_pending!(served.poll());
        assert_pending!(executed.poll());
        clock.advance(limit - TICK);
        assert_pending!(served.poll());
        assert_pending!(executed.poll());
        clock.advance(TICK);
        assert_eq!(words(&assert_ready!(served.poll())), Some((limit, limit, false)));
        assert_eq!(words(&assert_ready!(executed.poll())), Some((limit, limit, false)));
    }
    let mut untouched = timeout.layer().layer(service_fn(|_| -> Ready<Reply> { panic!("it is called") }));
    assert_eq!(words(&untouched.call(0).now_or_never().unwrap()), Some((Duration::ZERO, Duration::ZERO, false)));
    let refused = timeout.execute_for(&0, || -> Ready<Reply> { panic!("it is called") });
    assert_eq!(words(&refused.now_or_never().unwrap()), Some((Duration::ZERO, Duration::ZERO, false)));
}

#[test]
fn a_limit_that_depends_on_the_request_is_asked_for_once_a_call() {
    for way in Way::ALL {
        let asked = Cell::new(0);
        let limit = |(): &()| {
            asked.set(asked.get() + 1);
            SECOND
        };
        let timeout = Timeout::builder("once", limit).clock(Probe::default()).build();
        let mut call = way.begin(&timeout, || steps(2, || Ok(())));
        assert_pending!(call.poll());
        assert_ready_ok!(call.poll());
        assert_eq!(asked.get(), 1, "{way:?}");
    }
}

#[test]
fn a_request_may_be_unsized() {
    let timeout = Timeout::builder("by path", |path: &str| if path == "/health" { Duration::ZERO } else { SECOND });
    let timeout = timeout.build();
    let ok = || future::ready(Ok::<_, Failed>(7));
    assert!(timeout.execute_for("/health", ok).now_or_never().unwrap().is_err());
    assert_eq!(timeout.execute_for("/", ok).now_or_never(), Some(Ok(7)));
}

#[test]
fn a_timeout_says_its_name_and_its_limit() {
    let timeout = Timeout::new("timeout", SECOND);
    assert_eq!((timeout.name(), *timeout.limit()), ("timeout", SECOND));
    let (owned, literal) = (Timeout::builder(String::from("inventory"), SECOND), Timeout::builder("prices", SECOND));
    assert_eq!((owned.build().name(), literal.build().clone().name()), ("inventory", "prices"));
    assert_eq!(timeout.layer().policy().name(), "timeout");
    assert_eq!(timeout.layer().layer(()).policy().name(), "timeout");
}

#[test]
fn debug_says_the_name_whatever_the_limit_is() {
    let timeout = Timeout::builder("inventory", |(): &()| SECOND).build();
    let layer = timeout.layer();
    let shown = format!("{timeout:?} {layer:?} {:?} {:?}", layer.layer(()), Timeout::builder("inventory", SECOND));
    assert_eq!(shown.matches("inventory").count(), 4, "{shown}");
    let running = timeout.execute(future::pending::<Result<(), Failed>>);
    assert_eq!(format!("{running:?}"), "ResponseFuture { running: true, .. }");
    let refused = Timeout::new("timeout", Duration::ZERO).execute(future::pending::<Result<(), Failed>>);
    assert_eq!(format!("{refused:?}"), "ResponseFuture { running: false, .. }");
}

#[test]
fn a_rejection_says_who_cut_the_call_off_and_after_how_long() {
    for way in Way::ALL {
        let (timeout, clock) = manual(1_500 * MILLISECOND);
        let mut call = way.begin(&timeout, future::pending::<Reply>);
        clock.advance(2 * SECOND);
        let Err(Error::Rejected(rejection)) = assert_ready!(call.poll()) else { panic!("it hangs") };
        assert_eq!((rejection.policy(), rejection.kind()), ("manual", "timed out"));
        assert_eq!(rejection.retry_after(), None, "nobody knows whether it would be faster");
        assert_eq!(rejection.to_string(), "timeout `manual`: not done in 1.5s", "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_tokios_if_none_is_given() {
    for way in Way::ALL {
        let began = tokio::time::Instant::now();
        let reply = support::some_day(way.start(&Timeout::new("timeout", SECOND), future::pending::<Reply>)).await;
        assert_eq!(cut_off(&reply).unwrap().limit(), SECOND);
        assert_eq!(began.elapsed(), SECOND + MILLISECOND * u32::from(began.elapsed() > SECOND), "{way:?}");
    }
}
