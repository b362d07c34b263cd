//! What a call asks of its clock, when, and that it ends even where the timer has nothing to say.

use crate::support;
use std::{
    future::{self, Future},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use crate::support::{
    FAILED, Failed, Probe, Reply, SECOND, TICK, Way, YEAR, cut_off, ms, probed, steps, until_told, words,
};
use futures::FutureExt;
use seawall_core::{Deadline, Error, time::Clock};
use seawall_timeout::Timeout;
use tokio::{
    runtime::{self, Runtime},
    sync::{Semaphore, mpsc},
    task,
};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task::spawn};

// ===== what is asked of the clock =====

#[test]
fn a_call_that_is_ready_at_once_reads_no_clock_and_makes_no_timer() {
    for (end, way) in [Ok(()), FAILED].into_iter().flat_map(|end| Way::ALL.map(|way| (end.clone(), way))) {
        let (timeout, probe) = probed(SECOND);
        assert_eq!(way.start(&timeout, || future::ready(end.clone())).now_or_never(), Some(end));
        assert_eq!(probe.asked(), (0, 0), "{way:?}: reads, timers");
    }
}

#[test]
fn ready_calls_inside_of_one_another_read_no_clock_either() {
    let (timeout, probe) = probed(SECOND);
    let innermost = || timeout.execute(|| future::ready(Ok::<_, Failed>(7)));
    assert_eq!(timeout.execute(|| timeout.call(innermost)).now_or_never(), Some(Ok(7)));
    assert_eq!(probe.asked(), (0, 0));
}

#[test]
fn one_look_at_the_clock_and_one_timer_come_with_the_first_poll_that_leaves_the_call_waiting() {
    for way in Way::ALL {
        let (timeout, probe) = probed(SECOND);
        let mut call = spawn(way.start(&timeout, || steps(4, || Ok(()))));
        assert_eq!(probe.asked(), (0, 0), "{way:?}, before it is polled");
        assert_pending!(call.poll());
        assert_eq!(probe.asked(), (1, 1), "{way:?}");
        for reads in 2..=4 {
            assert_pending!(call.poll());
            assert_eq!(probe.asked(), (reads, 1), "{way:?}");
        }
        assert_ready_ok!(call.poll());
        assert_eq!(probe.asked(), (4, 1), "{way:?}: the end of a call is not timed");
        drop(call);
        assert_eq!(probe.alive(), 0, "{way:?}");
    }
}

#[test]
fn the_time_counts_from_the_end_of_the_first_poll() {
    for way in Way::ALL {
        let (timeout, probe) = probed(SECOND);
        let blocks = probe.clone();
        let mut first = true;
        let mut call = spawn(way.start(&timeout, || {
            future::poll_fn(move |_| {
                if std::mem::take(&mut first) {
                    blocks.advance(YEAR);
                }
                Poll::<Reply>::Pending
            })
        }));
        probe.advance(YEAR);
        assert_pending!(call.poll(), "{way:?}");
        probe.advance(SECOND - TICK);
        assert_pending!(call.poll(), "{way:?}");
        probe.advance(TICK);
        assert_eq!(words(&assert_ready!(call.poll())), Some((SECOND, SECOND, false)), "{way:?}");
    }
}

#[test]
fn the_time_counts_from_when_somebody_asked_for_the_deadline() {
    for way in Way::ALL {
        let (timeout, probe) = probed(SECOND);
        let asks = probe.clone();
        let f = || {
            assert_eq!(Deadline::current_by(&asks), Some(Deadline::at(asks.now() + SECOND)));
            asks.advance(SECOND / 4);
            future::pending::<Reply>()
        };
        let mut call = spawn(way.start(&timeout, f));
        probe.advance(SECOND / 4);
        assert_pending!(call.poll());
        probe.advance(SECOND / 2 - TICK);
        assert_pending!(call.poll(), "{way:?}");
        probe.advance(TICK);
        assert_eq!(words(&assert_ready!(call.poll())), Some((SECOND, SECOND, false)), "{way:?}");
    }
}

#[test]
fn a_call_whose_time_was_over_before_its_first_poll_ended_has_no_second_one() {
    for way in Way::ALL {
        let (timeout, probe) = probed(SECOND);
        let asks = probe.clone();
        let f = || {
            Deadline::current_by(&asks);
            future::pending::<Reply>()
        };
        let mut call = spawn(way.start(&timeout, f));
        probe.advance(2 * SECOND);
        assert_eq!(words(&assert_ready!(call.poll())), Some((SECOND, 2 * SECOND, false)), "{way:?}");
    }
}

#[test]
fn a_timer_that_never_fires_ends_the_call_at_the_next_poll() {
    for way in Way::ALL {
        let (timeout, probe) = probed(SECOND);
        probe.deafen();
        let mut call = way.begin(&timeout, future::pending::<Reply>);
        probe.advance(SECOND - TICK);
        assert_pending!(call.poll(), "{way:?}");
        probe.advance(TICK);
        assert_eq!(words(&assert_ready!(call.poll())), Some((SECOND, SECOND, false)), "{way:?}");
        assert_eq!(probe.alive(), 0, "{way:?}");
    }
}

#[test]
fn a_call_that_is_never_polled_reads_no_clock() {
    for way in Way::ALL {
        let (timeout, probe) = probed(SECOND);
        drop(way.start(&timeout, future::pending::<Reply>));
        assert_eq!(probe.asked(), (0, 0), "{way:?}");
    }
}

// ===== calls that are always busy =====

/// A limit that is short, and long enough for a slow machine to begin.
const SHORT: Duration = ms(20);

fn runtimes() -> [Runtime; 2] {
    let many = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    [runtime::Builder::new_current_thread().enable_all().build().unwrap(), many]
}

/// That a call of `endless`, which is always busy and never ends by itself, is cut off soon.
fn assert_is_cut_off<F>(endless: impl Fn() -> F)
where
    F: Future<Output = Reply> + Send + 'static,
{
    for runtime in runtimes() {
        let timeout = Timeout::new("timeout", SHORT);
        let (execute, call) = (timeout.execute(&endless).map(support::flat), timeout.call(&endless));
        for busy in [execute.boxed(), call.boxed()] {
            let task = runtime.spawn(busy);
            // It is its own task, so one that is not cut off fails here, and hangs nowhere but at the end.
            let reply = runtime.block_on(async { tokio::time::timeout(20 * SECOND, task).await });
            let reply = reply.expect("it is cut off").unwrap();
            assert_eq!(cut_off(&reply).expect("it does not end by itself").limit(), SHORT);
        }
    }
}

#[test]
fn a_receiver_that_always_has_something_is_cut_off() {
    assert_is_cut_off(|| {
        let (send, mut receive) = mpsc::unbounded_channel();
        async move {
            loop {
                send.send(()).unwrap();
                receive.recv().await.unwrap();
            }
        }
    });
}

#[test]
fn a_semaphore_that_always_has_a_permit_is_cut_off() {
    assert_is_cut_off(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        async move {
            loop {
                drop(semaphore.acquire().await.unwrap());
            }
        }
    });
}

#[test]
fn a_call_that_yields_all_the_time_is_cut_off() {
    assert_is_cut_off(|| async {
        loop {
            task::yield_now().await;
        }
    });
}

#[test]
fn a_call_that_uses_up_the_tasks_budget_in_each_poll_is_cut_off() {
    assert_is_cut_off(|| async {
        loop {
            task::consume_budget().await;
        }
    });
}

#[tokio::test(start_paused = true)]
async fn ready_calls_in_one_task_that_never_yields_are_not_cut_off() {
    const CALLS: u32 = 100_000;
    let timeout = Timeout::new("timeout", ms(1));
    let (send, mut receive) = mpsc::unbounded_channel();
    for _ in 0..CALLS {
        send.send(()).unwrap();
        let received = timeout.execute(async || receive.recv().await.ok_or(Failed)).await;
        assert_eq!(received, Ok(()), "tokio's budget, used up, is no reason");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_told_in_time_is_not_cut_off_however_late_its_task_is() {
    let timeout = Timeout::new("timeout", SECOND);
    let (tell, told) = until_told();
    let mut call = spawn(timeout.call(|| told));
    assert_pending!(call.poll());
    tell.send(()).unwrap();
    tokio::time::advance(2 * SECOND).await;
    assert_ready_ok!(call.poll());
}

#[test]
fn no_runtime_is_needed_until_a_call_waits() {
    let timeout = Timeout::new("timeout", SECOND);
    assert_eq!(timeout.execute(|| future::ready(Ok::<_, Failed>(7))).now_or_never(), Some(Ok(7)));
    let refused = Timeout::new("timeout", Duration::ZERO).execute(|| future::ready(Ok::<_, Failed>(7))).now_or_never();
    assert!(matches!(refused, Some(Err(Error::Rejected(_)))));
    let by_hand = Timeout::builder("by hand", SECOND).clock(Probe::default()).build();
    assert!(by_hand.execute(future::pending::<Result<(), Failed>>).now_or_never().is_none());
}
