//! Waiting for a turn: order, times, and giving up at every point.

use std::{sync::Arc, time::Duration};

use crate::support::{Manual, Wait, gcra, wait, window};
use seawall_core::{Error, Rejection, time::ManualClock};
use seawall_rate_limit::{Algorithm, EventKind, Quota, RateLimiter, Reason};
use seawall_testkit::time::{SECOND, ms};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};

#[test]
fn who_waits_is_served_in_order_and_all_make_progress() {
    for (limiter, clock) in [gcra(Quota::every(SECOND)), window(Quota::every(SECOND))] {
        limiter.try_acquire().unwrap();
        let mut waits: Vec<Wait> = (0..20).map(|_| wait(&limiter, 1)).collect();
        waits.iter_mut().for_each(|wait| assert_pending!(wait.poll()));
        for served in 0..20 {
            clock.advance(SECOND);
            // Those who are woken are polled, and nobody else.
            let ready: Vec<usize> = (0..waits.len())
                .filter(|&number| waits[number].is_woken() && waits[number].poll().is_ready())
                .collect();
            assert_eq!(ready, [0], "after {served}");
            drop(waits.remove(0));
            waits.iter_mut().take(1).filter(|wait| wait.is_woken()).for_each(|wait| assert_pending!(wait.poll()));
        }
        assert_eq!(limiter.queued(), 0);
    }
}

#[test]
fn one_that_gives_up_is_as_if_it_had_never_come() {
    for gone in 0..4 {
        let (limiter, clock) = gcra(Quota::every(SECOND));
        limiter.try_acquire().unwrap();
        let mut waits: Vec<Wait> = (0..4).map(|_| wait(&limiter, 1)).collect();
        waits.iter_mut().for_each(|wait| assert_pending!(wait.poll()));
        drop(waits.remove(gone));
        assert_eq!(limiter.queued(), 3);
        assert_eq!(limiter.try_acquire().unwrap_err().retry_after(), Some(4 * SECOND));
        for mut wait in waits {
            // Whoever is first now keeps the timer.
            if wait.is_woken() {
                assert_pending!(wait.poll());
            }
            clock.advance(SECOND);
            assert!(wait.is_woken(), "{gone}");
            assert_ready_ok!(wait.poll());
        }
        clock.advance(SECOND);
        assert_eq!(limiter.available(), 1);
    }
}

#[test]
fn one_that_was_let_through_and_gives_up_passes_its_turn_on() {
    for (limiter, clock) in [gcra(Quota::every(SECOND)), window(Quota::every(SECOND))] {
        limiter.try_acquire().unwrap();
        let (mut first, mut second) = (wait(&limiter, 1), wait(&limiter, 1));
        assert_pending!(first.poll());
        assert_pending!(second.poll());
        clock.advance(SECOND);
        // Somebody looks, which lets the first one through; it is dropped before it has asked.
        assert!(limiter.try_acquire().is_err());
        drop(first);
        assert!(second.is_woken());
        assert_ready_ok!(second.poll());
    }
}

#[test]
fn a_heavy_one_holds_up_those_behind_it_until_it_leaves() {
    let (limiter, clock) = gcra(Quota::per_second(1).burst(5));
    limiter.try_acquire_n(5).unwrap();
    let (mut heavy, mut light) = (wait(&limiter, 5), wait(&limiter, 1));
    assert_pending!(heavy.poll());
    assert_pending!(light.poll());
    clock.advance(2 * SECOND);
    assert!(limiter.try_acquire().is_err());
    assert_pending!(light.poll());
    drop(heavy);
    assert!(light.is_woken());
    assert_ready_ok!(light.poll());
    assert_eq!(limiter.available(), 1);
}

#[test]
fn calls_that_wait_can_be_dropped_at_each_point() {
    // Polled so often before it is dropped: never, in the queue, in flight.
    for polls in 0..3 {
        let clock = ManualClock::new();
        let limiter = RateLimiter::builder("t", Quota::every(SECOND)).max_wait(9 * SECOND).clock(clock.clone()).build();
        limiter.try_acquire().unwrap();
        let ran = Arc::new(());
        let mut call = task::spawn(limiter.execute(|| {
            let ran = ran.clone();
            async move {
                tokio::task::yield_now().await;
                drop(ran);
                Ok::<(), ()>(())
            }
        }));
        for poll in 0..polls {
            assert_pending!(call.poll());
            if poll == 0 {
                clock.advance(SECOND);
            }
        }
        let made = Arc::strong_count(&ran) > 1;
        drop(call);
        clock.advance(if polls == 0 { SECOND } else { Duration::ZERO });
        // Who waited only has taken nothing, and who made the call has used its share up.
        assert_eq!((limiter.available(), limiter.queued()), (u32::from(!made), 0), "{polls}");
        assert_eq!(made, polls >= 2);
    }
}

#[test]
fn a_new_quota_is_heard_by_who_waits() {
    let (limiter, clock) = gcra(Quota::every(100 * SECOND).burst(3));
    limiter.try_acquire_n(3).unwrap();
    let (mut first, mut heavy) = (wait(&limiter, 1), wait(&limiter, 3));
    assert_pending!(first.poll());
    assert_pending!(heavy.poll());
    limiter.set_quota(Quota::every(SECOND).burst(2));
    assert!(first.is_woken() && heavy.is_woken());
    assert_pending!(first.poll());
    let Rejection::RateLimited(limited) = assert_ready!(heavy.poll()).unwrap_err() else { panic!("another policy") };
    assert_eq!((limited.reason(), limited.cost()), (Reason::TooLarge, 3));
    clock.advance(SECOND);
    assert!(first.is_woken());
    assert_ready_ok!(first.poll());
}

#[tokio::test(start_paused = true)]
async fn under_tokio_everyone_is_served_at_the_rate() {
    let limiter = RateLimiter::builder("t", Quota::every(ms(10)).burst(5)).max_wait(60 * SECOND).build();
    let begun = tokio::time::Instant::now();
    let calls = (0..105).map(|_| limiter.execute(|| async { Ok::<(), ()>(()) }));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
    // 100 behind the burst; each timer of tokio's may be up to a millisecond late.
    assert!(begun.elapsed() >= SECOND && begun.elapsed() <= ms(1_150), "{:?}", begun.elapsed());
}

#[test]
fn a_runtime_that_goes_away_takes_nothing_with_it() {
    let limiter = RateLimiter::builder("t", Quota::every(3_600 * SECOND).burst(2)).max_wait(Duration::MAX).build();
    limiter.try_acquire_n(2).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    for _ in 0..10 {
        let limiter = limiter.clone();
        runtime.spawn(async move { limiter.acquire().await });
    }
    while limiter.queued() < 10 {
        std::thread::yield_now();
    }
    drop(runtime);
    assert_eq!(limiter.queued(), 0);
}

#[test]
fn a_panic_of_a_call_or_a_waker_leaves_the_queue_whole() {
    let clock = ManualClock::new();
    let limiter = RateLimiter::builder("t", Quota::every(SECOND)).max_wait(9 * SECOND).clock(clock.clone()).build();
    limiter.try_acquire().unwrap();
    let mut panics = task::spawn(limiter.execute(|| async { if true { panic!("boo") } else { Ok::<(), ()>(()) } }));
    let mut behind = wait(&limiter, 1);
    assert_pending!(panics.poll());
    assert_pending!(behind.poll());
    clock.advance(SECOND);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panics.poll().is_ready())).is_err());
    drop(panics);
    if behind.is_woken() {
        assert_pending!(behind.poll());
    }
    clock.advance(SECOND);
    assert_ready_ok!(behind.poll());
}

#[test]
fn events_tell_of_refusals_and_new_quotas_and_may_ask_back() {
    let (limiter, _clock) = gcra(Quota::every(SECOND));
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (log, asked) = (told.clone(), limiter.clone());
    limiter.on_event(move |event| {
        log.lock().unwrap().push((event.to_string(), asked.available()));
        if let EventKind::QuotaChanged { .. } = event.kind() {
            let _ = asked.try_acquire_n(9);
        }
    });
    limiter.try_acquire().unwrap();
    let _ = limiter.execute_blocking(|| Ok::<(), Error<()>>(()));
    limiter.set_quota(Quota::every(2 * SECOND));
    let told: Vec<String> = told.lock().unwrap().iter().map(|(event, _)| event.clone()).collect();
    assert_eq!(
        told,
        [
            "rate limit `t` is exhausted: 1 in 1s, 1 at once; again in 1s",
            "rate limit `t`: quota changed from 1 in 1s, 1 at once to 1 in 2s, 1 at once",
            "rate limit `t` never lets 9 pass at once: 1 in 2s, 1 at once",
        ]
    );
}

#[test]
fn the_exact_window_cannot_be_got_around_at_its_edge() {
    // Ten at the end of one period and ten at the beginning of the next are what a fixed window would let in.
    let (exact, clock) = window(Quota::per_second(10));
    let passed = |limiter: &Manual| (0..10).filter(|_| limiter.try_acquire().is_ok()).count();
    clock.advance(ms(990));
    assert_eq!(passed(&exact), 10);
    clock.advance(ms(20));
    assert_eq!(passed(&exact), 0);
    clock.advance(ms(980));
    assert_eq!(passed(&exact), 10);
    let _ = Algorithm::SlidingWindow;
}
