//! When attempts begin: not early, not after a deadline, and not for ever.

use crate::support;
use std::{
    cell::Cell,
    future::{self, Future},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use crate::support::{Reply, Way, exactly, failed, free, log, plain, quick, reasons, run};
use seawall_core::{
    Backoff, Deadline, Error, Hint,
    time::{self, Clock, DefaultClock, Instant, ManualClock, Timer},
};
use seawall_retry::{Attempt, GaveUp};
use seawall_testkit::{
    call::ends,
    time::{MILLISECOND, SECOND, TICK, YEAR, some_day},
};
use seawall_timeout::Timeout;
use tokio_test::{assert_pending, assert_ready_eq, task};

// ===== never early =====

/// Its first sleeps end with their first poll, whatever the time.
#[derive(Clone)]
struct Hasty {
    clock: ManualClock,
    hasty: Arc<AtomicU32>,
}

struct Sleep {
    sleep: time::Sleep,
    hasty: bool,
}

impl Clock for Hasty {
    fn now(&self) -> Instant {
        self.clock.now()
    }
}

impl Timer for Hasty {
    type Sleep = Sleep;

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let less = |left: u32| left.checked_sub(1);
        let hasty = self.hasty.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        Sleep { sleep: self.clock.sleep_until(deadline), hasty }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.hasty { Poll::Ready(()) } else { Pin::new(&mut self.sleep).poll(cx) }
    }
}

#[test]
fn timers_that_always_end_too_early_do_not_keep_the_thread() {
    for way in Way::ALL {
        let clock = Hasty { clock: ManualClock::new(), hasty: Arc::new(AtomicU32::new(u32::MAX)) };
        let retry = free().backoff(exactly(SECOND)).max_attempts(2).clock(clock.clone()).build();
        let mut call = task::spawn(way.start(&retry, || future::ready(failed(1))));
        for _ in 0..10 {
            assert_pending!(call.poll());
            assert!(call.is_woken(), "{way:?}: the call goes on");
        }
        assert!(clock.hasty.load(Ordering::Relaxed) > u32::MAX - 200, "{way:?}: a poll makes few timers");
        clock.clock.advance(SECOND);
        assert_ready_eq!(call.poll(), failed(1));
    }
}

#[test]
fn a_timer_that_ends_too_early_makes_no_early_attempt() {
    for way in Way::ALL {
        for hasty in [0, 1, 2, 15] {
            let clock = Hasty { clock: ManualClock::new(), hasty: Arc::new(AtomicU32::new(hasty)) };
            let retry = free().backoff(exactly(SECOND)).clock(clock.clone()).build();
            let attempts = Cell::new(0);
            let mut call = task::spawn(way.start(&retry, || {
                attempts.set(attempts.get() + 1);
                future::ready(failed(attempts.get()))
            }));
            for attempt in 1..=2 {
                assert_pending!(call.poll());
                clock.clock.advance(SECOND - TICK);
                assert_pending!(call.poll());
                assert_eq!(attempts.get(), attempt, "{way:?}");
                clock.clock.advance(TICK);
                assert!(call.is_woken());
            }
            assert_ready_eq!(call.poll(), failed(3));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_a_wait_apart_by_tokios_clock() {
    for way in Way::ALL {
        let start = tokio::time::Instant::now();
        let retry = free().backoff(exactly(1_500 * MILLISECOND)).build();
        let began = std::cell::RefCell::new(Vec::new());
        let call = way.start(&retry, || {
            began.borrow_mut().push(start.elapsed());
            future::ready(failed(1))
        });
        some_day(call).await.unwrap_err();
        assert_eq!(began.into_inner(), [0, 1_500, 3_000].map(Duration::from_millis), "{way:?}");
    }
}

#[test]
fn a_blocking_call_waits_at_least_as_long_as_it_should() {
    let clock = DefaultClock::default();
    let retry = free().backoff(exactly(3 * MILLISECOND)).build();
    let mut began = Vec::new();
    let result = retry.execute_blocking(|| {
        began.push(clock.now());
        failed(began.len() as u32)
    });
    assert_eq!((result, began.len()), (failed(3), 3));
    assert!(began.windows(2).all(|pair| pair[1].saturating_duration_since(pair[0]) >= 3 * MILLISECOND));
}

// ===== deadlines =====

#[test]
fn no_attempt_begins_that_the_deadline_leaves_no_time_for() {
    let half = SECOND / 2;
    // The deadline, what is useful, and how many attempts there are, a second apart.
    let rows = [
        (Duration::ZERO, Duration::ZERO, 1),
        (SECOND, Duration::ZERO, 1),
        (SECOND + TICK, Duration::ZERO, 2),
        (2 * SECOND, Duration::ZERO, 2),
        (2 * SECOND + TICK, Duration::ZERO, 3),
        (SECOND + half, half, 1),
        (SECOND + half + TICK, half, 2),
        (YEAR, Duration::MAX, 1),
        (Duration::MAX, YEAR, 3),
    ];
    for way in Way::ALL {
        for (time, useful, wanted) in rows {
            let (builder, clock) = plain();
            let (log, observer) = log();
            let retry = builder.backoff(exactly(SECOND)).min_useful(useful).on_event(observer).build();
            let attempts = Cell::new(0);
            let call = way.start(&retry, || {
                attempts.set(attempts.get() + 1);
                future::ready(failed(attempts.get()))
            });
            let result = ends(Deadline::after_by(time, &clock).scope(call));
            let row = format!("{way:?}, deadline in {time:?}, useful from {useful:?}");
            assert_eq!((result, attempts.get()), (failed(wanted), wanted), "{row}");
            // At once: it does not wait for the deadline.
            assert_eq!(clock.take_waits(), vec![SECOND; wanted as usize - 1], "{row}");
            let reason = if wanted < 3 { GaveUp::Deadline } else { GaveUp::Attempts };
            assert_eq!(reasons(&log), [reason], "{row}");
        }
    }
}

#[test]
fn a_deadline_holds_for_blocking_calls_too() {
    let clock = ManualClock::new();
    let retry = quick().clock(clock.clone()).max_attempts(9).build();
    let attempts = Cell::new(0);
    let result = Deadline::after_by(SECOND, &clock).scope_blocking(|| {
        retry.execute_blocking(|| {
            attempts.set(attempts.get() + 1);
            clock.advance(SECOND / 2);
            failed(attempts.get())
        })
    });
    assert_eq!(result, failed(2));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_around_is_a_deadline_and_the_callees_error_comes_out_before_it() {
    for way in Way::ALL {
        let (timeout, retry) =
            (Timeout::new("timeout", 2_500 * MILLISECOND), free().max_attempts(9).backoff(exactly(SECOND)));
        let retry = retry.build();
        let (start, attempts) = (tokio::time::Instant::now(), Cell::new(0));
        let call = || {
            way.start(&retry, || {
                attempts.set(attempts.get() + 1);
                future::ready(failed(attempts.get()))
            })
        };
        assert_eq!(some_day(timeout.call(call)).await, failed(3), "{way:?}");
        assert_eq!(start.elapsed(), 2 * SECOND, "{way:?}");
    }
}

#[test]
fn what_a_callee_asks_for_is_not_waited_for_past_the_deadline() {
    for way in Way::ALL {
        let (builder, clock) = plain();
        let retry = builder.hint(|_: &Attempt, _: &Reply| Hint::After(10 * SECOND)).build();
        let call = way.start(&retry, || future::ready(failed(1)));
        assert_eq!(ends(Deadline::after_by(10 * SECOND, &clock).scope(call)), failed(1), "{way:?}");
        assert_eq!(clock.take_waits(), [], "{way:?}");
    }
}

// ===== max_elapsed =====

#[test]
fn no_attempt_begins_later_than_the_most_after_the_first() {
    for way in Way::ALL {
        // Each attempt takes a second, and a second later comes the next.
        for (most, wanted) in
            [(Duration::ZERO, 1), (2 * SECOND - TICK, 1), (2 * SECOND, 2), (4 * SECOND, 3), (Duration::MAX, 9)]
        {
            let (builder, clock) = plain();
            let (log, observer) = log();
            let builder = builder.max_attempts(9).backoff(exactly(SECOND)).max_elapsed(most);
            let retry = builder.on_event(observer).build();
            clock.advance(YEAR);
            let found = run(way, &retry, |number| {
                clock.advance(SECOND);
                failed(number)
            });
            assert_eq!(found, (failed(wanted), wanted), "{way:?}, at most {most:?}");
            assert_eq!(clock.take_waits(), vec![SECOND; wanted as usize - 1], "{way:?}, at most {most:?}");
            let reason = if wanted < 9 { GaveUp::Elapsed } else { GaveUp::Attempts };
            assert_eq!(reasons(&log), [reason], "{way:?}, at most {most:?}");
        }
    }
}

// ===== extremes =====

#[test]
fn a_wait_without_end_ends_the_call_and_does_not_hang() {
    for way in Way::ALL {
        let (builder, clock) = plain();
        let retry = builder.backoff(exactly(Duration::MAX)).build();
        assert_eq!(run(way, &retry, failed), (failed(1), 1), "{way:?}");
        let (builder, _) = plain();
        let retry = builder.clock(clock.clone()).hint(|_: &Attempt, _: &Reply| Hint::Exactly(Duration::MAX)).build();
        assert_eq!(run(way, &retry, failed), (failed(1), 1), "{way:?}");
        let (builder, _) = plain();
        let hint = |_: &Attempt, _: &Reply| Hint::After(Duration::MAX);
        let retry = builder.clock(clock.clone()).max_retry_after(Duration::MAX).hint(hint).build();
        assert_eq!(run(way, &retry, failed), (failed(1), 1), "{way:?}");
        assert_eq!(clock.take_waits(), [], "{way:?}");
    }
    let retry = free().backoff(exactly(Duration::MAX)).build();
    assert_eq!(support::run_blocking(&retry, failed), (failed(1), 1));
}

#[test]
fn at_the_end_of_time_a_call_still_ends() {
    for way in Way::ALL {
        let clock = ManualClock::new();
        clock.advance(Duration::MAX);
        for backoff in [Duration::ZERO, TICK, Duration::MAX] {
            let retry = free().backoff(Backoff::constant(backoff)).clock(clock.clone()).build();
            let (result, _) = run(way, &retry, failed);
            assert!(result.is_err(), "{way:?}");
        }
    }
}

#[test]
fn one_poll_makes_a_bounded_number_of_attempts() {
    for way in Way::ALL {
        let retry = quick().max_attempts(u32::MAX).build();
        let attempts = Cell::new(0);
        let mut call = task::spawn(way.start(&retry, || {
            attempts.set(attempts.get() + 1);
            future::ready(failed(attempts.get()))
        }));
        for poll in 1..=100 {
            assert_pending!(call.poll());
            assert!(call.is_woken(), "{way:?}");
            assert!(attempts.get() <= 17 * poll, "{way:?}: {} attempts in {poll} polls", attempts.get());
        }
    }
}

#[tokio::test]
async fn what_fails_at_once_for_ever_lets_other_tasks_run() {
    for way in Way::ALL {
        let retry = quick().max_attempts(u32::MAX).build();
        let served = Arc::new(AtomicU32::new(0));
        let (serves, sees) = (served.clone(), served.clone());
        tokio::spawn(async move { serves.store(1, Ordering::Relaxed) });
        let call = way.start(&retry, move || {
            let ready = sees.load(Ordering::Relaxed) == 1;
            future::ready(if ready { Ok::<_, Error<support::Failed>>(1) } else { failed(1) })
        });
        assert_eq!(call.await, Ok(1), "{way:?}");
    }
}
