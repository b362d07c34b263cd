//! Deadlines: what holds inside of scopes and timeouts, who sees it, and where it ends.

use std::{
    cell::{Cell, RefCell},
    future::{self, Future, Ready},
    rc::Rc,
    task::Poll,
};

use crate::support::{Failed, Probe, Reply, SECOND, Way, YEAR, manual, panic_words, steps};
use futures::{FutureExt, executor::block_on, future::join};
use seawall_core::{
    Deadline,
    time::{Clock, Instant, ManualClock},
};
use seawall_timeout::Timeout;
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Layer, Service, service_fn};

/// The time that `clock`'s deadline here is at, in seconds; a clock that begins at its origin.
fn current(clock: &impl Clock) -> Option<u64> {
    Deadline::current_by(clock).map(|deadline| deadline.instant().as_nanos() / 1_000_000_000)
}

fn at(seconds: u64) -> Deadline {
    Deadline::at(Instant::from_nanos(seconds * 1_000_000_000))
}

// ===== what holds here =====

#[test]
fn of_scopes_inside_of_one_another_the_earliest_holds() {
    let clock = ManualClock::new();
    let here = || current(&clock);
    assert_eq!(here(), None);
    at(5).scope_blocking(|| {
        at(9).scope_blocking(|| assert_eq!(here(), Some(5)));
        at(2).scope_blocking(|| {
            assert_eq!(here(), Some(2));
            at(3).scope_blocking(|| assert_eq!(here(), Some(2)));
            Deadline::at(Instant::MAX).scope_blocking(|| assert_eq!(here(), Some(2)));
        });
        assert_eq!(here(), Some(5));
    });
    assert_eq!(here(), None);
    let nested = at(5).scope(async {
        let inner = at(2).scope(async { here() }).await;
        (inner, at(9).scope(async { here() }).await, here())
    });
    assert_eq!(block_on(nested), (Some(2), Some(5), Some(5)));
    assert_eq!(here(), None);
}

#[test]
fn a_call_sees_its_deadline_where_it_is_made_and_in_each_of_its_polls() {
    for way in Way::ALL {
        let (timeout, clock) = manual(5 * SECOND);
        let (seen, sees) = (Rc::new(RefCell::new(Vec::new())), clock.clone());
        let log = seen.clone();
        let mut call = task::spawn(way.start(&timeout, move || {
            log.borrow_mut().push(current(&sees));
            let mut left = 3;
            future::poll_fn(move |_| {
                log.borrow_mut().push(current(&sees));
                left -= 1;
                if left == 0 { Poll::Ready(Reply::Ok(())) } else { Poll::Pending }
            })
        }));
        assert_eq!(current(&clock), None, "{way:?}");
        for _ in 0..2 {
            assert_pending!(call.poll());
            assert_eq!(current(&clock), None, "{way:?}");
            clock.advance(SECOND);
        }
        assert_ready_ok!(call.poll());
        assert_eq!(*seen.borrow(), [Some(5); 4], "{way:?}");
    }
}

#[test]
fn a_call_that_has_no_limit_sees_what_is_around_it() {
    let (endless, clock) = manual(std::time::Duration::MAX);
    let see = || endless.execute(|| future::ready(Ok::<_, Failed>(current(&clock)))).now_or_never().unwrap();
    assert_eq!(see(), Ok(None));
    assert_eq!(at(5).scope_blocking(see), Ok(Some(5)));
}

#[test]
fn tokios_clock_is_the_one_of_a_deadline_that_is_given_none() {
    let call = Timeout::new("timeout", SECOND).execute(async || {
        let left = Deadline::current().expect("it has a limit").remaining();
        assert!(left <= SECOND && left > SECOND / 2, "{left:?}");
        Ok::<_, Failed>(())
    });
    block_on(call).unwrap();
    let own = Deadline::after(SECOND);
    own.scope_blocking(|| assert_eq!(Deadline::current(), Some(own)));
}

#[test]
fn to_ask_is_one_look_at_the_clock_for_all_limits_around() {
    let probe = Probe::default();
    let timeout = |seconds: u32| Timeout::builder("t", seconds * SECOND).clock(probe.clone()).build();
    let (outer, middle, inner) = (timeout(30), timeout(20), timeout(25));
    let innermost = || {
        inner.execute(|| {
            assert_eq!((probe.asked().0, current(&probe)), (0, Some(20)));
            probe.advance(SECOND);
            assert_eq!((probe.asked().0, current(&probe)), (1, Some(20)), "it is known from here on");
            future::pending::<Result<(), Failed>>()
        })
    };
    let call = outer.execute(|| {
        let call = middle.execute(innermost);
        assert_eq!(current(&probe), Some(30), "the outer limit has begun when somebody asked inside");
        assert_eq!(probe.asked().0, 1);
        call
    });
    let mut call = task::spawn(call);
    assert_pending!(call.poll());
    assert_eq!(probe.asked(), (1, 3), "each has a timer, and nobody asked again");
}

#[test]
fn the_first_poll_that_leaves_a_call_waiting_begins_all_limits_around_it() {
    let probe = Probe::default();
    let timeout = |seconds: u32| Timeout::builder("t", seconds * SECOND).clock(probe.clone()).build();
    let (outer, inner) = (timeout(30), timeout(20));
    let mut call = task::spawn(outer.execute(|| inner.execute(future::pending::<Result<(), Failed>>)));
    probe.advance(SECOND);
    assert_pending!(call.poll());
    assert_eq!(probe.asked(), (1, 2));
}

#[test]
fn limits_that_begin_later_count_from_later() {
    let (outer, clock) = manual(30 * SECOND);
    let inner = Timeout::builder("inner", 5 * SECOND).clock(clock.clone()).build();
    let see = || inner.execute(|| future::ready(Ok::<_, Failed>(current(&clock)))).now_or_never().unwrap().unwrap();
    let call = outer.execute(|| {
        assert_eq!(current(&clock), Some(30));
        clock.advance(10 * SECOND);
        assert_eq!((see(), current(&clock)), (Some(15), Some(30)));
        clock.advance(17 * SECOND);
        assert_eq!((see(), current(&clock)), (Some(30), Some(30)), "what is left of the outer one");
        future::ready(Ok::<_, Failed>(()))
    });
    call.now_or_never().unwrap().unwrap();
}

#[test]
fn a_tower_service_sees_its_deadline_in_call_and_in_its_future() {
    let (timeout, clock) = manual(5 * SECOND);
    let mut service = timeout.layer().layer(service_fn(|()| {
        assert_eq!(current(&clock), Some(5), "in `call`");
        async {
            assert_eq!(current(&clock), Some(5), "in the future");
            Reply::Ok(())
        }
    }));
    assert_eq!(service.call(()).now_or_never(), Some(Ok(())));
}

// ===== where it ends =====

#[test]
fn a_deadline_is_gone_after_its_scope_however_that_ends() {
    let (timeout, clock) = manual(5 * SECOND);
    let gone = |how: &str| assert_eq!(current(&clock), None, "{how}");
    at(3).scope_blocking(|| ());
    gone("it returned");
    assert!(panic_words(|| at(3).scope_blocking(|| panic!("at once"))).is_some());
    gone("it panicked");
    let mut future = task::spawn(at(3).scope(steps(1, || panic!("in a poll"))));
    assert_pending!(future.poll());
    gone("between polls");
    assert!(panic_words(|| future.poll()).is_some());
    gone("its future panicked");
    drop(future);
    gone("its future was dropped");
    for way in Way::ALL {
        assert!(panic_words(|| way.start(&timeout, || -> Ready<Reply> { panic!("when it is made") })).is_some());
        gone("the call panicked when it was made");
        let mut call = way.begin(&timeout, || steps(1, || -> Reply { panic!("in a poll") }));
        gone("between the polls of a call");
        assert!(panic_words(|| call.poll()).is_some());
        gone("the call panicked");
        let call = way.begin(&timeout, future::pending::<Reply>);
        drop(call);
        gone("the call was dropped");
        let asks_and_panics = || -> Ready<Reply> { panic!("at {:?}", current(&clock)) };
        assert_eq!(panic_words(|| way.start(&timeout, asks_and_panics)).as_deref(), Some("at Some(5)"));
        gone("it panicked after it had asked");
    }
}

#[test]
fn an_outer_deadline_holds_again_when_an_inner_one_has_panicked() {
    let (timeout, clock) = manual(2 * SECOND);
    at(5).scope_blocking(|| {
        for way in Way::ALL {
            let inner = || way.start(&timeout, || -> Ready<Reply> { panic!("when it is made") });
            assert!(panic_words(|| at(3).scope_blocking(inner)).is_some());
            assert_eq!(current(&clock), Some(5), "{way:?}");
        }
    });
}

#[tokio::test]
async fn a_task_that_is_spawned_inside_does_not_have_it_unless_it_is_handed_over() {
    let deadline = Deadline::after(YEAR);
    let spawned = deadline.scope(async {
        let here = Deadline::current().unwrap();
        let bare = tokio::spawn(async { Deadline::current() });
        (bare.await.unwrap(), tokio::spawn(here.scope(async { Deadline::current() })).await.unwrap())
    });
    assert_eq!(spawned.await, (None, Some(deadline)));
    let spawned = Timeout::new("timeout", YEAR).execute(async || {
        let bare = tokio::spawn(async { Deadline::current() });
        Ok::<_, Failed>((Deadline::current().is_some(), bare.await.unwrap()))
    });
    assert_eq!(spawned.await, Ok((true, None)));
}

#[test]
fn calls_that_take_turns_in_one_thread_do_not_see_each_others() {
    let clock = ManualClock::new();
    let watch = |seconds: u32| {
        let (sees, timeout) = (clock.clone(), Timeout::builder("t", seconds * SECOND).clock(clock.clone()).build());
        async move {
            let call = timeout.execute(async || {
                let mut polls = 0;
                future::poll_fn(|cx| {
                    assert_eq!(current(&sees), Some(seconds.into()));
                    polls += 1;
                    cx.waker().wake_by_ref();
                    if polls == 5 { Poll::Ready(Ok::<_, Failed>(())) } else { Poll::Pending }
                })
                .await
            });
            call.await
        }
    };
    assert_eq!(block_on(join(watch(3), watch(7))), (Ok(()), Ok(())));
    let scoped = |seconds| at(seconds).scope(async_sees(clock.clone(), seconds));
    block_on(join(join(scoped(3), scoped(7)), scoped(5)));
}

/// Sees so often that the deadline is at `seconds`.
fn async_sees(clock: ManualClock, seconds: u64) -> impl Future<Output = ()> {
    let polls = Cell::new(0);
    future::poll_fn(move |cx| {
        assert_eq!(current(&clock), Some(seconds));
        polls.set(polls.get() + 1);
        cx.waker().wake_by_ref();
        if polls.get() == 5 { Poll::Ready(()) } else { Poll::Pending }
    })
}
